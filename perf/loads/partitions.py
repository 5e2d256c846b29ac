"""`partitions-N`: one topic with N partitions, each written to: making them, writing, and the next start."""

import time
from dataclasses import dataclass

from perf.bench import Bench
from perf.figures import Figure, LoadResult
from perf.loads.idle_connections import allow_open_files
from perf.loads.publish_pipelined import PipelinedPublishers
from perf.remote_client import RemoteClient
from perf.sampler import Sampler
from perf.wire import Conversation

MESSAGES = 100_000
FDS_PER_PARTITION = 4
REQUEST_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class PartitionsLoad:
    name: str
    partitions: int

    def run(self, bench: Bench) -> LoadResult:
        allow_open_files(self.partitions * FDS_PER_PARTITION)
        count = max(bench.options.count or MESSAGES, self.partitions)
        with bench.broker() as broker, Conversation(broker.address) as control:
            started_at = time.monotonic()
            control.ask(f"CREATE {self.name} partitions={self.partitions}")
            create_s = time.monotonic() - started_at
            arguments = (broker.address, self.name, bench.options.size_bytes, 1)
            with RemoteClient(PipelinedPublishers, arguments) as client, Sampler(broker.pid) as sampler:
                client.run(count)
                rounds = [client.run(count) for _ in range(bench.options.rounds)]
        starts = []
        for _ in range(bench.options.rounds):
            with bench.broker() as broker:
                starts.append(broker.ready_s)
        figures = [
            Figure("create", "s", [create_s]),
            Figure("messages", "1/s", [done.per_s for done in rounds]),
            Figure("ready", "s", starts),
            Figure("rss", "MB", [sampler.usage.rss_max_bytes / 1e6]),
            Figure("fds", "", [sampler.usage.fds_max]),
        ]
        parameters = {"partitions": self.partitions, "count": count, "rounds": len(rounds)}
        return LoadResult(self.name, parameters, figures, sampler.usage.as_json())
