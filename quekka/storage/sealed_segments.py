"""The sealed segments of a log, in order, with what is asked of them again and again counted once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from quekka.storage.sealed_segment import SealedSegment
from quekka.storage.segment import SegmentView


class SealedSegments(NamedTuple):
    """Some neighbouring sealed segments; a change makes another value.

    Threads: any; immutable.
    """

    segments: tuple[SealedSegment, ...]
    base_offsets: tuple[int, ...]
    """For searching."""
    size_bytes: int

    @classmethod
    def of(cls, segments: Iterable[SealedSegment]) -> "SealedSegments":
        """These segments, in ascending order already."""
        segments = tuple(segments)
        return cls(
            segments,
            tuple(segment.base_offset for segment in segments),
            sum(segment.size_bytes for segment in segments),
        )

    def ending_before(self, offset: int) -> int:
        """How many of the first ones have records before `offset` only."""
        found = 0
        for segment in self.segments:
            if segment.next_offset > offset:
                break
            found += 1
        return found

    def position_of(self, some: Sequence[SegmentView]) -> int | None:
        """Where the neighbours `some` stand; None if they, or one of them, are not here any more."""
        for first, segment in enumerate(self.segments):
            if some and segment is some[0]:
                same = self.segments[first : first + len(some)] == tuple(some)
                return first if same else None
        return None

    def replaced(self, first: int, count: int, new: SealedSegment) -> "SealedSegments":
        """With one segment in the place of `count`."""
        return SealedSegments.of((*self.segments[:first], new, *self.segments[first + count :]))
