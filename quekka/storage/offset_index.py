"""Where in a segment's .log file an offset is to be found: one entry for every `index.interval.bytes` or so.

    .index      +--------------------+--------------------+
                | relative offset  4 | position         4 |      big-endian, 8 bytes an entry
                +--------------------+--------------------+
                | relative offset  4 | position         4 |
                +--------------------+--------------------+
                | ...                                     |

An entry says where the batch starts whose **last** record has that offset. Both columns rise strictly. So the
entry with the largest offset at or below the wanted one leads to a batch at or before the one that holds it,
and from there the batches' own lengths lead on. A segment's first batch has no entry unless
`index.interval.bytes` is 0.

While a segment is active its index is in memory, in two columns that only grow (`OffsetIndex`). A reader gets
the number of entries with its view (`OffsetIndexView`) and searches only those, so writer and readers need no
lock; what a view may see is never cut. The file is written behind it, at flush, roll and close, because after
a crash everything from the recovery point on is indexed anew. A sealed segment's file is mapped
(`MappedOffsetIndex`), never shortened. Source: org.apache.kafka.storage.internals.log.OffsetIndex.
"""

import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable
from itertools import chain, islice
from mmap import mmap
from operator import lt
from typing import Protocol

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer
from quekka.formats.index_entry import OFFSET_ENTRY_BYTES, OffsetIndexEntry, decode_offset_entry

_INT32 = struct.Struct(">i")
POSITION_FIELD = 4
"""Byte of an entry at which the position starts."""


class OffsetSearch(Protocol):
    """What a reader asks of an offset index, in memory or mapped.

    Threads: any.
    """

    @property
    def count(self) -> int:
        """Number of entries."""

    def floor(self, relative_offset: int) -> int:
        """Position of the last batch known to end at or before the offset; 0, the start, if none is."""

    def floor_position(self, position: int) -> int:
        """The last batch start known at or before `position`; 0 if none is."""

    def last(self) -> OffsetIndexEntry | None:
        """The last entry."""


class OffsetIndex:
    """The offset index of a segment that is written: two columns that grow.

    Threads: the topic's writer. Readers look at it through an `OffsetIndexView`.
    """

    __slots__ = ("positions", "relative_offsets")

    def __init__(self) -> None:
        self.relative_offsets = array("i")
        self.positions = array("i")

    @classmethod
    def decode(cls, data: Buffer) -> "OffsetIndex":
        """The contents of an .index file; raises CorruptMessageError where they cannot be one."""
        if len(data) % OFFSET_ENTRY_BYTES:
            raise CorruptMessageError(f"{len(data)} bytes are no multiple of {OFFSET_ENTRY_BYTES}")
        cells = array("i", bytes(data))
        if sys.byteorder == "little":
            cells.byteswap()
        index = cls()
        index.relative_offsets, index.positions = cells[::2], cells[1::2]
        for name, column in (("offsets", index.relative_offsets), ("positions", index.positions)):
            if not rises(column):
                raise CorruptMessageError(f"the {name} do not rise from entry to entry")
        return index

    @property
    def count(self) -> int:
        return len(self.positions)

    def append(self, relative_offset: int, position: int) -> None:
        """The batch at `position` ends with `relative_offset`; both are larger than the last entry's."""
        self.relative_offsets.append(relative_offset)
        self.positions.append(position)

    def truncate(self, count: int) -> None:
        """Forget the entries from number `count` on; no published view may count them."""
        del self.relative_offsets[count:]
        del self.positions[count:]

    def encode(self, start: int) -> bytes:
        """The entries from number `start` on, as they stand in the file."""
        entries = zip(self.relative_offsets[start:], self.positions[start:], strict=True)
        cells = list(chain.from_iterable(entries))
        return struct.pack(f">{len(cells)}i", *cells)


def rises(column: "array[int]") -> bool:
    """Whether the numbers are not negative and each is larger than the one before."""
    return not column or (column[0] >= 0 and all(map(lt, column, islice(column, 1, None))))


class OffsetIndexView:
    """The first `count` entries of an index that may have grown since.

    Threads: any; immutable.
    """

    __slots__ = ("count", "index")

    def __init__(self, index: OffsetIndex, count: int) -> None:
        self.index = index
        self.count = count

    def floor(self, relative_offset: int) -> int:
        entry = bisect_right(self.index.relative_offsets, relative_offset, 0, self.count) - 1
        return self.index.positions[entry] if entry >= 0 else 0

    def floor_position(self, position: int) -> int:
        entry = bisect_right(self.index.positions, position, 0, self.count) - 1
        return self.index.positions[entry] if entry >= 0 else 0

    def last(self) -> OffsetIndexEntry | None:
        entry = self.count - 1
        if entry < 0:
            return None
        return OffsetIndexEntry(self.index.relative_offsets[entry], self.index.positions[entry])


class MappedOffsetIndex:
    """The offset index of a sealed segment, searched in the mapped file.

    Threads: any; immutable.
    """

    __slots__ = ("_bytes", "_offset_at", "_position_at", "count", "cut_bytes")

    def __init__(self, data: mmap | bytes) -> None:
        # A view, since only a view of a map can be passed where bytes are wanted. It keeps the map alive.
        self._bytes = memoryview(data)
        self.count, self.cut_bytes = divmod(len(data), OFFSET_ENTRY_BYTES)
        self._offset_at = _column(self._bytes, 0)
        self._position_at = _column(self._bytes, POSITION_FIELD)

    def floor(self, relative_offset: int) -> int:
        entry = bisect_right(range(self.count), relative_offset, key=self._offset_at) - 1
        return self._position_at(entry) if entry >= 0 else 0

    def floor_position(self, position: int) -> int:
        entry = bisect_right(range(self.count), position, key=self._position_at) - 1
        return self._position_at(entry) if entry >= 0 else 0

    def last(self) -> OffsetIndexEntry | None:
        """Raises CorruptMessageError where it holds negative numbers."""
        return decode_offset_entry(self._bytes, self.count - 1) if self.count else None


def _column(entries: memoryview, field: int) -> Callable[[int], int]:
    """A function that reads one field of entry number n, and nothing else: a search calls it often."""
    unpack_from = _INT32.unpack_from

    def read(entry: int) -> int:
        value: int = unpack_from(entries, entry * OFFSET_ENTRY_BYTES + field)[0]
        return value

    return read
