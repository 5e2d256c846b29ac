"""Record batches, magic 2: what is on disk, what Kafka clients send and what APPEND and READ carry.

     0  +-----------------------------+-------------------+---------------------------+
        | base offset               8 | batch length    4 | partition leader epoch  4 |
    16  +-------+-------------------+-+-------------+-----+-------------+-------------+
        | magic | CRC-32C         4 | attributes  2 | last offset delta 4 |
    27  +-------+-------------------+---------------+---------------------+
        | base timestamp          8 | max timestamp                     8 |
    43  +-------------------------+-+--------------+--------------------+-+-----------+
        | producer id           8 | producer epoch | base sequence    4 | count     4 |
        |                         |              2 |                    | of records  |
    61  +-------------------------+----------------+--------------------+-------------+
        | records, or all of them compressed together ...                             |
        +-----------------------------------------------------------------------------+

Big-endian. The batch length counts the bytes after it, so a batch has 12 more. The CRC-32C covers the bytes
from the attributes (21) to the end: the broker gives a batch its base offset and leader epoch without
touching it. Attributes: bits 0 to 2 codec, 3 the timestamp of all records is that of their append
(LogAppendTime), which is the max timestamp, 4 transactional, 5 control, 6 the base timestamp is a delete
horizon. Producer id, producer epoch and base sequence are -1 where there is none. Timestamps are
milliseconds since 1970-01-01 UTC. Source: org.apache.kafka.common.record.DefaultRecordBatch.

Worked example: one record with value "hi", no key, timestamp 1000, appended at offset 7 with leader epoch 0.

    00 00 00 00 00 00 00 07   base offset 7
    00 00 00 3a               58 bytes follow: 49 of the header, 9 of the record
    00 00 00 00               leader epoch 0
    02                        magic 2
    23 3d ad 44               CRC-32C of all below
    00 00                     not compressed, CreateTime
    00 00 00 00               last offset delta 0
    00 00 00 00 00 00 03 e8   base timestamp 1000
    00 00 00 00 00 00 03 e8   max timestamp 1000
    ff ff ff ff ff ff ff ff   no producer id
    ff ff                     no producer epoch
    ff ff ff ff               no base sequence
    00 00 00 01               1 record:
    10                          8 bytes follow
    00                          attributes
    00 00                       timestamp delta 0, offset delta 0
    01                          key length -1: null
    04 68 69                    value length 2, "hi"
    00                          no headers
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer
from quekka.formats.compression import NONE, decompress
from quekka.formats.crc32c import crc32c
from quekka.formats.record import RawRecord, Record, walk_records

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size
LOG_OVERHEAD_BYTES = 12
"""Base offset and batch length, which the batch length does not count."""
MAGIC = 2
CRC_START = 21
"""First byte that the CRC-32C covers."""
BATCH_LENGTH_MAX = 2**31 - 1
OFFSET_MAX = 2**63 - 1

CODEC_MASK = 0x07
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20

DEFAULT_MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024
"""What the records of a batch may grow to where the caller sets no limit."""

_BASE_OFFSET = struct.Struct(">q")
_LEADER_EPOCH = struct.Struct(">i")
_CRC = struct.Struct(">I")
_ATTRIBUTES = struct.Struct(">h")
_MAX_TIMESTAMP = struct.Struct(">q")
_LEADER_EPOCH_POSITION = 12
_CRC_POSITION = 17
_MAX_TIMESTAMP_POSITION = 35


class BatchHeader(NamedTuple):
    """The 61 bytes before the records, in their order."""

    base_offset: int
    batch_length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records_count: int

    @property
    def size_bytes(self) -> int:
        """Of the whole batch."""
        return self.batch_length + LOG_OVERHEAD_BYTES

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        """The offset of the record after this batch."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def codec(self) -> int:
        """Number of the compression codec; 5 to 7 stand for none that exists."""
        return self.attributes & CODEC_MASK

    @property
    def is_log_append_time(self) -> bool:
        """All records carry `max_timestamp_ms`, the time of their append."""
        return bool(self.attributes & LOG_APPEND_TIME)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """The batch holds a transaction's marker and no data; readers skip it, but its offset counts."""
        return bool(self.attributes & CONTROL)


def read_header(buf: Buffer, position: int = 0) -> BatchHeader:
    """The header at `position`; whether the batch is whole and its CRC-32C right is not looked at.

    Raises CorruptMessageError where there are fewer than 61 bytes, for another magic, and for numbers that no
    batch can have.
    """
    if position < 0 or len(buf) - position < HEADER_BYTES:
        raise _corrupt(position, f"a batch header takes {HEADER_BYTES} bytes, {len(buf) - position} are left")
    header = BatchHeader._make(HEADER.unpack_from(buf, position))
    if header.magic != MAGIC:
        raise _corrupt(position, f"magic {header.magic}, only {MAGIC} is supported")
    if header.batch_length < HEADER_BYTES - LOG_OVERHEAD_BYTES:
        raise _corrupt(position, f"batch length {header.batch_length} is less than the header's")
    if header.records_count < 0 or header.last_offset_delta < 0:
        numbers = f"{header.records_count} records, last offset delta {header.last_offset_delta}"
        raise _corrupt(position, f"negative numbers: {numbers}")
    if not 0 <= header.base_offset < OFFSET_MAX - header.last_offset_delta:
        raise _corrupt(position, f"no offsets: base {header.base_offset}, delta {header.last_offset_delta}")
    return header


def iter_batches(buf: Buffer, start: int = 0, end: int | None = None) -> Iterator[tuple[int, BatchHeader]]:
    """Position and header of each batch from `start` to `end` (default: the end of `buf`).

    Raises CorruptMessageError that names the position of a batch that is cut or no batch.
    """
    position = start
    stop = len(buf) if end is None else min(end, len(buf))
    while position < stop:
        header = read_header(buf, position)
        if position + header.size_bytes > stop:
            raise _corrupt(position, f"a batch of {header.size_bytes} bytes, {stop - position} are left")
        yield position, header
        position += header.size_bytes


def iter_checked_batches(
    buf: Buffer, from_offset: int, end_offset: int
) -> Iterator[tuple[int, BatchHeader]]:
    """As `iter_batches`, and of each batch the CRC-32C, and that it ends after all those before it.

    The first one must end at `from_offset` or later, and none at `end_offset` or later. Raises
    CorruptMessageError that names the position.
    """
    for position, header in iter_batches(buf):
        verify_crc(buf, position, header)
        if header.next_offset <= from_offset:
            raise _corrupt(position, f"offset {header.last_offset} comes after {from_offset - 1}")
        if header.next_offset > end_offset:
            raise _corrupt(position, f"offset {header.last_offset} is not before {end_offset}")
        yield position, header
        from_offset = header.next_offset


def verify_crc(buf: Buffer, position: int, header: BatchHeader) -> None:
    """Raise CorruptMessageError where the batch at `position` is cut or not what its CRC-32C says."""
    actual = crc32c(_view(buf, position, header)[CRC_START:])
    if actual != header.crc:
        raise _corrupt(
            position,
            f"the batch at offset {header.base_offset} has CRC-32C {actual:08x}, not {header.crc:08x}",
        )


def patch_offsets(
    buf: bytearray | memoryview, base_offset: int, leader_epoch: int, position: int = 0
) -> None:
    """Give the batch at `position` its place in the log; the CRC-32C does not cover it."""
    _BASE_OFFSET.pack_into(buf, position, base_offset)
    _LEADER_EPOCH.pack_into(buf, position + _LEADER_EPOCH_POSITION, leader_epoch)


def patch_log_append_time(buf: bytearray | memoryview, timestamp_ms: int, position: int = 0) -> None:
    """Make `timestamp_ms` the timestamp of every record in the batch, and renew its CRC-32C."""
    header = read_header(buf, position)
    batch = _view(buf, position, header)
    _ATTRIBUTES.pack_into(batch, CRC_START, header.attributes | LOG_APPEND_TIME)
    _MAX_TIMESTAMP.pack_into(batch, _MAX_TIMESTAMP_POSITION, timestamp_ms)
    write_crc(batch)


def write_crc(batch: memoryview) -> None:
    """Put the CRC-32C of a whole batch in its place."""
    _CRC.pack_into(batch, _CRC_POSITION, crc32c(batch[CRC_START:]))


def iter_records(
    buf: Buffer,
    position: int = 0,
    *,
    from_offset: int = 0,
    max_decompressed_bytes: int = DEFAULT_MAX_DECOMPRESSED_BYTES,
) -> Iterator[Record]:
    """The records of the batch at `position`, less those before `from_offset`.

    The CRC-32C is not looked at. Raises UnsupportedCompressionTypeError, MessageTooLargeError where the
    records decompress to more than `max_decompressed_bytes`, and CorruptMessageError, after the records
    before the damage.
    """
    raw = iter_raw_records(
        buf, position, from_offset=from_offset, max_decompressed_bytes=max_decompressed_bytes
    )
    return map(Record._make, raw)


def iter_raw_records(
    buf: Buffer,
    position: int = 0,
    *,
    from_offset: int = 0,
    max_decompressed_bytes: int = DEFAULT_MAX_DECOMPRESSED_BYTES,
) -> Iterator[RawRecord]:
    """As `iter_records`, but plain tuples (offset, timestamp in ms, key, value, headers), which cost less."""
    header = read_header(buf, position)
    payload = _view(buf, position, header)[HEADER_BYTES:]
    data = (
        bytes(payload) if header.codec == NONE else decompress(header.codec, payload, max_decompressed_bytes)
    )
    return walk_records(
        data,
        header.records_count,
        base_offset=header.base_offset,
        last_offset=header.last_offset,
        base_timestamp_ms=header.base_timestamp_ms,
        append_time_ms=header.max_timestamp_ms if header.is_log_append_time else None,
        from_offset=from_offset,
    )


def _view(buf: Buffer, position: int, header: BatchHeader) -> memoryview:
    """The whole batch; raises CorruptMessageError where it is cut."""
    view = memoryview(buf)[position : position + header.size_bytes]
    if len(view) != header.size_bytes:
        raise _corrupt(position, f"a batch of {header.size_bytes} bytes, {len(view)} are left")
    return view


def _corrupt(position: int, problem: str) -> CorruptMessageError:
    return CorruptMessageError(f"byte {position}: {problem}")
