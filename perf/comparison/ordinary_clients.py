"""The same loads through clients that people use: confluent-kafka, kafka-python, and quekka's own.

Settings are the clients' defaults but for one that no throughput survives: how much may wait in the producer
(librdkafka's queue holds 100,000 records, so it is offered again when it is full).
"""

import importlib.util
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from perf.comparison.clients import Target, store
from perf.errors import PerfError, WrongReplyError
from perf.remote_client import Client, Round
from perf.wire import payload_of

CONSUME_AT_ONCE = 1000
WAIT_S = 30.0


class MissingClientError(PerfError):
    """The library is not installed; the message names it."""


def servers_of(target: Target) -> str:
    return "{}:{}".format(*target.address)


class OrdinaryProducer:
    """What the three have in common: count, clock, and the topic's life."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connection = target.connect_producer()
        self.payload = payload_of(target.record_bytes)
        self.open()

    def open(self) -> None:
        raise NotImplementedError

    def send(self, count: int) -> None:
        """Returns when all `count` are acknowledged."""
        raise NotImplementedError

    def run(self, count: int) -> Round:
        started_at = time.monotonic()
        self.send(count)
        return Round(count, count * len(self.payload), time.monotonic() - started_at)

    def close(self) -> None:
        self.shut()
        self._connection.delete()
        self._connection.close()

    def shut(self) -> None:
        """Ends the client."""


class OrdinaryConsumer:
    """Reads `stored` records from the start of a topic in each round; a fresh client each time.

    The clock starts with the first record, so that connecting and asking for metadata is not in it.
    """

    def __init__(self, target: Target, stored: int) -> None:
        self.target = replace(target, topic=f"{target.topic}-consumed")
        self._connection = self.target.connect_producer()
        self.stored = store(self._connection, stored, True)

    def consume(self) -> Iterator[int]:
        """How many records came, each time that some did, the first time one."""
        raise NotImplementedError

    def run(self, _count: int) -> Round:
        arriving = self.consume()
        found = next(arriving)
        started_at = time.monotonic()
        found += sum(arriving)
        elapsed_s = time.monotonic() - started_at
        if found != self.stored:
            raise WrongReplyError(f"{found} records came, {self.stored} are stored")
        return Round(found, found * self.target.record_bytes, elapsed_s)

    def close(self) -> None:
        self._connection.delete()
        self._connection.close()


class ConfluentProducer(OrdinaryProducer):
    def open(self) -> None:
        from confluent_kafka import Producer

        self._failed: list[Any] = []
        self._producer = Producer({"bootstrap.servers": servers_of(self.target)})

    def send(self, count: int) -> None:
        producer, topic, payload = self._producer, self.target.topic, self.payload
        for _ in range(count):
            try:
                producer.produce(topic, payload, on_delivery=self._delivered)
            except BufferError:
                producer.poll(0.01)
                producer.produce(topic, payload, on_delivery=self._delivered)
            producer.poll(0)
        left = producer.flush(WAIT_S)
        if left or self._failed:
            raise WrongReplyError(f"{left} records not delivered, {self._failed[:1]}")

    def _delivered(self, error: Any, _message: Any) -> None:
        if error is not None:
            self._failed.append(error)


class ConfluentConsumer(OrdinaryConsumer):
    def consume(self) -> Iterator[int]:
        from confluent_kafka import Consumer, TopicPartition

        group = uuid.uuid4().hex
        consumer = Consumer(
            {"bootstrap.servers": servers_of(self.target), "group.id": group, "enable.auto.commit": False}
        )
        consumer.assign([TopicPartition(self.target.topic, 0, 0)])
        found = 0
        while found < self.stored:
            messages = consumer.consume(min(CONSUME_AT_ONCE, self.stored - found) if found else 1, WAIT_S)
            if not messages or messages[0].error():
                raise WrongReplyError(f"{found} records came, then {messages and messages[0].error()}")
            found += len(messages)
            yield len(messages)
        consumer.close()


class KafkaPythonProducer(OrdinaryProducer):
    def open(self) -> None:
        from kafka import KafkaProducer

        self._producer = KafkaProducer(bootstrap_servers=servers_of(self.target))

    def send(self, count: int) -> None:
        futures = [self._producer.send(self.target.topic, self.payload) for _ in range(count)]
        self._producer.flush()
        for future in futures:
            future.get(WAIT_S)

    def shut(self) -> None:
        self._producer.close()


class KafkaPythonConsumer(OrdinaryConsumer):
    def consume(self) -> Iterator[int]:
        from kafka import KafkaConsumer, TopicPartition

        consumer = KafkaConsumer(bootstrap_servers=servers_of(self.target), enable_auto_commit=False)
        partition = TopicPartition(self.target.topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        found = 0
        while found < self.stored:
            records = consumer.poll(WAIT_S * 1000, max_records=CONSUME_AT_ONCE if found else 1)
            if not records:
                raise WrongReplyError(f"{found} records came, then none for {WAIT_S:g} s")
            found += len(records[partition])
            yield len(records[partition])
        consumer.close()


class QuekkaProducer(OrdinaryProducer):
    def open(self) -> None:
        from quekka import Producer

        self._producer = Producer(servers_of(self.target))

    def send(self, count: int) -> None:
        futures = [self._producer.send(self.target.topic, self.payload) for _ in range(count)]
        self._producer.flush()
        for future in futures:
            future.result(WAIT_S)

    def shut(self) -> None:
        self._producer.close()


class QuekkaConsumer(OrdinaryConsumer):
    def consume(self) -> Iterator[int]:
        from quekka import Consumer

        servers = servers_of(self.target)
        with Consumer(self.target.topic, servers=servers, auto_offset_reset="earliest") as consumer:
            for _ in islice(consumer, self.stored):
                yield 1


@dataclass(frozen=True, slots=True)
class OrdinaryClient:
    """A library: the module that has to be there, and what drives it."""

    module: str
    producer: Callable[[Target], Client]
    consumer: Callable[[Target, int], Client]

    def why_not(self) -> str:
        found = importlib.util.find_spec(self.module)
        return "" if found else f"the Python module {self.module} is not installed"


ORDINARY_CLIENTS: Mapping[str, OrdinaryClient] = {
    "confluent": OrdinaryClient("confluent_kafka", ConfluentProducer, ConfluentConsumer),
    "kafka-python": OrdinaryClient("kafka", KafkaPythonProducer, KafkaPythonConsumer),
    "quekka-client": OrdinaryClient("quekka", QuekkaProducer, QuekkaConsumer),
}
