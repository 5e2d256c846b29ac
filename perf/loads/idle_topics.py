"""`idle-topics-N`: N topics with one record each, and nothing that happens to them.

The clock starts when the topics' writer threads have retired.
"""

import time
from dataclasses import dataclass

import psutil

from perf.bench import Bench
from perf.figures import Figure, LoadResult, at_most
from perf.loads.idle_connections import IDLE_S, allow_open_files, cpu_percent, watch_idle
from perf.wire import Address, Conversation, payload_of, publish_request

RETIRE_TIMEOUT_S = 60.0
THREADS_LEFT = 20
FDS_PER_TOPIC = 4
GOAL_CPU_PERCENT = at_most(1.0)


@dataclass(frozen=True, slots=True)
class IdleTopicsLoad:
    name: str
    topics: int

    def run(self, bench: Bench) -> LoadResult:
        allow_open_files(self.topics * FDS_PER_TOPIC)
        idle_s = bench.options.seconds or IDLE_S
        with bench.broker(writer_idle_ms="1000") as broker:
            alone = watch_idle(broker.pid, idle_s)
            create_s = self._create(broker.address, bench.options.size_bytes)
            retire_s = wait_until_writers_retired(psutil.Process(broker.pid))
            usage = watch_idle(broker.pid, idle_s)
        figures = [
            Figure("cpu", "%", [cpu_percent(usage)], GOAL_CPU_PERCENT),
            Figure("cpu_without_topics", "%", [cpu_percent(alone)]),
            Figure("create_and_publish", "topics/s", [self.topics / create_s]),
            Figure("writers_retired_after", "s", [retire_s]),
            Figure("rss", "MB", [usage.rss_max_bytes / 1e6]),
            Figure("rss_per_topic", "kB", [(usage.rss_max_bytes - alone.rss_max_bytes) / self.topics / 1e3]),
            Figure("threads", "", [usage.threads_max]),
            Figure("fds", "", [usage.fds_max]),
        ]
        return LoadResult(self.name, {"topics": self.topics, "idle_s": idle_s}, figures, usage.as_json())

    def _create(self, address: Address, size_bytes: int) -> float:
        started_at = time.monotonic()
        payload = payload_of(size_bytes)
        with Conversation(address) as control:
            for index in range(self.topics):
                head, _, body = publish_request(f"idle.{index}", payload).partition(b"\r\n")
                control.ask(head.decode(), body)
        return time.monotonic() - started_at


def wait_until_writers_retired(process: psutil.Process) -> float:
    """The seconds it took; at most RETIRE_TIMEOUT_S, after which the figure of threads tells."""
    started_at = time.monotonic()
    while process.num_threads() > THREADS_LEFT and time.monotonic() - started_at < RETIRE_TIMEOUT_S:
        time.sleep(0.1)
    return time.monotonic() - started_at
