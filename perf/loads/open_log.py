"""`open-SIZE`: starts over SIZE bytes of log that were closed cleanly.

Warm is with the files in the page cache, as after a restart of the program; cold is after the kernel was told
to forget them, as after a restart of the machine.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from perf.batch_sender import BatchSender
from perf.bench import Bench
from perf.figures import Figure, LoadResult, at_most
from perf.sampler import Sampler, Usage

BATCH_BYTES = 1 << 20
GOAL_READY_S = at_most(1.0)


@dataclass(frozen=True, slots=True)
class OpenLoad:
    name: str
    stored_bytes: int

    def run(self, bench: Bench) -> LoadResult:
        broker = bench.broker()
        with broker, BatchSender(broker.address, BATCH_BYTES, bench.options.size_bytes) as sender:
            sender.append(self.name, max(1, self.stored_bytes // BATCH_BYTES))
        warm_s = [self._start_once(bench, cold=False) for _ in range(bench.options.rounds)]
        cold_s = [self._start_once(bench, cold=True) for _ in range(bench.options.rounds)]
        figures = [
            Figure("ready_warm", "s", warm_s, GOAL_READY_S),
            Figure("ready_cold", "s", cold_s, GOAL_READY_S),
        ]
        parameters = {"rounds": len(warm_s), "stored_bytes": self.stored_bytes}
        return LoadResult(self.name, parameters, figures, usage_when_open(bench).as_json())

    def _start_once(self, bench: Bench, *, cold: bool) -> float:
        if cold:
            forget_pages(bench.directory)
        with bench.broker() as broker:
            return broker.ready_s


def usage_when_open(bench: Bench) -> Usage:
    with bench.broker() as broker, Sampler(broker.pid) as sampler:
        pass
    return sampler.usage


def forget_pages(directory: Path) -> None:
    """Tells the kernel to drop what it holds of the files below `directory`, after writing it to disk."""
    for path in directory.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
