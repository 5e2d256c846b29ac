"""The producers of a mixed load: the text protocol's, Kafka's, and Kafka's idempotent ones."""

import random
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass

from history import History
from kafka_load import (
    CODECS,
    PRODUCE,
    STOPPING,
    UNKNOWN_TOPIC_OR_PARTITION,
    LoadWire,
    make_batch,
    new_producer_id,
    produce_request,
    produce_version,
)
from ledger import Place, RecordId
from mixed_workers import Address, MixedWorker, Numbering
from workload import Lines, Target

RECORDS_PER_TURN_MAX = 40
RECORDS_PER_BATCH_MAX = 15
REQUESTS_IN_FLIGHT = 5
"""What a broker remembers of an idempotent producer, and what such a producer has in flight at most."""
AGE_MS = 2 * 24 * 3600 * 1000
"""How old a record is made that retention by time may take."""
AGED_STRETCH = 300
"""After how many records of all producers they change between old and new ones."""

REFUSALS = ("UNKNOWN_TOPIC_OR_PARTITION", "SHUTTING_DOWN")
BATCH_TOO_LARGE, BATCH_TOO_LARGE_NUMBER = "RECORD_LIST_TOO_LARGE", 18
"""Larger than a segment; a batch that a broker makes itself of single records never is."""
REFUSAL_NUMBERS = frozenset({UNKNOWN_TOPIC_OR_PARTITION, BATCH_TOO_LARGE_NUMBER, *STOPPING})


class TopicChoice:
    """Where a producer's next records go, and how old they are."""

    def __init__(self, history: History, names: list[str]) -> None:
        self._history = history
        self._names = names

    def pick(self, rng: random.Random) -> tuple[str, int, bool]:
        """A topic, the number of partitions it has or had, and whether the records are to be old."""
        name = rng.choice(self._names)
        notes = self._history.topics.get(name)
        present = notes.present if notes else None
        if present is None:
            return name, 2, False
        is_aged = present.keeps == "young" and self._history.sent_count // AGED_STRETCH % 2 == 0
        return name, present.partitions, is_aged


def timestamp_ms(is_aged: bool) -> int:
    return int(time.time() * 1000) - (AGE_MS if is_aged else 0)


class NumberedProducer(MixedWorker):
    """A producer that numbers its records, for topics of any kind or only for those that last."""

    protocol = ""

    def __init__(
        self,
        numbering: Numbering,
        address: Address,
        history: History,
        seed: str,
        names: list[str],
        lasting: list[str],
    ) -> None:
        super().__init__(f"{self.protocol}-{numbering.producer}", address, history, seed)
        self._numbering = numbering
        self._choice = TopicChoice(history, names)
        self._lasting = TopicChoice(history, lasting)


class TextProducer(NumberedProducer):
    """PUBLISH, many in one piece, and APPEND; some without a reply."""

    protocol = "text"

    def use_connection(self) -> None:
        with closing(Lines(Target(*self.address, "", 0))) as lines:
            while not self.is_over():
                kind = self.rng.choice((self._publish, self._publish, self._append, self._publish_silently))
                kind(lines, self._numbering.take(self.rng.randint(1, RECORDS_PER_TURN_MAX), self.rng))

    def _publish(self, lines: Lines, records: dict[RecordId, bytes]) -> None:
        name, partitions, is_aged = self._choice.pick(self.rng)
        option = self.rng.choice(("", f" partition={self.rng.randrange(partitions)}", " key=k", " acks=all"))
        self.history.note_sent(name, records, is_aged=is_aged)
        lines.send(b"".join(publish_line(name, value, option, is_aged) for value in records.values()))
        for identity in records:
            self._note_reply(lines.read(), [identity])

    def _publish_silently(self, lines: Lines, records: dict[RecordId, bytes]) -> None:
        name, _, is_aged = self._lasting.pick(self.rng)
        self.history.note_sent(name, records, is_aged=is_aged)
        lines.send(b"".join(publish_line(name, value, " acks=0", is_aged) for value in records.values()))

    def _append(self, lines: Lines, records: dict[RecordId, bytes]) -> None:
        name, partitions, is_aged = self._choice.pick(self.rng)
        partition = self.rng.randrange(partitions)
        batch = make_batch([*records.values()], self.rng.choice(CODECS), timestamp_ms(is_aged))
        self.history.note_sent(name, records, is_aged=is_aged)
        lines.send(b"APPEND %b %d %d\r\n" % (name.encode(), partition, len(batch)) + batch)
        self._note_reply(lines.read(), [*records], BATCH_TOO_LARGE)

    def _note_reply(self, reply: list[str], identities: list[RecordId], *refusals: str) -> None:
        if reply[0] == "+OK":
            offset, partition = int(reply[1]), int(reply[2])
            self.history.note_acknowledged(
                {identity: Place(partition, offset + delta) for delta, identity in enumerate(identities)}
            )
            return
        assert reply[1] in {*REFUSALS, *refusals}, " ".join(reply)
        self.history.note_refused(identities)


def publish_line(topic: str, value: bytes, option: str, is_aged: bool) -> bytes:
    age = f" timestamp={timestamp_ms(True)}" if is_aged else ""
    return f"PUBLISH {topic} {len(value)}{option}{age}\r\n".encode() + value


class KafkaProducer(NumberedProducer):
    """Produce with acks 0, 1 and -1, several requests in flight, all codecs, all versions."""

    protocol = "kafka"

    def use_connection(self) -> None:
        with LoadWire(*self.address) as wire:
            while not self.is_over():
                in_flight = [self._send(wire) for _ in range(self.rng.randint(1, REQUESTS_IN_FLIGHT))]
                for parts in in_flight:
                    if parts:
                        self._receive(wire, parts)

    def _send(self, wire: LoadWire) -> dict[int, list[RecordId]]:
        """One request with a batch for one or two partitions; what to wait for."""
        acks = self.rng.choice((0, 1, 1, -1, -1))
        name, partitions, is_aged = (self._choice if acks else self._lasting).pick(self.rng)
        codec = self.rng.choice(CODECS)
        batches, parts = {}, {}
        for partition in sorted({self.rng.randrange(partitions) for _ in range(2)}):
            records = self._numbering.take(self.rng.randint(1, RECORDS_PER_BATCH_MAX), self.rng)
            batches[partition] = make_batch([*records.values()], codec, timestamp_ms(is_aged))
            parts[partition] = [*records]
            self.history.note_sent(name, records, is_aged=is_aged)
        request = produce_request(acks, name, batches)
        version = produce_version(self.rng, codec)
        if acks == 0:
            wire.send_only(PRODUCE, version, request)
            return {}
        wire.send(PRODUCE, version, request)
        return parts

    def _receive(self, wire: LoadWire, parts: dict[int, list[RecordId]]) -> None:
        [topic] = wire.receive().responses
        for answer in topic.partition_responses:
            identities = parts[answer.index]
            if answer.error_code == 0:
                self.history.note_acknowledged(places(answer.index, answer.base_offset, identities))
            else:
                assert answer.error_code in REFUSAL_NUMBERS, answer
                self.history.note_refused(identities)


def places(partition: int, base_offset: int, identities: list[RecordId]) -> dict[RecordId, Place]:
    return {identity: Place(partition, base_offset + delta) for delta, identity in enumerate(identities)}


@dataclass(slots=True)
class SequencedBatch:
    """A batch of an idempotent producer, as it is sent and, if need be, sent again."""

    topic: str
    partition: int
    identities: list[RecordId]
    data: bytes
    codec: int
    base_offset: int | None = None


class IdempotentState:
    """What an idempotent producer carries from one life of the broker to the next."""

    def __init__(self, numbering: Numbering) -> None:
        self.numbering = numbering
        self.producer_id: int | None = None
        self.next_sequence: dict[tuple[str, int], int] = {}
        self.unanswered: list[SequencedBatch] = []
        self.answered: dict[tuple[str, int], deque[SequencedBatch]] = {}

    def to_repeat(self, rng: random.Random) -> list[SequencedBatch]:
        """What to send again to a broker that was restarted: all that is unanswered, and before it some of
        what is answered, never more for a partition than a broker remembers."""
        repeated: list[SequencedBatch] = []
        for place, batches in self.answered.items():
            room = REQUESTS_IN_FLIGHT - sum((b.topic, b.partition) == place for b in self.unanswered)
            count = rng.randint(0, min(room, len(batches)))
            repeated += [*batches][len(batches) - count :]
        return repeated + self.unanswered


class IdempotentProducer(MixedWorker):
    """Produce with sequences, up to five requests in flight; after a restart the unanswered ones go again,
    with the same bytes, and must come out once, at the offsets of their first try."""

    def __init__(
        self, state: IdempotentState, address: Address, history: History, seed: str, lasting: list[str]
    ) -> None:
        super().__init__(f"idempotent-{state.numbering.producer}", address, history, seed)
        self._state = state
        self._choice = TopicChoice(history, lasting)

    def use_connection(self) -> None:
        with LoadWire(*self.address) as wire:
            if self._state.producer_id is None:
                self._state.producer_id = self._new_id(wire)
            for batch in self._state.to_repeat(self.rng):
                self._send(wire, batch)
                self._receive(wire, batch)
            while not self.is_over():
                batches = [self._new_batch() for _ in range(self.rng.randint(1, REQUESTS_IN_FLIGHT))]
                for batch in batches:
                    self._send(wire, batch)
                for batch in batches:
                    self._receive(wire, batch)

    def _new_id(self, wire: LoadWire) -> int:
        found = new_producer_id(wire)
        assert found not in self.history.producer_ids, f"producer id {found} was given out twice"
        self.history.producer_ids.add(found)
        return found

    def _new_batch(self) -> SequencedBatch:
        name, partitions, is_aged = self._choice.pick(self.rng)
        partition = self.rng.randrange(partitions)
        records = self._state.numbering.take(self.rng.randint(1, RECORDS_PER_BATCH_MAX), self.rng, 0)
        sequence = self._state.next_sequence.get((name, partition), 0)
        self._state.next_sequence[name, partition] = sequence + len(records)
        codec = self.rng.choice(CODECS)
        assert self._state.producer_id is not None
        producer = (self._state.producer_id, sequence)
        data = make_batch([*records.values()], codec, timestamp_ms(is_aged), producer)
        batch = SequencedBatch(name, partition, [*records], bytes(data), codec)
        self.history.note_sent(name, records, is_aged=is_aged)
        self._state.unanswered.append(batch)
        return batch

    def _send(self, wire: LoadWire, batch: SequencedBatch) -> None:
        request = produce_request(-1, batch.topic, {batch.partition: bytearray(batch.data)})
        wire.send(PRODUCE, produce_version(self.rng, batch.codec), request)

    def _receive(self, wire: LoadWire, batch: SequencedBatch) -> None:
        [topic] = wire.receive().responses
        [answer] = topic.partition_responses
        if answer.error_code in STOPPING:
            raise ConnectionAbortedError("the broker stops")
        assert answer.error_code == 0, f"{batch.topic}/{batch.partition}, {batch.identities[0]}: {answer}"
        if batch.base_offset is None:
            batch.base_offset = answer.base_offset
            self._state.unanswered.remove(batch)
            place = (batch.topic, batch.partition)
            self._state.answered.setdefault(place, deque(maxlen=REQUESTS_IN_FLIGHT)).append(batch)
            self.history.note_acknowledged(places(batch.partition, batch.base_offset, batch.identities))
        assert answer.base_offset == batch.base_offset, (
            f"{batch.identities[0]} was appended at {batch.base_offset}, and again at {answer.base_offset}"
        )
