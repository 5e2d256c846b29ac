"""`lookup-SIZE`: offsets and times are looked up all over a log of SIZE bytes, most of which are holes.

Each lookup goes to another place, so nothing that was found before helps. `ready` is the start over that log.
"""

import random
import time
from dataclasses import dataclass

from perf.bench import Bench
from perf.figures import Figure, LoadResult, percentile
from perf.sampler import Sampler
from perf.sparse_log import timestamp_of, write_sparse_log
from perf.wire import Address, BatchReplies, Conversation, connect

LOOKUPS = 2_000
SEED = 20


@dataclass(frozen=True, slots=True)
class LookupLoad:
    name: str
    stored_bytes: int

    def run(self, bench: Bench) -> LoadResult:
        lookups = bench.options.count or LOOKUPS
        with bench.broker() as broker, Conversation(broker.address) as control:
            control.ask(f"CREATE {self.name} retention.ms=-1")
        end_offset = write_sparse_log(broker.data_dir / "topics" / self.name, self.stored_bytes)
        ready_s, by_offset_s, by_time_s = [], [], []
        for _ in range(bench.options.rounds):
            with bench.broker() as broker, Sampler(broker.pid) as sampler:
                ready_s.append(broker.ready_s)
                by_offset_s.append(median(read_at(broker.address, self.name, end_offset, lookups)))
                by_time_s.append(median(find_times(broker.address, self.name, end_offset, lookups)))
        figures = [
            Figure("ready", "s", ready_s),
            Figure("by_offset_p50", "ms", [value * 1e3 for value in by_offset_s]),
            Figure("by_time_p50", "ms", [value * 1e3 for value in by_time_s]),
            Figure("rss", "MB", [sampler.usage.rss_max_bytes / 1e6]),
        ]
        parameters = {"rounds": len(ready_s), "stored_bytes": self.stored_bytes, "lookups": lookups}
        return LoadResult(self.name, parameters, figures, sampler.usage.as_json())


def median(values: list[float]) -> float:
    return percentile(sorted(values), 0.5)


def read_at(address: Address, topic: str, end_offset: int, count: int) -> list[float]:
    """Seconds for one READ of one batch, at each of `count` places."""
    places = random.Random(SEED)
    connection = connect(address)
    replies = BatchReplies(connection)
    found = []
    for _ in range(count):
        request = f"READ {topic} 0 {places.randrange(end_offset)} 0 max_bytes=1\r\n".encode()
        asked_at = time.monotonic()
        connection.sendall(request)
        replies.next_length()
        found.append(time.monotonic() - asked_at)
    connection.close()
    return found


def find_times(address: Address, topic: str, end_offset: int, count: int) -> list[float]:
    """Seconds for finding the first record at or after each of `count` times."""
    places = random.Random(SEED)
    found = []
    with Conversation(address) as control:
        for _ in range(count):
            timestamp_ms = timestamp_of(places.randrange(end_offset))
            asked_at = time.monotonic()
            control.ask(f"LISTOFFSETS {topic} 0 timestamp:{timestamp_ms}")
            found.append(time.monotonic() - asked_at)
    return found
