"""Whether a compacted log is worth cleaning, and which of its segments are: decided from a view alone.

    log start       first dirty offset          first uncleanable offset     log end
        |---- clean ----|-------- dirty -------------|-- too young, active ------|

    clean         compacted by an earlier pass
    dirty         sealed, appended since, on the disk, and older than min.compaction.lag.ms

A log is cleaned when dirty / (clean + dirty) is more than min.cleanable.dirty.ratio, or when its oldest
dirty record waits longer than max.compaction.lag.ms. The active segment is never touched, nor one that was
not flushed: a power cut could take a record after what it superseded is gone.
Source: org.apache.kafka.storage.internals.log.LogCleanerManager, LogToClean.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quekka.formats.index_entry import RELATIVE_OFFSET_MAX
from quekka.formats.record_batch import HEADER_BYTES, read_header
from quekka.formats.segment_name import OFFSET_MAX
from quekka.storage.log_config import INT64_MAX, LogConfig
from quekka.storage.log_view import LogView
from quekka.storage.segment import SegmentView


class CleanPlan(NamedTuple):
    """What one pass over a log may do.

    Threads: any; immutable.
    """

    segments: tuple[SegmentView, ...]
    """Those that may be rewritten: from the log's start up to the first uncleanable offset."""
    first_dirty_offset: int
    clean_bytes: int
    dirty_bytes: int

    @property
    def dirty_ratio(self) -> float:
        return self.dirty_bytes / max(1, self.clean_bytes + self.dirty_bytes)

    @property
    def dirty_segments(self) -> tuple[SegmentView, ...]:
        """Those with records that were not compacted yet."""
        return tuple(segment for segment in self.segments if segment.next_offset > self.first_dirty_offset)

    def groups(self, end_offset: int, segment_bytes: int) -> Iterator[tuple[SegmentView, ...]]:
        """Neighbours that together fit in one segment, up to the one with the record before `end_offset`."""
        group: list[SegmentView] = []
        for segment in self.segments:
            if segment.base_offset >= end_offset:
                break
            if group and not _fits(group, segment, segment_bytes):
                yield tuple(group)
                group = []
            group.append(segment)
        if group:
            yield tuple(group)


def plan_cleaning(
    view: LogView, config: LogConfig, cleaned_to_offset: int, now_ms: int, flushed_offset: int = OFFSET_MAX
) -> CleanPlan | None:
    """What to clean; None when it is not worth it yet.

    `cleaned_to_offset` is where the last pass ended; before `flushed_offset` all is on the disk. Raises
    KafkaStorageError and CorruptMessageError when a segment's timestamps cannot be read.
    """
    first_dirty_offset = max(cleaned_to_offset, view.log_start_offset)
    if cleaned_to_offset > view.log_end_offset:
        first_dirty_offset = view.log_start_offset
    flushed = tuple(segment for segment in view.sealed if segment.next_offset <= flushed_offset)
    segments = _old_enough(flushed, first_dirty_offset, now_ms - config.min_compaction_lag_ms)
    clean = [segment.size_bytes for segment in segments if segment.next_offset <= first_dirty_offset]
    total_bytes = sum(segment.size_bytes for segment in segments)
    plan = CleanPlan(segments, first_dirty_offset, sum(clean), total_bytes - sum(clean))
    if plan.dirty_bytes == 0:
        return None
    is_worth_it = plan.dirty_ratio > config.min_cleanable_dirty_ratio
    return plan if is_worth_it or _is_overdue(plan, now_ms, config.max_compaction_lag_ms) else None


def _old_enough(
    sealed: Sequence[SegmentView], first_dirty_offset: int, young_ms: int
) -> tuple[SegmentView, ...]:
    """The segments before the first dirty one with a record younger than `young_ms`."""
    segments: list[SegmentView] = []
    for segment in sealed:
        if segment.next_offset > first_dirty_offset and segment.max_timestamp_ms > young_ms:
            break
        segments.append(segment)
    return tuple(segments)


def _is_overdue(plan: CleanPlan, now_ms: int, max_lag_ms: int) -> bool:
    if max_lag_ms == INT64_MAX:
        return False
    return any(_first_timestamp_ms(segment) < now_ms - max_lag_ms for segment in plan.dirty_segments)


def _first_timestamp_ms(segment: SegmentView) -> int:
    """The largest timestamp of the segment's first batch, as Kafka takes it for its age."""
    if segment.size_bytes == 0:
        return INT64_MAX
    timestamp_ms = read_header(segment.log_file.get().read(0, HEADER_BYTES)).max_timestamp_ms
    return timestamp_ms if timestamp_ms > 0 else INT64_MAX


def _fits(group: list[SegmentView], segment: SegmentView, segment_bytes: int) -> bool:
    size_bytes = sum(member.size_bytes for member in group) + segment.size_bytes
    return (
        size_bytes <= segment_bytes and segment.next_offset - 1 - group[0].base_offset <= RELATIVE_OFFSET_MAX
    )
