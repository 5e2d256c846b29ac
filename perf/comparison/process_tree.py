"""Processor time and memory of a server with all its processes, some being several."""

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import Self

import psutil

SAMPLE_EVERY_S = 0.1


class TreeSampler:
    """Inside `with`: what the processes used between its begin and its end.

    Threads: one thread; a thread of its own takes the samples of memory.
    """

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._processes = processes
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample_loop, name="perf-tree-sampler", daemon=True)
        self._started_at = 0.0
        self._cpu_before_s = 0.0
        self.cpu_s = 0.0
        self.elapsed_s = 0.0
        self.rss_max_bytes = 0

    def __enter__(self) -> Self:
        self._cpu_before_s = cpu_s(self._processes)
        self._started_at = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.elapsed_s = time.monotonic() - self._started_at
        self.cpu_s = cpu_s(self._processes) - self._cpu_before_s
        self._stopped.set()
        self._thread.join()
        self.rss_max_bytes = max(self.rss_max_bytes, rss_bytes(self._processes))

    def _sample_loop(self) -> None:
        while not self._stopped.wait(SAMPLE_EVERY_S):
            self.rss_max_bytes = max(self.rss_max_bytes, rss_bytes(self._processes))


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    """Seconds in user and in system mode since each was started."""
    total_s = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total_s += times.user + times.system
    return total_s


def rss_bytes(processes: Sequence[psutil.Process]) -> int:
    """The resident sets, added up."""
    total_bytes = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            total_bytes += process.memory_info().rss
    return total_bytes
