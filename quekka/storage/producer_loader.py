"""What a partition knows of its producers when its log is opened: a snapshot, and the headers behind it.

    newest snapshot that is whole, at offset N      walked from
    there is one                                    N
    there were some, all damaged                    the active segment's base offset, or the recovery point
    there is none, the stop was clean               nowhere: no producer is remembered
    there is none, after a crash                    the recovery point (invariant 1 of producer_snapshots.py)

After a clean stop N is the log end. Only headers are looked at, as recovery has checked the rest. Where one
cannot be read, the rest of its segment is passed over: a producer that is not known may go on anywhere, so
the partition stays writable.
"""

import logging
from collections.abc import Sequence

from quekka.errors import CorruptMessageError, KafkaStorageError
from quekka.formats.record_batch import BatchHeader
from quekka.storage.batch_walk import FAR_BYTES, walk_headers
from quekka.storage.log_context import LogContext
from quekka.storage.producer_snapshots import ProducerSnapshots
from quekka.storage.producer_state import ProducerState
from quekka.storage.segment import SegmentView

logger = logging.getLogger(__name__)

_PRODUCER_ID = BatchHeader._fields.index("producer_id")


def load_producers(
    context: LogContext,
    snapshots: ProducerSnapshots,
    segments: Sequence[SegmentView],
    recovery_point: int | None,
) -> ProducerState:
    """The state at the end of `segments`, the last of which is the active one.

    `recovery_point` is None after a clean stop. Raises OSError when snapshots that do not belong to the log
    any more cannot be removed, or those that do cannot be brought to disk.
    """
    state = ProducerState(context.producer_limits, context.clock)
    active = segments[-1]
    snapshots.keep_within(segments[0].base_offset, active.next_offset)
    start_offset = active.next_offset if recovery_point is None else recovery_point
    if snapshots.offsets:
        start_offset = _restore_newest(state, snapshots, min(start_offset, active.base_offset))
    if start_offset < active.next_offset:
        _replay(state, segments, start_offset)
    if not snapshots.offsets:
        snapshots.take(state, active.next_offset, active.size_bytes)
    elif recovery_point is None:
        return state
    # The log that is opened counts as flushed to its end, so what is known has to be on the disk as well.
    snapshots.sync()
    return state


def _restore_newest(state: ProducerState, snapshots: ProducerSnapshots, otherwise: int) -> int:
    """Take over the newest snapshot that can be read; its offset."""
    newest = snapshots.read_newest()
    if newest is None:
        return otherwise
    offset, entries = newest
    state.restore(entries)
    return offset


def _replay(state: ProducerState, segments: Sequence[SegmentView], start_offset: int) -> None:
    for segment in segments:
        if segment.next_offset <= start_offset:
            continue
        try:
            _replay_segment(state, segment, start_offset)
        except (CorruptMessageError, KafkaStorageError) as error:
            logger.warning("producers whose last batch comes then are not known: %s", error.message)


def _replay_segment(state: ProducerState, segment: SegmentView, start_offset: int) -> None:
    position = 0
    if start_offset > segment.base_offset:
        position = segment.offset_index().floor(start_offset - segment.base_offset)
    for _, fields in walk_headers(segment.log_file.get(), position, segment.size_bytes, FAR_BYTES):
        if fields[_PRODUCER_ID] >= 0:
            header = BatchHeader._make(fields)
            if header.last_offset >= start_offset:
                state.replay(header)
