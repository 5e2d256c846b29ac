"""`startup-N`: from exec until the ready line, with an empty data directory or one with N topics; then it
idles.

Beside it stands what the interpreter alone needs (`python -c pass`), the floor under any program like this.
"""

import subprocess
import sys
import time
from dataclasses import dataclass

from perf.bench import Bench
from perf.broker_process import BrokerProcess
from perf.figures import Figure, LoadResult, at_most
from perf.sampler import Sampler, Usage
from perf.wire import Conversation

STARTS_PER_ROUND = 3
IDLE_S = 2.0
GOAL_READY_S = at_most(0.3)
GOAL_RSS_MB = at_most(40)


@dataclass(frozen=True, slots=True)
class StartupLoad:
    name: str
    topics: int

    def run(self, bench: Bench) -> LoadResult:
        starts = bench.options.count or bench.options.rounds * STARTS_PER_ROUND
        if self.topics:
            with bench.broker() as broker, Conversation(broker.address) as control:
                for index in range(self.topics):
                    control.ask(f"CREATE startup.{index}")
        ready_s = [self._start_once(bench, index) for index in range(starts)]
        interpreter_s = [start_interpreter() for _ in range(starts)]
        with bench.broker() as broker:
            usage = idle(broker)
        figures = [
            Figure("ready", "s", ready_s, GOAL_READY_S),
            Figure("interpreter_alone", "s", interpreter_s),
            Figure("idle_rss", "MB", [usage.rss_max_bytes / 1e6], GOAL_RSS_MB),
        ]
        parameters = {"starts": starts, "topics": self.topics, "idle_s": IDLE_S}
        return LoadResult(self.name, parameters, figures, usage.as_json())

    def _start_once(self, bench: Bench, index: int) -> float:
        with bench.broker("data" if self.topics else f"empty-{index}") as broker:
            return broker.ready_s


def idle(broker: BrokerProcess) -> Usage:
    """What the broker uses while nobody asks anything of it."""
    with Sampler(broker.pid) as sampler:
        time.sleep(IDLE_S)
    return sampler.usage


def start_interpreter() -> float:
    started_at = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - started_at
