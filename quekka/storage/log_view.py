"""What readers see of a partition's log: one immutable value, replaced as a whole by the writer.

    LogView ---- sealed: SealedSegment, SealedSegment, ...      shared by all views that show them
            '--- active: ActiveSegmentView                      made anew for each publication

Invariants:

1. A view never changes. What was read from it once can be read from it again, for as long as the process
   keeps it, also after its segments were deleted or replaced.
2. Segments are in order of base offset, and each one's `next_offset` is at most the next one's `base_offset`;
   the active one is the last, and its `next_offset` is `log_end_offset`.
3. `log_start_offset <= log_end_offset`. The start may lie within a segment or a batch: those before it are
   still in the file and are not shown.
4. All `size_bytes` of a segment's file are whole batches, written before the view was published; bytes that
   come after them belong to later views.
5. An index column may be longer than a view knows. The view searches only as many rows as it was given.
6. A reader takes `PartitionLog.view` once and derives all from that one value. It takes no lock and asks no
   writer.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from quekka.errors import OffsetOutOfRangeError
from quekka.storage.active_segment import ActiveSegmentView
from quekka.storage.log_slice import EMPTY_SLICE, LogSlice
from quekka.storage.sealed_segment import SealedSegment
from quekka.storage.segment import SegmentView


class LogView(NamedTuple):
    """A partition's log at one moment.

    Threads: any; immutable.
    """

    sealed: tuple[SealedSegment, ...]
    base_offsets: tuple[int, ...]
    """Of the sealed segments, for searching."""
    active: ActiveSegmentView
    log_start_offset: int
    log_end_offset: int
    size_bytes: int

    @property
    def segments(self) -> tuple[SegmentView, ...]:
        """All segments, the active one last."""
        return (*self.sealed, self.active)

    @property
    def max_timestamp_ms(self) -> int:
        """The largest timestamp of all records; -1 where none has one. Raises KafkaStorageError."""
        return max(segment.max_timestamp_ms for segment in self.segments)

    def read(self, offset: int, max_bytes: int) -> LogSlice:
        """Whole batches from the one that holds `offset`, or the next one where compaction left a gap.

        At least one batch, however large, then no more than `max_bytes` bytes, and all from one segment; what
        the index knows decides where it ends, so it may be shorter than it could. Empty at the log end.

        Raises OffsetOutOfRangeError; CorruptMessageError and KafkaStorageError naming the file.
        """
        if offset == self.log_end_offset:
            return EMPTY_SLICE
        if not self.log_start_offset <= offset < self.log_end_offset:
            raise self._out_of_range(offset)
        for segment in self._segments_from(offset):
            found = segment.locate(offset, max_bytes)
            if found is not None:
                is_to_the_end = sum(found) == segment.size_bytes
                next_offset = segment.next_offset if is_to_the_end else None
                return LogSlice(segment.log_file.get(), *found, next_offset)
        return EMPTY_SLICE

    def offset_for_timestamp(self, timestamp_ms: int) -> tuple[int, int] | None:
        """Offset and timestamp of the first record at or after the time; None if all are older.

        Raises CorruptMessageError and KafkaStorageError naming the file.
        """
        for segment in self._segments_from(self.log_start_offset):
            if segment.max_timestamp_ms >= timestamp_ms:
                found = segment.find_timestamp(timestamp_ms, self.log_start_offset)
                if found is not None:
                    return found
        return None

    def _segments_from(self, offset: int) -> Iterator[SegmentView]:
        """The segment that `offset` belongs to and those after it."""
        if offset < self.active.base_offset:
            first = max(0, bisect_right(self.base_offsets, offset) - 1)
            for number in range(first, len(self.sealed)):
                yield self.sealed[number]
        yield self.active

    def _out_of_range(self, offset: int) -> OffsetOutOfRangeError:
        return OffsetOutOfRangeError(
            f"offset {offset} is not within log start offset {self.log_start_offset} "
            f"and log end offset {self.log_end_offset}"
        )
