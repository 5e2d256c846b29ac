"""`groups-N`: N groups that have read and committed; then one more works among them, and the next start."""

import time
from dataclasses import dataclass

from perf.bench import Bench
from perf.figures import Figure, LoadResult, percentile
from perf.sampler import Sampler
from perf.wire import Address, Conversation

COMMITS = 2_000


@dataclass(frozen=True, slots=True)
class GroupsLoad:
    name: str
    groups: int

    def run(self, bench: Bench) -> LoadResult:
        commits = bench.options.count or COMMITS
        with (
            bench.broker() as broker,
            Conversation(broker.address) as control,
            Sampler(broker.pid) as sampler,
        ):
            control.ask(f"CREATE {self.name}")
            control.ask(f"PUBLISH {self.name} 1", b"x")
            started_at = time.monotonic()
            for index in range(self.groups):
                control.ask(f"COMMIT {self.name} group.{index} 1")
            all_s = time.monotonic() - started_at
            rounds_s = [commit(broker.address, self.name, commits) for _ in range(bench.options.rounds)]
            asked_at = time.monotonic()
            control.ask("GROUPS")
            list_s = time.monotonic() - asked_at
        starts = []
        for _ in range(bench.options.rounds):
            with bench.broker() as broker:
                starts.append(broker.ready_s)
        figures = [
            Figure("first_commits", "1/s", [self.groups / all_s]),
            Figure("commit_p50", "ms", [percentile(one, 0.5) * 1e3 for one in rounds_s]),
            Figure("commit_p99", "ms", [percentile(one, 0.99) * 1e3 for one in rounds_s]),
            Figure("list", "ms", [list_s * 1e3]),
            Figure("ready", "s", starts),
            Figure("rss", "MB", [sampler.usage.rss_max_bytes / 1e6]),
        ]
        parameters = {"groups": self.groups, "commits": commits, "rounds": len(rounds_s)}
        return LoadResult(self.name, parameters, figures, sampler.usage.as_json())


def commit(address: Address, topic: str, count: int) -> list[float]:
    """Seconds of each of `count` commits of one group, ascending."""
    found = []
    with Conversation(address) as control:
        for _ in range(count):
            asked_at = time.monotonic()
            control.ask(f"COMMIT {topic} one.more 1")
            found.append(time.monotonic() - asked_at)
    return sorted(found)
