"""The group consumers of several Kafka clients behind one face, so that one test can be played with each.

All of them join again quickly (a heartbeat every tenth of a second), start at the earliest offset, and commit
when told. Nothing sleeps: whoever waits for something lets the consumers poll, and a poll returns as soon as
there is news.
"""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from importlib.util import find_spec
from time import monotonic
from typing import Any, ClassVar, Self

from kafka_programs import PROGRAMS, FranzGo, Java, Kafkajs, KafkaProgram

WAIT_S = 30.0
"""Only a fault takes this long."""
POLL_S = 0.1
LONG_POLL_MS = 1000
"""kafka-python 3.0 loses a join that ends at the very moment at which a poll does, so its polls are few."""
HEARTBEAT_MS = 100
SESSION_MS = 6000

Got = tuple[int, int, bytes | None]
"""Partition, offset and value of a record."""


class GroupConsumer(ABC):
    """A consumer in a group, subscribed to one topic."""

    CAN_BE_STATIC: ClassVar[bool] = True

    def __init__(self, address: str, group: str, topic: str, instance: str | None = None) -> None:
        self.topic = topic
        self.got: list[Got] = []
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def values(self) -> list[bytes | None]:
        return [value for _, _, value in self.got]

    @abstractmethod
    def poll(self) -> None:
        """Add what comes within `POLL_S` to `got`; rebalances happen here."""

    @abstractmethod
    def assignment(self) -> set[int]:
        """The partitions that this consumer reads."""

    @abstractmethod
    def commit(self, offsets: dict[int, int], metadata: str = "") -> None:
        """Commit offsets by partition, and wait for the answer."""

    @abstractmethod
    def committed(self, partition: int) -> int | None:
        """The committed offset, asked of the broker."""

    @abstractmethod
    def seek_to_time(self, timestamp_ms: int) -> dict[int, int | None]:
        """Go on with the first records at or after a time; their offsets by partition, None for none."""

    def close(self) -> None:
        """Leave the group, but for a static member, and let go of everything; once."""
        if not self._is_closed:
            self._is_closed = True
            self._close()

    @abstractmethod
    def _close(self) -> None: ...


def poll_until(consumers: Sequence[GroupConsumer], condition: Callable[[], bool]) -> None:
    """Let all consumers poll until something is so."""
    give_up_at_s = monotonic() + WAIT_S
    while not condition():
        assert monotonic() < give_up_at_s, f"still not so: {[c.assignment() for c in consumers]}"
        for consumer in consumers:
            consumer.poll()


class ConfluentConsumer(GroupConsumer):
    """confluent-kafka: librdkafka, whose own thread does the heartbeats."""

    def __init__(
        self, address: str, group: str, topic: str, instance: str | None = None, **config: Any
    ) -> None:
        from confluent_kafka import Consumer

        super().__init__(address, group, topic, instance)
        static = {} if instance is None else {"group.instance.id": instance}
        self.consumer = Consumer(
            {
                "bootstrap.servers": address,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "heartbeat.interval.ms": HEARTBEAT_MS,
                "session.timeout.ms": SESSION_MS,
                "reconnect.backoff.max.ms": 200,
                "log_level": 0,
                **static,
                **{name.replace("_", "."): value for name, value in config.items()},
            }
        )
        self.consumer.subscribe([topic])

    def poll(self) -> None:
        for message in self.consumer.consume(100, POLL_S):
            if message.error() is None:
                self.got.append((message.partition(), message.offset(), message.value()))

    def assignment(self) -> set[int]:
        return {place.partition for place in self.consumer.assignment()}

    def commit(self, offsets: dict[int, int], metadata: str = "") -> None:
        places = [self._place(partition, offset, metadata) for partition, offset in offsets.items()]
        for place in self.consumer.commit(offsets=places, asynchronous=False):
            assert place.error is None

    def committed(self, partition: int) -> int | None:
        (place,) = self.consumer.committed([self._place(partition)], timeout=WAIT_S)
        assert place.error is None
        return None if place.offset < 0 else int(place.offset)

    def seek_to_time(self, timestamp_ms: int) -> dict[int, int | None]:
        asked = [self._place(partition, timestamp_ms) for partition in self.assignment()]
        found = self.consumer.offsets_for_times(asked, timeout=WAIT_S)
        for place in found:
            self.consumer.seek(place)
        return {place.partition: None if place.offset < 0 else place.offset for place in found}

    def _close(self) -> None:
        self.consumer.close()

    def _place(self, partition: int, offset: int = -1001, metadata: str = "") -> Any:
        from confluent_kafka import TopicPartition

        return TopicPartition(self.topic, partition, offset, metadata)


class KafkaPythonConsumer(GroupConsumer):
    """kafka-python: all of it in Python, heartbeats in a thread."""

    def __init__(self, address: str, group: str, topic: str, instance: str | None = None) -> None:
        from kafka import KafkaConsumer

        super().__init__(address, group, topic, instance)
        self.consumer = KafkaConsumer(
            topic,
            bootstrap_servers=address,
            group_id=group,
            group_instance_id=instance,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=HEARTBEAT_MS,
            session_timeout_ms=SESSION_MS,
            reconnect_backoff_max_ms=200,
        )

    def poll(self) -> None:
        for records in self.consumer.poll(timeout_ms=LONG_POLL_MS).values():
            self.got += [(record.partition, record.offset, record.value) for record in records]

    def assignment(self) -> set[int]:
        return {place.partition for place in self.consumer.assignment()}

    def commit(self, offsets: dict[int, int], metadata: str = "") -> None:
        from kafka.structs import OffsetAndMetadata

        self.consumer.commit(
            {self._place(p): OffsetAndMetadata(offset, metadata, -1) for p, offset in offsets.items()}
        )

    def committed(self, partition: int) -> int | None:
        offset: int | None = self.consumer.committed(self._place(partition))
        return offset

    def seek_to_time(self, timestamp_ms: int) -> dict[int, int | None]:
        found = self.consumer.offsets_for_times(dict.fromkeys(self.consumer.assignment(), timestamp_ms))
        for place, at in found.items():
            if at is None:
                self.consumer.seek_to_end(place)
            else:
                self.consumer.seek(place, at.offset)
        return {place.partition: None if at is None else at.offset for place, at in found.items()}

    def _close(self) -> None:
        self.consumer.close(autocommit=False)

    def _place(self, partition: int) -> Any:
        from kafka.structs import TopicPartition

        return TopicPartition(self.topic, partition)


class EventLoop:
    """An asyncio loop in a thread of its own, for calls from other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="asyncio")
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class AiokafkaConsumer(GroupConsumer):
    """aiokafka: asyncio, in a loop of its own."""

    def __init__(self, address: str, group: str, topic: str, instance: str | None = None) -> None:
        super().__init__(address, group, topic, instance)
        self._loop = EventLoop()
        self._loop.call(self._start(address, group, instance))

    async def _start(self, address: str, group: str, instance: str | None) -> None:
        from aiokafka import AIOKafkaConsumer

        self.consumer = AIOKafkaConsumer(
            self.topic,
            bootstrap_servers=address,
            group_id=group,
            group_instance_id=instance,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=HEARTBEAT_MS,
            session_timeout_ms=SESSION_MS,
        )
        await self.consumer.start()

    def poll(self) -> None:
        found = self._loop.call(self.consumer.getmany(timeout_ms=int(POLL_S * 1000)))
        for records in found.values():
            self.got += [(record.partition, record.offset, record.value) for record in records]

    def assignment(self) -> set[int]:
        return {place.partition for place in self.consumer.assignment()}

    def commit(self, offsets: dict[int, int], metadata: str = "") -> None:
        places = {self._place(p): (offset, metadata) for p, offset in offsets.items()}
        self._loop.call(self.consumer.commit(places))

    def committed(self, partition: int) -> int | None:
        offset: int | None = self._loop.call(self.consumer.committed(self._place(partition)))
        return offset

    def seek_to_time(self, timestamp_ms: int) -> dict[int, int | None]:
        places = dict.fromkeys(self.consumer.assignment(), timestamp_ms)
        found = self._loop.call(self.consumer.offsets_for_times(places))
        for place, at in found.items():
            if at is None:
                self._loop.call(self.consumer.seek_to_end(place))
            else:
                self.consumer.seek(place, at.offset)
        return {place.partition: None if at is None else at.offset for place, at in found.items()}

    def _close(self) -> None:
        self._loop.call(self.consumer.stop())
        self._loop.close()

    def _place(self, partition: int) -> Any:
        from aiokafka.structs import TopicPartition

        return TopicPartition(self.topic, partition)


class ProgramConsumer(GroupConsumer):
    """A client of another language, in a process of its own."""

    PROGRAM: ClassVar[type[KafkaProgram]]

    def __init__(
        self, address: str, group: str, topic: str, instance: str | None = None, assignor: str | None = None
    ) -> None:
        super().__init__(address, group, topic, instance)
        self._group = group
        self._assigned: set[int] = set()
        self._program = self.PROGRAM(address)
        self._program.ask("join", group=group, topic=topic, instance=instance, assignor=assignor)

    def poll(self) -> None:
        news = self._program.ask("poll")
        self._assigned = set(news["assigned"])
        self.got += [(partition, offset, value.encode()) for partition, offset, value in news["records"]]

    def assignment(self) -> set[int]:
        return self._assigned

    def commit(self, offsets: dict[int, int], metadata: str = "") -> None:
        self._program.ask("commit", offsets=offsets, metadata=metadata)

    def committed(self, partition: int) -> int | None:
        offsets = self._program.ask("group_offsets", group=self._group, topic=self.topic)
        offset: int | None = offsets.get(str(partition))
        return offset

    def seek_to_time(self, timestamp_ms: int) -> dict[int, int | None]:
        found = self._program.ask("seek_to_time", timestamp_ms=timestamp_ms)
        return {int(partition): offset for partition, offset in found.items()}

    def _close(self) -> None:
        self._program.close()


class KafkajsConsumer(ProgramConsumer):
    """kafkajs."""

    PROGRAM = Kafkajs
    CAN_BE_STATIC = False


class FranzGoConsumer(ProgramConsumer):
    """franz-go."""

    PROGRAM = FranzGo


class JavaConsumer(ProgramConsumer):
    """Kafka's own client."""

    PROGRAM = Java


PROGRAM_CONSUMERS: dict[str, type[ProgramConsumer]] = {
    kind.PROGRAM.NAME: kind for kind in (KafkajsConsumer, FranzGoConsumer, JavaConsumer)
}
"""By the name of the program."""

CONSUMERS: dict[str, Callable[..., GroupConsumer]] = {
    "confluent_kafka": ConfluentConsumer,
    "kafka": KafkaPythonConsumer,
    "aiokafka": AiokafkaConsumer,
    **PROGRAM_CONSUMERS,
}
"""By the name of the module that has to be there, or of the program."""


def why_not(client: str) -> str:
    """Why a client cannot be played with here; empty when it can."""
    if client in PROGRAMS:
        return PROGRAMS[client].why_not()
    return "" if find_spec(client) is not None else f"{client} is not installed"
