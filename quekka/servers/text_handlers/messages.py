"""From the log to rendered messages, for POLL and FETCH."""

from quekka.broker.partition import Partition
from quekka.errors import (
    CorruptMessageError,
    KafkaStorageError,
    MessageTooLargeError,
    QuekkaError,
    UnsupportedCompressionTypeError,
)
from quekka.formats.record_batch import iter_checked_batches, iter_raw_records
from quekka.protocols.text.render import MessageRenderer
from quekka.storage.decompression_slots import decompression_slot
from quekka.storage.log_slice import LogSlice

PIECE_BYTES = 256 * 1024
"""How much is read from the log at a time: little enough that what `max` leaves over costs little."""

_DAMAGE = (CorruptMessageError, KafkaStorageError, MessageTooLargeError, UnsupportedCompressionTypeError)


def render_messages(partition: Partition, offset: int, renderer: MessageRenderer) -> int:
    """Give the records from `offset` on to the renderer until it is full; the offset to go on from.

    Raises OffsetOutOfRangeError. A batch that cannot be read ends the messages; where it is the first one, it
    raises CorruptMessageError, KafkaStorageError and the like, with topic, partition, offset, file and
    position.
    """
    view = partition.view()
    while not renderer.is_full:
        try:
            piece = view.read(offset, min(PIECE_BYTES, renderer.room_bytes))
        except _DAMAGE as error:
            if renderer.count:
                break
            raise _damaged(partition, offset, error, error.message) from error
        if not piece.size_bytes:
            return view.log_end_offset  # compaction may have left nothing between here and the end
        previous = offset
        offset = _render_batches(partition, piece, (offset, view.log_end_offset), renderer)
        if offset == previous:
            break
    return offset


def _render_batches(
    partition: Partition, piece: LogSlice, offsets: tuple[int, int], renderer: MessageRenderer
) -> int:
    """`offsets`: the one to begin with, and the log end."""
    offset, end_offset = offsets
    count = renderer.count
    try:
        data = piece.read()
        # Clients of other protocols check batches themselves; those of this one never see them.
        for position, header in iter_checked_batches(data, offset, end_offset):
            if not header.is_control:
                with decompression_slot(header.codec):
                    left_out = renderer.add(
                        partition.index, iter_raw_records(data, position, from_offset=offset)
                    )
                if left_out is not None:
                    return left_out
            offset = header.next_offset
            count = renderer.count
    except _DAMAGE as error:
        renderer.cut_out(count)
        if not renderer.count:
            raise _damaged(partition, offset, error, f"{piece.place}: {error.message}") from error
    return offset


def _damaged(partition: Partition, offset: int, error: QuekkaError, what: str) -> QuekkaError:
    """The error with topic, partition and offset, once they are in the broker's log."""
    message = f"topic {partition.topic_name} partition {partition.index} offset {offset}: {what}"
    partition.report_damage(offset, message)
    return type(error)(message)
