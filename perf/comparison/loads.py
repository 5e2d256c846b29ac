"""The table of loads, and how each is run against one server.

A load gives one value for each of its figures. A load whose length goes by the clock is begun twice before
it counts: with few records, and with as many as that rate gives for a third of the time.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from perf.comparison.clients import ManyProducers, Poller, Reader, SyncProducer, Target, WindowProducer
from perf.comparison.open_loop import Receiver, TimedProducer
from perf.comparison.ordinary_clients import ORDINARY_CLIENTS, MissingClientError
from perf.comparison.process_tree import TreeSampler, rss_bytes
from perf.figures import percentile
from perf.peers.server import Server
from perf.remote_client import Client, RemoteClient, Round

CLIENT_TIMEOUT_S = 120.0
FIRST_COUNT = 200
WARM_SHARE = 0.3
BYTES_MAX = 1 << 30
"""What one trial stores at most, so that disks and the memory of servers that keep all in it suffice."""
STORED_MIN = 1000
IDLE_S = 1.0

KAFKA_PEERS = ("quekka-kafka", "kafka")
BATCHING_PEERS = ("quekka-text", "quekka-kafka", "kafka", "rabbitmq")
FSYNC_PEERS = ("quekka-text", "quekka-kafka", "redis", "kafka")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much a trial takes."""

    seconds: float = 1.0
    stored: int = 200_000
    record_bytes: int = 1024

    def smaller(self, share: float) -> "Scale":
        stored = max(min(self.stored, STORED_MIN), int(self.stored * share))
        return Scale(self.seconds * share, stored, self.record_bytes)


@dataclass(frozen=True, slots=True)
class Trial:
    """One load against one running server, with a topic of its own."""

    server: Server
    topic: str
    scale: Scale

    def target(self, *, fsync: bool = False) -> Target:
        return Target(self.server.connection, self.server.address, self.topic, self.scale.record_bytes, fsync)

    def measure(
        self, make: Callable[..., Client], *arguments: Any, fsync: bool = False
    ) -> tuple[Round, TreeSampler]:
        """A client's round of about `scale.seconds`, and what the server used in it."""
        with RemoteClient(make, (self.target(fsync=fsync), *arguments), CLIENT_TIMEOUT_S) as client:
            per_s = client.run(FIRST_COUNT).per_s
            per_s = client.run(self._count(per_s * WARM_SHARE)).per_s
            with TreeSampler(self.server.processes()) as used:
                done = client.run(self._count(per_s))
        return done, used

    def _count(self, per_s: float) -> int:
        count = int(per_s * self.scale.seconds)
        return max(1, min(count, BYTES_MAX // self.scale.record_bytes))


Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class ComparedLoad:
    """A row of the table.

    `peers` is None where every server can take part. `warms_up` where a server is the faster for having done
    it before. `writes_bytes` is about what one trial writes, where that is much.
    """

    words: str
    run: Callable[[Trial], Figures]
    peers: tuple[str, ...] | None = None
    warms_up: bool = True
    writes_bytes: int = 0

    def takes(self, peer: str) -> bool:
        return self.peers is None or peer in self.peers


def run_sync(trial: Trial) -> Figures:
    done, used = trial.measure(SyncProducer)
    return {**throughput(done, used), **latencies(done)}


def run_pipelined(trial: Trial) -> Figures:
    return throughput(*trial.measure(WindowProducer, False))


def run_batched(trial: Trial) -> Figures:
    return throughput(*trial.measure(WindowProducer, True))


def run_read(trial: Trial) -> Figures:
    batched = trial.server.name in BATCHING_PEERS
    return throughput(*trial.measure(Reader, batched, trial.scale.stored))


def run_poll(trial: Trial) -> Figures:
    return throughput(*trial.measure(Poller, False, trial.scale.stored))


def run_connections(connections: int) -> Callable[[Trial], Figures]:
    def run(trial: Trial) -> Figures:
        done, used = trial.measure(ManyProducers, connections)
        return {**throughput(done, used), **latencies(done)}

    return run


def run_fsync(batched: bool) -> Callable[[Trial], Figures]:
    def run(trial: Trial) -> Figures:
        trial.server.use_fsync(True)
        try:
            return throughput(*trial.measure(WindowProducer, batched, fsync=True))
        finally:
            trial.server.use_fsync(False)

    return run


def run_latency(records_per_s: int) -> Callable[[Trial], Figures]:
    """Twice the seconds of other loads, since the highest percentiles need many records."""

    def run(trial: Trial) -> Figures:
        count = max(1, int(2 * trial.scale.seconds * records_per_s))
        target = trial.target()
        with (
            RemoteClient(Receiver, (target,), CLIENT_TIMEOUT_S) as receiver,
            RemoteClient(TimedProducer, (target, records_per_s), CLIENT_TIMEOUT_S) as producer,
        ):
            _one_way(receiver, producer, max(1, int(count * WARM_SHARE)))
            with TreeSampler(trial.server.processes()) as used:
                received, sent = _one_way(receiver, producer, count)
        return {
            **latencies(received),
            "late_p99": percentile(sorted(sent.latencies_s), 0.99) * 1e3,
            **usage(received, used),
        }

    return run


def _one_way(receiver: RemoteClient, producer: RemoteClient, count: int) -> tuple[Round, Round]:
    receiver.begin(count)
    sent = producer.run(count)
    return receiver.finish(), sent


def run_startup(trial: Trial) -> Figures:
    """A second server of the same kind over an empty directory, and its memory when it has done nothing."""
    with type(trial.server)(trial.server.directory.parent / trial.topic) as server:
        time.sleep(IDLE_S)
        return {"ready": server.ready_s, "idle": rss_bytes(server.processes()) / 1e6}


def run_ordinary(name: str) -> Callable[[Trial], Figures]:
    """Produces for the time, and consumes it all from the start."""

    def run(trial: Trial) -> Figures:
        client = ORDINARY_CLIENTS[name]
        if missing := client.why_not():
            raise MissingClientError(missing)
        produced, used = trial.measure(client.producer)
        arguments = (trial.target(), trial.scale.stored // 2)
        with RemoteClient(client.consumer, arguments, CLIENT_TIMEOUT_S) as consumer:
            consumer.run(1)
            consumed = consumer.run(1)
        return {"produced": produced.per_s, "consumed": consumed.per_s, **usage(produced, used)}

    return run


def throughput(done: Round, used: TreeSampler) -> Figures:
    return {"records": done.per_s, "payload": done.gb_per_s * 1e3, **usage(done, used)}


def latencies(done: Round) -> Figures:
    ordered = sorted(done.latencies_s)
    return {
        "p50": percentile(ordered, 0.5) * 1e3,
        "p99": percentile(ordered, 0.99) * 1e3,
        "max": ordered[-1] * 1e3,
    }


def usage(done: Round, used: TreeSampler) -> Figures:
    """The server's processor time for each million records, and the client's share of a processor."""
    return {
        "cpu": used.cpu_s / done.count * 1e6,
        "rss": used.rss_max_bytes / 1e6,
        "client_cpu": 100 * done.cpu_s / done.elapsed_s,
    }


LOADS: Mapping[str, ComparedLoad] = {
    "sync": ComparedLoad("one connection, each record waited for", run_sync),
    "pipelined": ComparedLoad("one connection, a request for each record, 1000 under way", run_pipelined),
    "batched": ComparedLoad(
        "one connection, batches of 1 MiB, 8 under way", run_batched, BATCHING_PEERS, writes_bytes=2 << 30
    ),
    "read": ComparedLoad("a stored log from its start", run_read),
    "poll": ComparedLoad("the same through POLL, decoded", run_poll, ("quekka-text",)),
    "latency-2000": ComparedLoad("end to end at 2,000 records a second", run_latency(2000)),
    "latency-10000": ComparedLoad("end to end at 10,000 records a second", run_latency(10_000)),
    "connections-100": ComparedLoad("100 connections, each waiting", run_connections(100)),
    "connections-1000": ComparedLoad("1,000 connections, each waiting", run_connections(1000)),
    "fsync": ComparedLoad("pipelined, on the disk before the answer", run_fsync(False), FSYNC_PEERS),
    "fsync-batched": ComparedLoad(
        "batched, on the disk before the answer",
        run_fsync(True),
        ("quekka-text", *KAFKA_PEERS),
        writes_bytes=1 << 30,
    ),
    "confluent": ComparedLoad("confluent-kafka", run_ordinary("confluent"), KAFKA_PEERS),
    "kafka-python": ComparedLoad("kafka-python", run_ordinary("kafka-python"), KAFKA_PEERS),
    "quekka-client": ComparedLoad(
        "quekka.Producer, Consumer", run_ordinary("quekka-client"), ("quekka-text",)
    ),
    "startup": ComparedLoad("to the first answer, and idle memory after it", run_startup, warms_up=False),
}
