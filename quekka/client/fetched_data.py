"""The record batches of one READ, decoded as they are handed out."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from quekka.client.consumer_record import ConsumerRecord
from quekka.client.partition_state import PartitionState
from quekka.formats.record import RawRecord
from quekka.formats.record_batch import iter_batches, iter_raw_records, verify_crc

Deserializer = Callable[[bytes | None], Any]


class RecordDecoder:
    """Makes ConsumerRecords of what `iter_raw_records` yields.

    Threads: any.
    """

    def __init__(
        self,
        *,
        key_deserializer: Deserializer | None = None,
        value_deserializer: Deserializer | None = None,
        check_crcs: bool = True,
    ) -> None:
        self.check_crcs = check_crcs
        self._key_deserializer = key_deserializer or _as_it_is
        self._value_deserializer = value_deserializer or _as_it_is
        self._is_plain = key_deserializer is None and value_deserializer is None

    def records(
        self, topic: str, partition: int, raw_records: Iterator[RawRecord]
    ) -> Iterator[ConsumerRecord]:
        """Lazily, so that a deserializer's exception belongs to the record it was called for."""
        make = ConsumerRecord._make
        if self._is_plain:
            return (make((topic, partition, *raw)) for raw in raw_records)
        return self._deserialized(topic, partition, raw_records)

    def _deserialized(
        self, topic: str, partition: int, raw_records: Iterator[RawRecord]
    ) -> Iterator[ConsumerRecord]:
        for offset, timestamp_ms, key, value, headers in raw_records:
            yield ConsumerRecord(
                topic,
                partition,
                offset,
                timestamp_ms,
                self._key_deserializer(key),
                self._value_deserializer(value),
                headers,
            )


class FetchedData:
    """One reply's batches, from the position that was asked for.

    `records` moves the partition's position on with each record it gives, so that whoever takes them, one by
    one or many at once, the position is that of the next one. It ends early when the partition's state says
    that what was fetched is not wanted any more.

    Threads: one at a time, the consumer's.
    """

    __slots__ = ("_decoder", "_payload", "_version", "records", "state")

    def __init__(self, state: PartitionState, payload: bytearray | bytes, decoder: RecordDecoder) -> None:
        self.state = state
        self._payload = payload
        self._decoder = decoder
        self._version = state.version
        self.records = self._generate()

    @property
    def is_current(self) -> bool:
        return self.state.version == self._version

    def take(self, limit: int) -> list[ConsumerRecord]:
        """Up to `limit` records, fewer only when there are no more.

        Raises what is wrong with the next record, but only when it is the first: those before it are given
        out, and the error comes again when the same bytes are fetched again.
        """
        taken: list[ConsumerRecord] = []
        try:
            for record in islice(self.records, limit):
                taken.append(record)
        except Exception:
            if not taken:
                raise
        return taken

    def _generate(self) -> Iterator[ConsumerRecord]:
        state, version = self.state, self._version
        topic, partition = state.topic_partition
        try:
            for position, header in iter_batches(self._payload):
                if self._decoder.check_crcs:
                    verify_crc(self._payload, position, header)
                if not header.is_control:
                    raw = iter_raw_records(self._payload, position, from_offset=state.position)
                    for record in self._decoder.records(topic, partition, raw):
                        state.position = record.offset + 1
                        yield record
                        if state.version != version:
                            return
                state.position = max(state.position, header.next_offset)
        except Exception as error:
            error.add_note(f"in {state.topic_partition}, at or after offset {state.position}")
            state.forget()
            raise


def next_fetch_offset(payload: bytearray | bytes) -> int:
    """The offset after the last batch in `payload`; raises CorruptMessageError."""
    next_offset = 0
    for _, header in iter_batches(payload):
        next_offset = header.next_offset
    return next_offset


def _as_it_is(data: bytes | None) -> bytes | None:
    return data
