"""`idle-connections-N`: N connections that have said PING once and nothing since."""

import resource
import time
from contextlib import ExitStack
from dataclasses import dataclass

from perf.bench import Bench
from perf.figures import Figure, LoadResult, at_most
from perf.sampler import Sampler, Usage
from perf.wire import Conversation

IDLE_S = 5.0
SPARE_FDS = 200
GOAL_CPU_PERCENT = at_most(1.0)


@dataclass(frozen=True, slots=True)
class IdleConnectionsLoad:
    name: str
    connections: int

    def run(self, bench: Bench) -> LoadResult:
        allow_open_files(self.connections + SPARE_FDS)
        idle_s = bench.options.seconds or IDLE_S
        with bench.broker() as broker, ExitStack() as held:
            alone = watch_idle(broker.pid, idle_s)
            for _ in range(self.connections):
                held.enter_context(Conversation(broker.address)).ask("PING")
            usage = watch_idle(broker.pid, idle_s)
        per_connection_kb = (usage.rss_max_bytes - alone.rss_max_bytes) / self.connections / 1e3
        figures = [
            Figure("cpu", "%", [cpu_percent(usage)], GOAL_CPU_PERCENT),
            Figure("cpu_without_connections", "%", [cpu_percent(alone)]),
            Figure("rss", "MB", [usage.rss_max_bytes / 1e6]),
            Figure("rss_per_connection", "kB", [per_connection_kb]),
            Figure("threads", "", [usage.threads_max]),
        ]
        return LoadResult(
            self.name, {"connections": self.connections, "idle_s": idle_s}, figures, usage.as_json()
        )


def watch_idle(pid: int, seconds: float) -> Usage:
    with Sampler(pid) as sampler:
        time.sleep(seconds)
    return sampler.usage


def cpu_percent(usage: Usage) -> float:
    return 100 * usage.cpu_s / usage.elapsed_s


def allow_open_files(count: int) -> None:
    """Raises the soft limit, which the broker inherits, as far as the hard limit lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
