"""From which batch on to look for a timestamp.

    .timeindex  +--------------------+--------------------+--------------------+
                | timestamp, ms                         8 | relative offset  4 |   big-endian, 12 bytes
                +--------------------+--------------------+--------------------+
                | ...                                                          |

An entry holds the largest timestamp of the segment so far and the last offset of the batch that brought it.
Timestamps rise strictly from entry to entry, so every record before that batch is older than the entry's
timestamp, and whoever looks for a time starts at the entry with the largest timestamp at or below it. Entries
come along with those of the offset index, if the largest timestamp has grown since, and one more at roll and
close: the last entry of a sealed segment holds the segment's largest timestamp, by which retention decides.

In memory, file and sharing between threads: as offset_index.py says.
Source: org.apache.kafka.storage.internals.log.TimeIndex.
"""

import struct
from array import array
from bisect import bisect_right
from mmap import mmap
from typing import Protocol

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer
from quekka.formats.index_entry import TIME_ENTRY_BYTES, TimeIndexEntry, decode_time_entry, encode_time_entry
from quekka.storage.offset_index import rises

_TIME_ENTRY = struct.Struct(">qi")
_TIMESTAMP = struct.Struct(">q")
NO_TIMESTAMP = -1
"""What a record without a time carries; it never makes an entry."""


class TimeSearch(Protocol):
    """What a reader asks of a time index, in memory or mapped.

    Threads: any.
    """

    @property
    def count(self) -> int:
        """Number of entries."""

    def floor(self, timestamp_ms: int) -> int:
        """Relative offset in the last entry at or before the time; 0 if there is none."""

    def last(self) -> TimeIndexEntry | None:
        """The last entry."""


class TimeIndex:
    """The time index of a segment that is written: two columns that grow.

    Threads: the topic's writer. Readers look at it through a `TimeIndexView`.
    """

    __slots__ = ("relative_offsets", "timestamps_ms")

    def __init__(self) -> None:
        self.timestamps_ms = array("q")
        self.relative_offsets = array("i")

    @classmethod
    def decode(cls, data: Buffer) -> "TimeIndex":
        """The contents of a .timeindex file; raises CorruptMessageError where they cannot be one."""
        if len(data) % TIME_ENTRY_BYTES:
            raise CorruptMessageError(f"{len(data)} bytes are no multiple of {TIME_ENTRY_BYTES}")
        index = cls()
        for timestamp_ms, relative_offset in _TIME_ENTRY.iter_unpack(data):
            index.append(timestamp_ms, relative_offset)
        for name, column in (("timestamps", index.timestamps_ms), ("offsets", index.relative_offsets)):
            if not rises(column):
                raise CorruptMessageError(f"the {name} do not rise from entry to entry")
        return index

    @property
    def count(self) -> int:
        return len(self.timestamps_ms)

    def append(self, timestamp_ms: int, relative_offset: int) -> None:
        """The largest timestamp so far is that of the batch that ends at `relative_offset`."""
        self.timestamps_ms.append(timestamp_ms)
        self.relative_offsets.append(relative_offset)

    def last_timestamp_ms(self) -> int:
        """Of the last entry; NO_TIMESTAMP if there is none."""
        return self.timestamps_ms[-1] if self.timestamps_ms else NO_TIMESTAMP

    def truncate(self, count: int) -> None:
        """Forget the entries from number `count` on; no published view may count them."""
        del self.timestamps_ms[count:]
        del self.relative_offsets[count:]

    def encode(self, start: int) -> bytes:
        """The entries from number `start` on, as they stand in the file."""
        return b"".join(map(encode_time_entry, self.timestamps_ms[start:], self.relative_offsets[start:]))


class TimeIndexView:
    """The first `count` entries of an index that may have grown since.

    Threads: any; immutable.
    """

    __slots__ = ("count", "index")

    def __init__(self, index: TimeIndex, count: int) -> None:
        self.index = index
        self.count = count

    def floor(self, timestamp_ms: int) -> int:
        entry = bisect_right(self.index.timestamps_ms, timestamp_ms, 0, self.count) - 1
        return self.index.relative_offsets[entry] if entry >= 0 else 0

    def last(self) -> TimeIndexEntry | None:
        entry = self.count - 1
        if entry < 0:
            return None
        return TimeIndexEntry(self.index.timestamps_ms[entry], self.index.relative_offsets[entry])


class MappedTimeIndex:
    """The time index of a sealed segment, searched in the mapped file.

    Threads: any; immutable.
    """

    __slots__ = ("_bytes", "count", "cut_bytes")

    def __init__(self, data: mmap | bytes) -> None:
        # A view, since only a view of a map can be passed where bytes are wanted. It keeps the map alive.
        self._bytes = memoryview(data)
        self.count, self.cut_bytes = divmod(len(data), TIME_ENTRY_BYTES)

    def floor(self, timestamp_ms: int) -> int:
        entry = bisect_right(range(self.count), timestamp_ms, key=self._timestamp_at) - 1
        return decode_time_entry(self._bytes, entry).relative_offset if entry >= 0 else 0

    def last(self) -> TimeIndexEntry | None:
        """Raises CorruptMessageError where it holds negative numbers."""
        return decode_time_entry(self._bytes, self.count - 1) if self.count else None

    def _timestamp_at(self, entry: int) -> int:
        timestamp_ms: int = _TIMESTAMP.unpack_from(self._bytes, entry * TIME_ENTRY_BYTES)[0]
        return timestamp_ms
