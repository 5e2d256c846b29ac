"""A thread that looks at another process's memory all the time: what counts is the peak, not the end."""

import threading

import psutil
from quekkad_process import QuekkadProcess

SAMPLE_S = 0.01


class MemoryWatch:
    """The peaks of resident memory and threads of a quekkad while the `with` block runs."""

    def __init__(self, process: QuekkadProcess) -> None:
        self._process = psutil.Process(process.pid)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample_loop, name="test-memory-watch")
        self.idle_bytes = self.peak_bytes = self._process.memory_info().rss
        self.idle_threads = self.peak_threads = self._process.num_threads()
        self.idle_descriptors = self._process.num_fds()

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def growth_bytes(self) -> int:
        """How far the peak was above the beginning."""
        return self.peak_bytes - self.idle_bytes

    def threads(self) -> int:
        """How many there are now."""
        return self._process.num_threads()

    def descriptors(self) -> int:
        """How many are open now."""
        return self._process.num_fds()

    def is_back(self, *, threads: int, descriptors: int) -> bool:
        """Whether there are no more than so many above the beginning."""
        return (
            self.threads() <= self.idle_threads + threads
            and self.descriptors() <= self.idle_descriptors + descriptors
        )

    def assert_growth_within(self, limit_bytes: int) -> None:
        assert self.growth_bytes <= limit_bytes, (
            f"{self.growth_bytes >> 20} MiB more than the {self.idle_bytes >> 20} MiB at the beginning, "
            f"{limit_bytes >> 20} MiB are allowed"
        )

    def _sample_loop(self) -> None:
        while not self._is_over.wait(SAMPLE_S):
            try:
                self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)
                self.peak_threads = max(self.peak_threads, self._process.num_threads())
            except psutil.Error:
                return  # it was stopped, as some tests do
