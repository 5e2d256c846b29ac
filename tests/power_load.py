"""Load of every kind for one broker, one request after the other, as a seed has it.

What is sent and acknowledged is noted in Promises. The clock is moved by hand, and after each move this waits
until all that flush.ms is over for is on the disk: so from then on it is promised, and not a moment earlier.
"""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from kafka_wire import KafkaWire
from log_bench import batch_by
from power_promises import (
    Commit,
    CommitPromise,
    Doubt,
    IdempotentBatch,
    KeyValue,
    PartitionPromise,
    Promises,
    TopicPromise,
)
from wire_client import WireClient

from quekka.broker.partition import Partition
from quekka.clock import ManualClock
from quekka.embedded import Broker
from quekka.formats.murmur2 import partition_for_key
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.api_08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from quekka.protocols.kafka.api_22_init_producer_id import InitProducerIdRequest
from quekka.topic_name import OFFSETS_TOPIC

PRODUCE, OFFSET_COMMIT, INIT_PRODUCER_ID = 0, 8, 22
FLUSH_TIMEOUT_S = 20.0
"""Only a broker that does not flush takes so long."""

TOPICS: dict[str, dict[str, str]] = {
    "plain": {},
    "synced": {"flush.messages": "1"},
    "states": {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.bytes": "2500"},
    "aged": {"retention.ms": "2500", "segment.bytes": "2500"},
    "bounded": {"retention.bytes": "6000", "segment.bytes": "2500", "flush.messages": "1"},
    "slow": {"flush.ms": "7000"},
    "passing": {"flush.messages": "1"},
}
GROUPS = ("readers", "others")
KEYS = [b"k%d" % number for number in range(6)]
PARTITIONS_MAX = 4


class PowerLoad:
    """The load of one broker; one thread."""

    def __init__(self, broker: Broker, clock: ManualClock, promises: Promises, rng: random.Random) -> None:
        self._core = broker.core
        self._clock = clock
        self._promises = promises
        self._rng = rng
        self._waits: list[tuple[int, Partition, int]] = []
        """(monotonic ms, partition, log end): what is due to be on disk then."""
        self._text = WireClient(broker.host, broker.port)
        self._kafka = KafkaWire(broker.host, broker.port)
        self._actions = [
            *[self.publish] * 8, *[self.append] * 2, *[self.produce] * 4, *[self.pass_some_time] * 5,
            self.pass_much_time, self.create, self.create, self.delete, self.configure, self.add_partition,
            self.delete_records, self.delete_records, self.commit, self.commit, self.commit_by_kafka,
        ]  # fmt: skip

    def close(self) -> None:
        self._text.close()
        self._kafka.close()

    def act(self) -> None:
        """One action, at random."""
        self._rng.choice(self._actions)()

    # Records

    def publish(self) -> None:
        """PUBLISH some, all before the first reply is read."""
        with self._somewhere() as (topic, index, promise):
            records = self._records(topic)
            self._begin(promise, records)
            self._text.send_bytes(b"".join(_publish_line(topic.name, index, record) for record in records))
            for record in records:
                reply = self._text.read_line().split(" ")
                assert reply[0] == "+OK", " ".join(reply)
                self._acknowledge(topic, index, int(reply[1]), [record])

    def append(self) -> None:
        """APPEND them as one batch."""
        with self._somewhere() as (topic, index, promise):
            records = self._records(topic)
            builder = BatchBuilder(self._clock.wall_ms())
            for key, value in records:
                builder.append(key, value)
            self._begin(promise, records)
            offset = self._append(topic.name, index, bytes(builder.build()))
            self._acknowledge(topic, index, offset, records)

    def produce(self) -> None:
        """A batch of an idempotent producer by Kafka's Produce; a new producer where there is none."""
        with self._somewhere() as (topic, index, promise):
            if topic.is_compacted:
                return
            producer_id, sequence = self._next_of_producer(promise)
            count = self._rng.randint(1, 4)
            data = bytes(batch_by(producer_id, sequence, count, timestamp_ms=self._clock.wall_ms()))
            records: list[KeyValue] = [
                (None, b"%d/%d" % (producer_id, sequence + number)) for number in range(count)
            ]
            with self._promises.mutex:
                self._begin(promise, records)
                promise.batches.append(
                    IdempotentBatch(data, producer_id, sequence + count, promise.end, count)
                )
            self._acknowledge(topic, index, self._produce(topic.name, index, data), records)

    def retry_batches(self) -> int:
        """Send each producer's last batch that survived again: it is known, and not appended twice."""
        retried = 0
        for topic in self._promises.topics.values():
            for index, promise in enumerate(topic.partitions):
                last = {batch.producer_id: batch for batch in promise.batches}
                for batch in last.values():
                    offset = self._produce(topic.name, index, batch.data)
                    assert offset == batch.offset, f"{topic.name}/{index}: {offset} instead of {batch.offset}"
                    retried += 1
                end = self._core.topics.get(topic.name).partition(index).view().log_end_offset
                assert end == promise.end, f"{topic.name}/{index}: a batch was appended twice"
        return retried

    def _next_of_producer(self, promise: PartitionPromise) -> tuple[int, int]:
        if promise.batches and self._rng.random() < 0.8:
            return promise.batches[-1].producer_id, promise.batches[-1].next_sequence
        response = self._kafka.ask(INIT_PRODUCER_ID, 1, InitProducerIdRequest(None, 60_000))
        assert response.error_code == 0
        assert response.producer_id > self._promises.producer_id_max, "a producer id was given twice"
        self._promises.producer_id_max = response.producer_id
        return response.producer_id, 0

    def _produce(self, name: str, index: int, data: bytes) -> int:
        partition = PartitionProduceData(index, memoryview(data))
        request = ProduceRequest(None, -1, 30_000, [TopicProduceData(name, [partition])])
        [topic] = self._kafka.ask(PRODUCE, 7, request).responses
        [answer] = topic.partition_responses
        assert answer.error_code == 0, f"{name}/{index}: error {answer.error_code}"
        return int(answer.base_offset)

    def _append(self, name: str, index: int, data: bytes) -> int:
        self._text.send_bytes(b"APPEND %b %d %d\r\n" % (name.encode(), index, len(data)) + data)
        reply = self._text.read_line().split(" ")
        assert reply[0] == "+OK", " ".join(reply)
        return int(reply[1])

    def _records(self, topic: TopicPromise) -> list[KeyValue]:
        count, bytes_max = (1, 2000) if self._rng.random() < 0.1 else (self._rng.randint(1, 12), 150)
        return [
            (
                self._rng.choice(KEYS) if topic.is_compacted or self._rng.random() < 0.3 else None,
                self._rng.randbytes(self._rng.randint(1, bytes_max)),
            )
            for _ in range(count)
        ]

    # Topics

    def create(self) -> None:
        missing = sorted(set(TOPICS) - set(self._promises.topics))
        if missing:
            name = self._rng.choice(missing)
            count = self._rng.randint(1, 2)
            settings = dict(TOPICS[name])
            topic = TopicPromise(name, settings, [PartitionPromise() for _ in range(count)])
            words = "".join(f" {key}={value}" for key, value in settings.items())
            with self._promises.mutex:
                for place, commit in self._promises.commits.items():
                    if place[1] == name:  # of an earlier topic of the name, if its deletion was cut off
                        commit.values.append(None)
            self._change(Doubt(create=topic), f"CREATE {name} partitions={count}{words}")
            with self._promises.mutex:
                self._promises.topics[name] = topic
                self._promises.doubt = Doubt()

    def delete(self) -> None:
        names = sorted(set(self._promises.topics) & {"passing", "plain"})
        if names:
            name = self._rng.choice(names)
            self._change(Doubt(delete=name), f"DELETE {name}")
            with self._promises.mutex:
                del self._promises.topics[name]
                for place, commit in self._promises.commits.items():
                    if place[1] == name and commit.values[-1] is not None:
                        self._committed(place, None)
                self._promises.doubt = Doubt()

    def configure(self) -> None:
        topic = self._a_topic()
        if topic is not None:
            name, value = self._rng.choice(
                [("flush.ms", str(self._rng.randint(500, 5000))), ("segment.ms", "100000"),
                 ("max.message.bytes", str(self._rng.randint(50_000, 1_000_000)))]
            )  # fmt: skip
            settings = {**topic.settings, name: value}
            self._change(Doubt(settings=(topic.name, settings)), f"CONFIG {topic.name} {name}={value}")
            with self._promises.mutex:
                topic.settings = settings
                self._promises.doubt = Doubt()

    def add_partition(self) -> None:
        topic = self._a_topic()
        if topic is not None and len(topic.partitions) < PARTITIONS_MAX:
            total = len(topic.partitions) + 1
            self._change(Doubt(partitions=(topic.name, total)), f"CONFIG {topic.name} partitions={total}")
            with self._promises.mutex:
                topic.partitions.append(PartitionPromise())
                self._promises.doubt = Doubt()

    def delete_records(self) -> None:
        with self._somewhere() as (topic, index, promise):
            start = self._core.topics.get(topic.name).partition(index).view().log_start_offset
            before = self._rng.randint(start, promise.end)
            doubt = Doubt(start=(topic.name, index, before))
            reply = self._change(doubt, f"DELETERECORDS {topic.name} {index} {before}")
            with self._promises.mutex:
                promise.start = int(reply.split(" ")[1])
                promise.start_max = max(promise.start_max, promise.start)
                self._promises.doubt = Doubt()

    # Commits

    def commit(self) -> None:
        self._commit(by_kafka=False)

    def commit_by_kafka(self) -> None:
        self._commit(by_kafka=True)

    def _commit(self, *, by_kafka: bool) -> None:
        topic = self._a_topic()
        if topic is None:
            return
        place = (self._rng.choice(GROUPS), topic.name)
        offset = self._rng.randint(0, topic.partitions[0].end)
        with self._promises.mutex:
            self._promises.commits.setdefault(place, CommitPromise())
            self._promises.doubt = Doubt(commit=(place, offset))
        if by_kafka:
            self._commit_to_kafka(place, offset)
        else:
            reply = self._text.ask(f"COMMIT {topic.name} {place[0]} {offset} partition=0")
            assert reply == f"+OK {offset}", reply
        with self._promises.mutex:
            self._committed(place, offset)
            self._promises.doubt = Doubt()

    def _commit_to_kafka(self, place: Commit, offset: int) -> None:
        topic = OffsetCommitRequestTopic(place[1], [OffsetCommitRequestPartition(0, offset)])
        response = self._kafka.ask(
            OFFSET_COMMIT, 5, OffsetCommitRequest(place[0], -1, "", topics=[topic])
        )
        assert response.topics[0].partitions[0].error_code == 0, response

    def _committed(self, place: Commit, offset: int | None) -> None:
        commit = self._promises.commits[place]
        commit.values.append(offset)
        topic = self._core.topics.get(OFFSETS_TOPIC)
        partition = topic.partition(partition_for_key(place[0].encode(), len(topic.partitions)))
        if topic.config.flush_messages == 1:
            commit.durable = len(commit.values) - 1
        else:
            at_ms = self._now_ms() + topic.config.flush_ms
            commit.due.append((at_ms, len(commit.values) - 1))
            self._waits.append((at_ms, partition, partition.view().log_end_offset))

    # Time

    def pass_some_time(self) -> None:
        self._pass_time(self._rng.randint(1, 1000))

    def pass_much_time(self) -> None:
        """Enough for retention, compaction and the end of idle writers."""
        self._pass_time(self._rng.randint(2000, 8000))

    def _pass_time(self, step_ms: int) -> None:
        self._clock.advance(ms=step_ms)
        now_ms = self._now_ms()
        due = [wait for wait in self._waits if wait[0] <= now_ms]
        self._waits = [wait for wait in self._waits if wait[0] > now_ms]
        for _, partition, end in due:
            self._wait_for_flush(partition, end)
        self._promises.pass_time(now_ms)

    def _wait_for_flush(self, partition: Partition, end: int) -> None:
        give_up_at_s = monotonic() + FLUSH_TIMEOUT_S
        moment = threading.Event()
        while partition.log.recovery_point < end and not partition.is_gone:
            assert partition.log.writer.closed_reason is None, partition.log.writer.closed_reason
            assert monotonic() < give_up_at_s, f"{partition}: flush.ms is over and {end} is not on disk"
            moment.wait(0.0005)

    def _now_ms(self) -> int:
        return round(self._clock.monotonic_s() * 1000)

    # What the above is made of

    def _a_topic(self) -> TopicPromise | None:
        names = sorted(self._promises.topics)
        return self._promises.topics[self._rng.choice(names)] if names else None

    @contextmanager
    def _somewhere(self) -> Iterator[tuple[TopicPromise, int, PartitionPromise]]:
        """A partition at random; where there is no topic, one is made first."""
        while (topic := self._a_topic()) is None:
            self.create()
        index = self._rng.randrange(len(topic.partitions))
        yield topic, index, topic.partitions[index]

    def _change(self, doubt: Doubt, line: str) -> str:
        with self._promises.mutex:
            self._promises.doubt = doubt
        reply = self._text.ask(line)
        assert reply.startswith("+OK"), f"{line}: {reply}"
        return reply

    def _begin(self, promise: PartitionPromise, records: Sequence[KeyValue]) -> None:
        with self._promises.mutex:
            promise.under_way = list(records)

    def _acknowledge(self, topic: TopicPromise, index: int, offset: int, records: list[KeyValue]) -> None:
        served = self._core.topics.get(topic.name)
        with self._promises.mutex:
            promise = topic.partitions[index]
            promise.acknowledge(offset, records)
            if served.config.flush_messages == 1:
                promise.durable_end = promise.end
            else:
                at_ms = self._now_ms() + served.config.flush_ms
                promise.due.append((at_ms, promise.end))
                self._waits.append((at_ms, served.partition(index), promise.end))


def _publish_line(name: str, index: int, record: KeyValue) -> bytes:
    key, value = record
    assert value is not None
    option = b"" if key is None else b" key=%b" % key
    return b"PUBLISH %b %d partition=%d%b\r\n%b" % (name.encode(), len(value), index, option, value)
