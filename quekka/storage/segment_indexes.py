"""Both indexes of one segment as its batches come, and the rule when an entry is due.

The rule (source: org.apache.kafka.storage.internals.log.LogSegment.append): once more than
`index.interval.bytes` came after the last entry, the next batch gets an entry in the offset index, and in the
time index too if the largest timestamp has grown since. `finish` adds the time index entry that every sealed
or closed segment ends with.
"""

from typing import NamedTuple

from quekka.storage.offset_index import OffsetIndex
from quekka.storage.time_index import NO_TIMESTAMP, TimeIndex

INDEX_INTERVAL_BYTES = 4096
"""Kafka's default, for indexes that are made anew for reading only."""


class IndexMark(NamedTuple):
    """How far the indexes were, to come back to.

    Threads: any; immutable.
    """

    offset_entries: int
    time_entries: int
    max_timestamp_ms: int
    max_timestamp_offset: int
    bytes_since_entry: int


class SegmentIndexes:
    """The indexes of a segment that grows, and its largest timestamp.

    Threads: one, that of whoever writes the segment; readers get counts with their view.
    """

    __slots__ = (
        "_bytes_since_entry",
        "base_offset",
        "max_timestamp_ms",
        "max_timestamp_offset",
        "offset_index",
        "time_index",
    )

    def __init__(self, base_offset: int) -> None:
        self.base_offset = base_offset
        self.offset_index = OffsetIndex()
        self.time_index = TimeIndex()
        self.max_timestamp_ms = NO_TIMESTAMP
        self.max_timestamp_offset = base_offset
        """Last offset of the batch that brought `max_timestamp_ms`."""
        self._bytes_since_entry = 0

    @classmethod
    def resumed(cls, base_offset: int, offset_index: OffsetIndex, time_index: TimeIndex) -> "SegmentIndexes":
        """Go on with indexes from files; the batch of the last offset index entry is the next to note."""
        indexes = cls(base_offset)
        indexes.offset_index = offset_index
        indexes.time_index = time_index
        if time_index.count:
            indexes.max_timestamp_ms = time_index.timestamps_ms[-1]
            indexes.max_timestamp_offset = base_offset + time_index.relative_offsets[-1]
        return indexes

    def note(
        self, last_offset: int, position: int, size_bytes: int, max_timestamp_ms: int, interval_bytes: int
    ) -> None:
        """A batch comes to stand at `position`."""
        if max_timestamp_ms > self.max_timestamp_ms:
            self.max_timestamp_ms = max_timestamp_ms
            self.max_timestamp_offset = last_offset
        if self._bytes_since_entry > interval_bytes:
            self.offset_index.append(last_offset - self.base_offset, position)
            self.finish()
            self._bytes_since_entry = 0
        self._bytes_since_entry += size_bytes

    def finish(self) -> None:
        """Add a time index entry if the largest timestamp has grown since the last one."""
        if self.max_timestamp_ms > self.time_index.last_timestamp_ms():
            self.time_index.append(self.max_timestamp_ms, self.max_timestamp_offset - self.base_offset)

    def mark(self) -> IndexMark:
        """Where the indexes are now, for `restore`."""
        return IndexMark(
            len(self.offset_index.positions),
            len(self.time_index.timestamps_ms),
            self.max_timestamp_ms,
            self.max_timestamp_offset,
            self._bytes_since_entry,
        )

    def restore(self, mark: IndexMark) -> None:
        """Forget all that came after `mark`; none of it may have been published."""
        self.offset_index.truncate(mark.offset_entries)
        self.time_index.truncate(mark.time_entries)
        self.max_timestamp_ms = mark.max_timestamp_ms
        self.max_timestamp_offset = mark.max_timestamp_offset
        self._bytes_since_entry = mark.bytes_since_entry
