"""What a process used while a load ran, as psutil sees it."""

import threading
import time
from dataclasses import asdict, dataclass
from typing import Self

import psutil

SAMPLE_EVERY_S = 0.1


@dataclass(slots=True)
class Usage:
    """Sums over the window, or the first or largest sample; zero where the platform has none."""

    elapsed_s: float = 0.0
    cpu_user_s: float = 0.0
    cpu_system_s: float = 0.0
    rss_first_bytes: float = 0.0
    rss_max_bytes: float = 0.0
    threads_max: float = 0.0
    fds_max: float = 0.0
    read_bytes: float = 0.0
    written_bytes: float = 0.0
    read_calls: float = 0.0
    write_calls: float = 0.0
    switches_voluntary: float = 0.0
    switches_involuntary: float = 0.0

    @property
    def cpu_s(self) -> float:
        return self.cpu_user_s + self.cpu_system_s

    def as_json(self) -> dict[str, float]:
        return asdict(self)


class Sampler:
    """Watches the process `pid` from `start` to `stop`, or inside `with`.

    Threads: `start` and `stop` by one thread; a thread of its own takes the samples.
    """

    def __init__(self, pid: int) -> None:
        self.usage = Usage()
        self.rss_samples_bytes: list[int] = []
        self._process = psutil.Process(pid)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample_loop, name="perf-sampler", daemon=True)
        self._at_start: dict[str, float] = {}

    def start(self) -> None:
        self._at_start = counters(self._process)
        self._sample()
        self.usage.rss_first_bytes = self.rss_samples_bytes[0]
        self._thread.start()

    def stop(self) -> Usage:
        """Ends the window; what was used in it is `usage` from now on."""
        self._stopped.set()
        self._thread.join()
        self._sample()
        for name, value in counters(self._process).items():
            setattr(self.usage, name, value - self._at_start.get(name, 0.0))
        return self.usage

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _sample_loop(self) -> None:
        while not self._stopped.wait(SAMPLE_EVERY_S):
            self._sample()

    def _sample(self) -> None:
        rss_bytes = self._process.memory_info().rss
        self.rss_samples_bytes.append(rss_bytes)
        self.usage.rss_max_bytes = max(self.usage.rss_max_bytes, rss_bytes)
        self.usage.threads_max = max(self.usage.threads_max, self._process.num_threads())
        self.usage.fds_max = max(self.usage.fds_max, self._process.num_fds())


def counters(process: psutil.Process) -> dict[str, float]:
    """What only ever grows: CPU time, bytes and calls, and the clock that they are set against."""
    cpu = process.cpu_times()
    switches = process.num_ctx_switches()
    found = {
        "elapsed_s": time.monotonic(),
        "cpu_user_s": cpu.user,
        "cpu_system_s": cpu.system,
        "switches_voluntary": switches.voluntary,
        "switches_involuntary": switches.involuntary,
    }
    if hasattr(process, "io_counters"):
        io = process.io_counters()
        # The chars count what went through read and write whether or not a disk was behind it.
        found["read_bytes"] = getattr(io, "read_chars", io.read_bytes)
        found["written_bytes"] = getattr(io, "write_chars", io.write_bytes)
        found["read_calls"] = io.read_count
        found["write_calls"] = io.write_count
    return found
