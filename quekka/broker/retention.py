"""Which segments retention lets go: a pure decision from what a partition shows and what its settings say.

Rules (source: UnifiedLog.deleteOldSegments), oldest segment first, stopping at the first that stays:

1. time: a segment goes when its largest timestamp is older than `retention.ms`;
2. size: it goes when the partition without it still holds `retention.bytes` or more;
3. start: it goes when all of it lies before the log start offset (records deleted on request).

Records without a timestamp (-1) are as old as the file: since it was last written.
By time the active segment may go too, once all of it is too old: the writer rolls first. By size it never
goes.
"""

from quekka.storage.log_config import LogConfig
from quekka.storage.log_view import LogView
from quekka.storage.segment import SegmentView


def expired_before_offset(view: LogView, config: LogConfig, now_ms: int) -> int | None:
    """Everything before this offset may go, or None where all stays."""
    excess_bytes = view.size_bytes - config.retention_bytes
    before_offset = None
    segments = view.segments
    for segment in segments:
        is_active = segment is segments[-1]
        if segment.size_bytes == 0:
            continue
        too_old = (
            config.cleanup_delete
            and config.retention_ms >= 0
            and newest_ms(segment) < now_ms - config.retention_ms
        )
        too_much = (
            config.cleanup_delete
            and config.retention_bytes >= 0
            and excess_bytes >= segment.size_bytes
            and not is_active
        )
        before_start = segment.next_offset <= view.log_start_offset and not is_active
        if not (too_old or too_much or before_start):
            break
        excess_bytes -= segment.size_bytes
        before_offset = segment.next_offset
    return before_offset


def newest_ms(segment: SegmentView) -> int:
    """The time of a segment's newest record, or, where none has one, of its last append."""
    timestamp_ms = segment.max_timestamp_ms
    return timestamp_ms if timestamp_ms >= 0 else segment.modified_ms()
