"""One entry of an offset index and of a time index, both big-endian.

    .index      +--------------------+--------------------+
                | relative offset  4 | position         4 |      8 bytes
                +--------------------+--------------------+
    .timeindex  +--------------------+--------------------+--------------------+
                | timestamp, ms                         8 | relative offset  4 |      12 bytes
                +--------------------+--------------------+--------------------+

Relative offsets count from the segment's base offset. In the offset index it is that of the **last** record
of the batch that starts at `position`; in the time index that of the last record of the batch that brought
the segment's largest timestamp so far. Offsets, positions and timestamps rise from entry to entry, so zeros
after the first entry are the unused rest of a file that was laid out in advance, as Kafka does for active
segments. Source: org.apache.kafka.storage.internals.log.OffsetIndex and TimeIndex.
"""

import struct
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer

_OFFSET_ENTRY = struct.Struct(">ii")
_TIME_ENTRY = struct.Struct(">qi")

OFFSET_ENTRY_BYTES = _OFFSET_ENTRY.size
TIME_ENTRY_BYTES = _TIME_ENTRY.size

RELATIVE_OFFSET_MAX = 2**31 - 1
"""A record further than this from the base offset needs a new segment."""
POSITION_MAX = 2**31 - 1
"""A batch that starts later than this needs a new segment."""


class OffsetIndexEntry(NamedTuple):
    """Where in the .log file a batch starts."""

    relative_offset: int
    position: int


class TimeIndexEntry(NamedTuple):
    """The largest timestamp of the segment up to a record."""

    timestamp_ms: int
    relative_offset: int


def encode_offset_entry(relative_offset: int, position: int) -> bytes:
    """Eight bytes; raises OverflowError where either number does not fit."""
    if not (0 <= relative_offset <= RELATIVE_OFFSET_MAX and 0 <= position <= POSITION_MAX):
        raise OverflowError(f"no offset index entry: relative offset {relative_offset}, position {position}")
    return _OFFSET_ENTRY.pack(relative_offset, position)


def decode_offset_entry(buf: Buffer, index: int) -> OffsetIndexEntry:
    """The entry number `index` of a whole index file; raises CorruptMessageError."""
    byte = index * OFFSET_ENTRY_BYTES
    try:
        entry = OffsetIndexEntry._make(_OFFSET_ENTRY.unpack_from(buf, byte))
    except struct.error:
        raise CorruptMessageError(f"byte {byte}: the offset index entry is cut") from None
    if entry.relative_offset < 0 or entry.position < 0:
        raise CorruptMessageError(f"byte {byte}: negative numbers in an index: {entry}")
    return entry


def encode_time_entry(timestamp_ms: int, relative_offset: int) -> bytes:
    """Twelve bytes; raises OverflowError where either number does not fit."""
    if not (-(2**63) <= timestamp_ms < 2**63 and 0 <= relative_offset <= RELATIVE_OFFSET_MAX):
        raise OverflowError(f"no time index entry: timestamp {timestamp_ms}, offset {relative_offset}")
    return _TIME_ENTRY.pack(timestamp_ms, relative_offset)


def decode_time_entry(buf: Buffer, index: int) -> TimeIndexEntry:
    """The entry number `index` of a whole index file; raises CorruptMessageError."""
    byte = index * TIME_ENTRY_BYTES
    try:
        entry = TimeIndexEntry._make(_TIME_ENTRY.unpack_from(buf, byte))
    except struct.error:
        raise CorruptMessageError(f"byte {byte}: the time index entry is cut") from None
    if entry.relative_offset < 0:
        raise CorruptMessageError(f"byte {byte}: negative numbers in an index: {entry}")
    return entry
