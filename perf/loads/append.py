"""`append-SIZE`: record batches of SIZE, appended without waiting for replies.

The broker touches no record here: it checks a header and a CRC-32C and writes. Each round has a topic of its
own, which is deleted after it, so that the disk does not fill.
"""

from dataclasses import dataclass

from perf.batch_sender import BatchSender
from perf.bench import Bench, parameters_of, usage_of
from perf.figures import Figure, LoadResult, at_least
from perf.remote_client import RemoteClient, Round
from perf.wire import Address, Conversation

ROUND_BYTES = 1 << 30
GOAL_GB_PER_S = at_least(1.0)


@dataclass(frozen=True, slots=True)
class AppendLoad:
    name: str
    batch_bytes: int

    def run(self, bench: Bench) -> LoadResult:
        with (
            bench.broker() as broker,
            RemoteClient(
                Appender, (broker.address, self.name, self.batch_bytes, bench.options.size_bytes)
            ) as client,
        ):
            rounds, usage = bench.measure(broker, client, ROUND_BYTES // self.batch_bytes)
        figures = [
            Figure("batches_bytes", "GB/s", [done.gb_per_s for done in rounds], GOAL_GB_PER_S),
            Figure("batches", "1/s", [done.per_s for done in rounds]),
        ]
        parameters = parameters_of(bench.options, rounds, batch_bytes=rounds[0].size_bytes // rounds[0].count)
        return LoadResult(self.name, parameters, figures, usage_of(usage, rounds))


class Appender:
    """In the child: a topic for each round, made and deleted outside the clock."""

    def __init__(self, address: Address, topic: str, batch_bytes: int, record_bytes: int) -> None:
        self._topic = topic
        self._rounds = 0
        self._control = Conversation(address)
        self._sender = BatchSender(address, batch_bytes, record_bytes)

    def run(self, count: int) -> Round:
        self._rounds += 1
        topic = f"{self._topic}.{self._rounds}"
        self._control.ask(f"CREATE {topic} file.delete.delay.ms=0")
        elapsed_s = self._sender.append(topic, count)
        self._control.ask(f"DELETE {topic}")
        return Round(count, count * self._sender.batch_bytes, elapsed_s)

    def close(self) -> None:
        self._sender.close()
        self._control.close()
