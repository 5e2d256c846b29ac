"""kill -9 at random moments under everything at once.

Text and Kafka producers (acks 0, 1 and all, all codecs, idempotent ones that repeat what was not answered),
small segments, retention by age and by size, topics that are made, deleted, made again, widened, configured
and cut, commits by both protocols and by a static member. A round has a data directory of its own and a few
lives of a broker; each life ends by a kill: in the middle of the load, in the middle of a stop, with the load
just over (then all that could be read before is compared), or while it starts. After each, all that was
acknowledged is held against what is there.

What a round does is fixed by its seed, which is printed; how the threads interleave is not, so a seed that
failed may need some tries:

    pytest tests/recovery/test_kill_mixed.py --rounds 500
    pytest tests/recovery/test_kill_mixed.py --seed 1234 --rounds 1
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from history_check import Committed, HistoryCheck, read_bounds, read_committed
from kafka_load import LoadWire
from mixed_load import MixedLoad
from quekkad_process import ROOT, QuekkadProcess
from workload import assert_logs_and_indexes_agree, joined

ROUNDS = 10
"""How many there are where --rounds does not say."""
LIVES = 2
KILL_AFTER_MAX = 1500
"""Records and commits that are acknowledged in one life, at most."""
KILLED_STARTS_MAX = 1
STOP_S_MAX = 0.15
"""How long a stop may run before the kill."""

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "log.flush.interval.ms": ("1", "50", "1000", "86400000"),
    "log.flush.interval.messages": ("1", "100", "9223372036854775807"),
    "log.index.interval.bytes": ("1", "300", "4096"),
    "log.open.files.max": ("16", "512"),
    "log.cleaner.backoff.ms": ("10", "1000"),
    "log.retention.check.interval.ms": ("5", "100"),
    "offsets.topic.num.partitions": ("1", "3"),
    "offsets.topic.segment.bytes": ("1024", "8192", "16777216"),
    "writer.idle.ms": ("20", "10000"),
}
"""What a broker is started with: one of each, by the seed."""

Seen = tuple[Committed, dict[tuple[str, int], tuple[int, int]]]
"""Committed offsets, and log start and log end offsets."""


class Round:
    """One data directory and the lives of its brokers."""

    def __init__(self, seed: int, data_dir: Path) -> None:
        self.load = MixedLoad(str(seed))
        self.records_count = 0
        self.kills_count = 0
        self._rng = random.Random(seed)
        self._data_dir = data_dir
        self._log_path = data_dir.with_name(data_dir.name + ".log")
        self._start_s = 1.0
        self._seen: Seen | None = None

    def play(self) -> None:
        for life in range(LIVES):
            process = self._start()
            try:
                if not life:
                    self.load.make_topics(process.host, process.port)
                self._check(process)
                self._live(process)
            finally:
                process.close()
            self.load.history.note_end_of_process()
            self._kill_some_starts()
        self._end()

    def remove(self) -> None:
        """Make room for the next round; what a failed one leaves stays to be looked at."""
        shutil.rmtree(self._data_dir)
        self._log_path.unlink()

    def _end(self) -> None:
        """All is there, a clean stop leaves it so, and logs and indexes agree."""
        process = self._start()
        try:
            self._check(process)
            assert process.terminate() == 0
        finally:
            process.close()
        assert_logs_and_indexes_agree(self._data_dir)
        assert "Traceback" not in self._log_path.read_text()

    # Starting

    def _options(self) -> list[str]:
        chosen = [f"--set={name}={self._rng.choice(values)}" for name, values in SETTINGS.items()]
        return [*chosen, "--set=auto.create.topics.enable=false"]

    def _start(self) -> QuekkadProcess:
        before_s = time.monotonic()
        process = QuekkadProcess(self._data_dir, self._log_path, *self._options())
        self._start_s = time.monotonic() - before_s
        return process

    def _kill_some_starts(self) -> None:
        """Kill a few brokers before they are ready, or shortly after."""
        for _ in range(self._rng.randint(0, KILLED_STARTS_MAX)):
            self.kills_count += 1
            command = [
                sys.executable,
                str(ROOT / "bin" / "quekkad"),
                "--port=0",
                "--data-dir",
                str(self._data_dir),
            ]
            with self._log_path.open("ab") as log:
                starting = subprocess.Popen(
                    [*command, *self._options()],
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                )
            try:
                starting.wait(self._start_s * self._rng.uniform(0.4, 1.2))
            except subprocess.TimeoutExpired:
                starting.kill()
                starting.wait()
            assert starting.returncode == -signal.SIGKILL, "it ended by itself"

    # Living and dying

    def _live(self, process: QuekkadProcess) -> None:
        history = self.load.history
        kill_after = history.acknowledged_count + self._rng.randrange(KILL_AFTER_MAX)
        end = self._rng.choice((self._kill, self._kill, self._kill_while_it_stops, self._kill_when_quiet))
        workers = self.load.workers(process.host, process.port)
        self.kills_count += 1
        with joined(workers):
            try:
                history.wait_for(kill_after)
                end(process, workers_end=lambda: [worker.join() for worker in workers])
            finally:
                process.close()

    def _kill(self, process: QuekkadProcess, workers_end: Callable[[], object]) -> None:
        process.kill()

    def _kill_while_it_stops(self, process: QuekkadProcess, workers_end: Callable[[], object]) -> None:
        process.signal(signal.SIGTERM)
        try:
            process.wait(self._rng.uniform(0, STOP_S_MAX))
        except subprocess.TimeoutExpired:
            process.kill()

    def _kill_when_quiet(self, process: QuekkadProcess, workers_end: Callable[[], object]) -> None:
        """Kill it with nothing under way, after a look at what it shows."""
        self.load.history.is_over.set()
        workers_end()
        with LoadWire(process.host, process.port) as wire:
            self._seen = read_committed(wire), read_bounds(wire)
        process.kill()

    # Checking

    def _check(self, process: QuekkadProcess) -> None:
        if self._seen is not None:
            with LoadWire(process.host, process.port) as wire:
                self._check_same(read_committed(wire), read_bounds(wire), *self._seen)
            self._seen = None
        check = HistoryCheck(self.load.history, process.host, process.port, self._data_dir, self._rng)
        check.check_all()
        self.records_count += check.records_count

    def _check_same(
        self,
        committed: Committed,
        bounds: dict[tuple[str, int], tuple[int, int]],
        committed_before: Committed,
        bounds_before: dict[tuple[str, int], tuple[int, int]],
    ) -> None:
        """Nothing was asked between the two looks; only retention may have gone on."""
        assert committed == committed_before
        assert bounds.keys() == bounds_before.keys()
        for place, (start, end) in bounds.items():
            start_before, end_before = bounds_before[place]
            assert start >= start_before, f"{place}: the log start was {start_before}, it is {start}"
            assert end == end_before, f"{place}: the log end was {end_before}, it is {end}"


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long; every wait in it has its own end
def test_all_that_was_acknowledged_survives_kill_9(tmp_path: Path, seed: int, rounds: int) -> None:
    kills_count = records_count = 0
    for number in range(rounds):
        print(f"round {number}: --seed {seed + number} --rounds 1", flush=True)
        one = Round(seed + number, tmp_path / f"data-{number}")
        one.play()
        one.remove()
        kills_count += one.kills_count
        records_count += one.records_count
    print(f"{rounds} rounds, {kills_count} kills, {records_count} records read and found right")
