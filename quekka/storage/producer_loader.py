"""What a partition knows of its producers when its log is opened: a snapshot, and the headers behind it.

    newest snapshot that is whole, at offset N      walked from
    there is one                                    N
    there were some, all damaged                    the active segment's base offset, or the recovery point
    there is none, the stop was clean               nowhere: no producer is remembered
    there is none, after a crash                    the recovery point (invariant 1 of producer_snapshots.py)

After a clean stop N is the log end. A snapshot has only the last batch of each producer, and a retry may come
of one before it: those of the last LOOK_BACK_BYTES before N are learnt again from their headers.

Only headers are looked at, as recovery has checked the rest. Where one cannot be read, the rest of its
segment is passed over: a producer that is not known may go on anywhere, so the partition stays writable.
"""

import logging
from collections.abc import Iterator, Sequence

from quekka.errors import CorruptMessageError, KafkaStorageError
from quekka.formats.record_batch import BatchHeader
from quekka.storage.active_segment import ActiveSegment
from quekka.storage.batch_walk import FAR_BYTES, walk_headers
from quekka.storage.log_context import LogContext
from quekka.storage.producer_snapshots import ProducerSnapshots
from quekka.storage.producer_state import ProducerState
from quekka.storage.segment import SegmentView

logger = logging.getLogger(__name__)

LOOK_BACK_BYTES = 256 * 1024
"""Batches whose answers may have been on their way when the snapshot was taken."""

_PRODUCER_ID = BatchHeader._fields.index("producer_id")


def load_producers(
    context: LogContext,
    snapshots: ProducerSnapshots,
    sealed: Sequence[SegmentView],
    active: ActiveSegment,
    recovery_point: int | None,
) -> ProducerState:
    """The state at the log's end.

    `recovery_point` is None after a clean stop. Raises OSError when snapshots that do not belong to the log
    any more cannot be removed, or those that do cannot be brought to disk.
    """
    state = ProducerState(context.producer_limits, context.clock)
    if recovery_point is None and not snapshots.offsets:
        return state
    segments = (*sealed, active.view())
    snapshots.keep_within(segments[0].base_offset, active.next_offset)
    start_offset = active.next_offset if recovery_point is None else recovery_point
    if snapshots.offsets:
        start_offset = min(start_offset, active.base_offset)
        newest = snapshots.read_newest()
        if newest is not None:
            start_offset = newest.offset
            state.restore(newest.entries)
            _look_back(state, segments, start_offset)
    _look_ahead(state, segments, start_offset)
    if not snapshots.offsets:
        snapshots.take(state, active.next_offset, active.size_bytes)
    elif recovery_point is None:
        return state
    # The log that is opened counts as flushed to its end, so what is known has to be on the disk as well.
    snapshots.sync()
    return state


def _look_back(state: ProducerState, segments: Sequence[SegmentView], end_offset: int) -> None:
    try:
        for segment, position in reversed(list(_stretches_before(segments, end_offset))):
            for header in _producer_headers(segment, position):
                if header.last_offset >= end_offset:
                    break
                state.recall(header)
    except (CorruptMessageError, KafkaStorageError) as error:
        logger.warning("retries of older batches may not be recognized: %s", error.message)


def _stretches_before(segments: Sequence[SegmentView], end_offset: int) -> Iterator[tuple[SegmentView, int]]:
    """Segments, the newest first, and from where on in each, that hold LOOK_BACK_BYTES before an offset."""
    missing_bytes = LOOK_BACK_BYTES
    for segment in reversed(segments):
        if segment.base_offset >= end_offset:
            continue
        end = segment.size_bytes
        if segment.next_offset > end_offset:
            end = segment.offset_index().floor(end_offset - 1 - segment.base_offset)
        if end > missing_bytes:
            yield segment, segment.offset_index().floor_position(end - missing_bytes)
            return
        yield segment, 0
        missing_bytes -= end


def _look_ahead(state: ProducerState, segments: Sequence[SegmentView], start_offset: int) -> None:
    for segment in segments:
        if segment.next_offset <= start_offset:
            continue
        try:
            for header in _headers_from(segment, start_offset):
                state.replay(header)
        except (CorruptMessageError, KafkaStorageError) as error:
            logger.warning("producers whose last batch comes then are not known: %s", error.message)


def _headers_from(segment: SegmentView, start_offset: int) -> Iterator[BatchHeader]:
    """Headers of the producers' batches from an offset to the segment's end."""
    position = 0
    if start_offset > segment.base_offset:
        position = segment.offset_index().floor(start_offset - segment.base_offset)
    for header in _producer_headers(segment, position):
        if header.last_offset >= start_offset:
            yield header


def _producer_headers(segment: SegmentView, position: int) -> Iterator[BatchHeader]:
    for _, fields in walk_headers(segment.log_file.get(), position, segment.size_bytes, FAR_BYTES):
        if fields[_PRODUCER_ID] >= 0:
            yield BatchHeader._make(fields)
