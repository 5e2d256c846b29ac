"""One batch of a compacted log with some of its records gone.

A batch keeps its place whatever it loses: base offset and last offset delta stay, and the records that are
left keep their offsets. Records are copied as bytes, never decoded and encoded again, so nothing in them
can change. Only where a tombstone is seen for the first time does the batch get a delete horizon: then
attribute bit 6 is set and the base timestamp says from when on the tombstone may go, and with it every
record's timestamp delta becomes another number.

    before   base offset 10   last offset delta 3   a@0 b@1 a@2 c@3
    after    base offset 10   last offset delta 3       b@1 a@2 c@3

Source: MemoryRecords.filterTo and DefaultRecordBatch.writeEmptyHeader in org.apache.kafka.common.record,
KIP-534.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer
from quekka.formats.compression import NONE, compress, decompress
from quekka.formats.record_batch import (
    CODEC_MASK,
    DEFAULT_MAX_DECOMPRESSED_BYTES,
    HEADER,
    HEADER_BYTES,
    LOG_OVERHEAD_BYTES,
    MAGIC,
    BatchHeader,
    write_crc,
)
from quekka.formats.segment_name import OFFSET_MAX
from quekka.formats.varint import decode_varint, encode_varint

DELETE_HORIZON = 0x40
"""Attribute bit 6: the base timestamp is the time from which on the batch's tombstones may go."""
NO_TIMESTAMP = -1
PIECE_RECORDS = 10_000
"""After so many records it is asked whether to go on: a batch may hold millions."""

CheckDone = Callable[[], None]
"""Called between pieces of work; raises where it is to end."""


def go_on() -> None:
    """The CheckDone of who never ends early."""


class RecordSpan(NamedTuple):
    """Where one record lies among a batch's decompressed records, and what the cleaner asks of it.

    Threads: any; immutable.
    """

    start: int
    delta_start: int
    """Where the timestamp delta begins; before it the length and the attributes byte."""
    delta_end: int
    end: int
    timestamp_delta_ms: int
    offset_delta: int
    key: bytes | None
    is_tombstone: bool


class KeptRecords(NamedTuple):
    """The records of a batch that stay, as bytes: one object each would be many times as large.

    Threads: any; immutable.
    """

    records: bytes
    records_count: int
    timestamp_delta_max_ms: int
    has_tombstone: bool


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records stay, and what becomes of tombstones.

    Threads: any; immutable.
    """

    keeps: Callable[[bytes | None, int], bool]
    """Asked with key and offset of every record before `end_offset`."""
    now_ms: int
    delete_retention_ms: int
    end_offset: int = OFFSET_MAX
    """From here on nothing is known of the keys, and all records stay. A batch that goes on beyond it gets
    its delete horizon in a later pass, or what its last tombstones delete would come back when they go."""
    check_done: CheckDone = go_on

    def apply(self, header: BatchHeader, batch: memoryview) -> Buffer | None:
        """The batch without the records that go: itself when all stay, None when none does.

        Raises CorruptMessageError for records that do not fit the batch, UnsupportedCompressionTypeError,
        MessageTooLargeError where they decompress to more than DEFAULT_MAX_DECOMPRESSED_BYTES.
        """
        data = batch_records(header, batch)
        kept = self._kept(header, data)
        is_read = header.last_offset < self.end_offset
        has_new_tombstone = is_read and kept.has_tombstone and delete_horizon_ms(header) is None
        if kept.records_count == header.records_count and not has_new_tombstone:
            return batch
        if not kept.records_count:
            return None
        if has_new_tombstone:
            return self._with_horizon(header, kept)
        return _rebuilt(header, kept)

    def _kept(self, header: BatchHeader, data: bytes) -> KeptRecords:
        records = bytearray()
        start = end = count = 0  # of neighbours that stay
        delta_max_ms, has_tombstone = -OFFSET_MAX, False
        for span in record_spans(data, header, self.check_done):
            if not self._stays(header, span):
                continue
            if span.start != end:
                records += data[start:end]
                start = span.start
            end = span.end
            count += 1
            delta_max_ms = max(delta_max_ms, span.timestamp_delta_ms)
            has_tombstone = has_tombstone or span.is_tombstone
        records += data[start:end]
        return KeptRecords(bytes(records), count, delta_max_ms, has_tombstone)

    def _with_horizon(self, header: BatchHeader, kept: KeptRecords) -> bytearray:
        horizon_ms = self.now_ms + self.delete_retention_ms
        shift_ms = header.base_timestamp_ms - horizon_ms
        data = kept.records
        records = bytearray()
        for span in record_spans(data, header._replace(records_count=kept.records_count), self.check_done):
            delta = encode_varint(span.timestamp_delta_ms + shift_ms)
            attributes = data[span.delta_start - 1 : span.delta_start]
            records += encode_varint(len(attributes) + len(delta) + span.end - span.delta_end)
            records += attributes + delta
            records += data[span.delta_end : span.end]
        header = header._replace(attributes=header.attributes | DELETE_HORIZON, base_timestamp_ms=horizon_ms)
        delta_max_ms = kept.timestamp_delta_max_ms + shift_ms
        return _rebuilt(header, kept._replace(records=bytes(records), timestamp_delta_max_ms=delta_max_ms))

    def _stays(self, header: BatchHeader, span: RecordSpan) -> bool:
        offset = header.base_offset + span.offset_delta
        if offset >= self.end_offset:
            return True
        horizon_ms = delete_horizon_ms(header)
        if span.is_tombstone and horizon_ms is not None and self.now_ms >= horizon_ms:
            return False
        return self.keeps(span.key, offset)


def delete_horizon_ms(header: BatchHeader) -> int | None:
    """From when on the batch's tombstones may go; None where that was not decided yet."""
    return header.base_timestamp_ms if header.attributes & DELETE_HORIZON else None


def empty_batch(header: BatchHeader) -> bytearray:
    """The batch without any record: 61 bytes that keep offsets and producer sequences."""
    attributes = header.attributes & ~(CODEC_MASK | DELETE_HORIZON)
    return _assembled(
        header._replace(attributes=attributes, base_timestamp_ms=NO_TIMESTAMP, records_count=0), b""
    )


def missing_batch(base_offset: int, next_offset: int) -> bytearray:
    """An empty batch in the place of records that are gone, from one offset up to before another."""
    last_offset_delta = next_offset - 1 - base_offset
    return empty_batch(
        BatchHeader(
            base_offset=base_offset,
            batch_length=0,
            partition_leader_epoch=0,
            magic=MAGIC,
            crc=0,
            attributes=0,
            last_offset_delta=last_offset_delta,
            base_timestamp_ms=NO_TIMESTAMP,
            max_timestamp_ms=NO_TIMESTAMP,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            records_count=0,
        )
    )


def batch_records(header: BatchHeader, batch: memoryview) -> bytes:
    """A batch's records, decompressed; raises as `RecordFilter.apply` does."""
    payload = batch[HEADER_BYTES:]
    if header.codec == NONE or header.records_count == 0:
        return bytes(payload)
    return decompress(header.codec, payload, DEFAULT_MAX_DECOMPRESSED_BYTES)


def record_spans(data: bytes, header: BatchHeader, check_done: CheckDone) -> Iterator[RecordSpan]:
    """Where each record lies in `data`; raises CorruptMessageError when they are not those of `header`, and
    what `check_done` raises.
    """
    position = 0
    for index in range(header.records_count):
        if index % PIECE_RECORDS == 0:
            check_done()
        span = _record_span(data, position)
        if not 0 <= span.offset_delta <= header.last_offset_delta:
            raise CorruptMessageError(f"record {index}: offset delta {span.offset_delta}")
        yield span
        position = span.end
    if position != len(data):
        raise CorruptMessageError(f"{len(data) - position} bytes after the last record")


def _record_span(data: bytes, start: int) -> RecordSpan:
    length, position = decode_varint(data, start)
    end = position + length
    if length < 1 or end > len(data):
        raise CorruptMessageError(f"byte {start} of the records: a record of {length} bytes")
    delta_start = position + 1
    timestamp_delta_ms, delta_end = decode_varint(data, delta_start)
    offset_delta, position = decode_varint(data, delta_end)
    key_length, position = decode_varint(data, position)
    key = None
    if key_length >= 0:
        key = data[position : position + key_length]
        position += key_length
    value_length, position = decode_varint(data, position)
    if position + max(0, value_length) >= end:
        raise CorruptMessageError(f"byte {start} of the records: key and value are longer than the record")
    return RecordSpan(
        start, delta_start, delta_end, end, timestamp_delta_ms, offset_delta, key, value_length < 0
    )


def _rebuilt(header: BatchHeader, kept: KeptRecords) -> bytearray:
    max_timestamp_ms = header.max_timestamp_ms
    if not header.is_log_append_time:
        max_timestamp_ms = header.base_timestamp_ms + kept.timestamp_delta_max_ms
    header = header._replace(max_timestamp_ms=max_timestamp_ms, records_count=kept.records_count)
    return _assembled(header, kept.records if header.codec == NONE else compress(header.codec, kept.records))


def _assembled(header: BatchHeader, payload: bytes) -> bytearray:
    batch = bytearray().join((bytes(HEADER_BYTES), payload))
    HEADER.pack_into(batch, 0, *header._replace(batch_length=len(batch) - LOG_OVERHEAD_BYTES))
    write_crc(memoryview(batch))
    return batch
