"""Loads and servers in turns: in every round, every load against every server, in an order that rotates.

All servers are started once, since some are fast only after a while, and are set aside while another one is
measured. A round with less of everything goes before those that count. A server that fails in a load is
reported, started anew if it has ended, and goes on with the next load.
"""

import contextlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from perf.comparison.loads import LOADS, Scale, Trial
from perf.comparison.outcome import FIGURES, Outcome
from perf.errors import PerfError
from perf.figures import show_number
from perf.peers.server import Server
from quekka.errors import QuekkaError

WARM_UP_SHARE = 0.3
SETTLE_S = 0.1
MEBIBYTE = bytes(1 << 20)
FAILURES = (PerfError, QuekkaError, OSError, psutil.Error)


class Rounds:
    """The servers of one comparison; ends them all at the end of `with`.

    Threads: one thread.
    """

    def __init__(self, directory: Path, kinds: Mapping[str, type[Server]], loads: Sequence[str]) -> None:
        self._directory = directory
        self._kinds = kinds
        self._loads = loads
        self._servers: dict[str, Server] = {}
        self._starts = 0
        self._stack = contextlib.ExitStack()
        self.outcome = Outcome()

    def __enter__(self) -> "Rounds":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, rounds: int, scale: Scale) -> Outcome:
        for name in self._kinds:
            self._start(name, 0)
        self._run_round(0, scale.smaller(WARM_UP_SHARE), Outcome(errors=self.outcome.errors))
        for number in range(1, rounds + 1):
            self._run_round(number, scale, self.outcome)
        return self.outcome

    def commands(self) -> dict[str, list[str]]:
        return {name: list(server.command()) for name, server in self._servers.items()}

    def _run_round(self, number: int, scale: Scale, outcome: Outcome) -> None:
        peak_mb: dict[str, float] = {}
        names = list(self._servers)
        for turn, load in enumerate(self._loads):
            for name in rotated(names, number + turn):
                if name not in self._servers or not LOADS[load].takes(name):
                    continue
                if number == 0 and not LOADS[load].warms_up:
                    continue
                figures = self._run_trial(number, load, name, scale)
                outcome.add(load, name, figures)
                peak_mb[name] = max(peak_mb.get(name, 0.0), figures.get("rss", 0.0))
        for name, peak in peak_mb.items():
            if peak:
                outcome.add("memory", name, {"peak": peak})

    def _run_trial(self, number: int, load: str, name: str, scale: Scale) -> dict[str, float]:
        """The figures of one load against one server; none when it failed."""
        try:
            settle_memory(self._directory, LOADS[load].writes_bytes)
            with self._servers[name].resumed() as server:
                time.sleep(SETTLE_S)
                figures = LOADS[load].run(Trial(server, f"{name}-{load}-{number}", scale))
        except FAILURES as error:
            self.outcome.fail(number, load, name, error)
            say(f"round {number}  {load:16} {name:13} failed: {str(error).strip()[-500:]}")
            self._revive(name, number)
            return {}
        say(f"round {number}  {load:16} {name:13} {show_figures(figures)}")
        return figures

    def _start(self, name: str, round_number: int) -> None:
        """A fresh server in a directory of its own, set aside; it is left out when it does not start."""
        self._starts += 1
        server = self._kinds[name](self._directory / f"{name}-{self._starts}")
        try:
            self._stack.enter_context(server)
            server.set_aside()
        except FAILURES as error:
            self.outcome.fail(round_number, "start", name, error)
            say(f"{name} did not start: {error}")
            self._servers.pop(name, None)
            return
        self._servers[name] = server

    def _revive(self, name: str, round_number: int) -> None:
        """Another server in the place of one that has failed, whatever state that is in."""
        self._servers[name].kill()
        self._start(name, round_number)


def settle_memory(directory: Path, size_bytes: int) -> None:
    """Have nothing on its way to the disk, and `size_bytes` of free memory that the machine really has.

    A virtual machine is given memory by its host when it is first written to, at several times the cost of
    writing; that would be paid by whichever server comes first.
    """
    path = directory / "memory"
    with path.open("wb", buffering=0) as file:
        for _ in range(size_bytes // len(MEBIBYTE)):
            file.write(MEBIBYTE)
    path.unlink()
    os.sync()


def rotated(names: Sequence[str], by: int) -> list[str]:
    """From place `by` to the end, then from the begin."""
    if not names:
        return []
    by %= len(names)
    return [*names[by:], *names[:by]]


def show_figures(figures: Mapping[str, float]) -> str:
    shown = [(FIGURES[name], show_number(value)) for name, value in figures.items()]
    return ", ".join(f"{kind.words} {number} {kind.unit}" for kind, number in shown)


def say(line: str) -> None:
    """Progress, on standard error: a full run takes minutes."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
