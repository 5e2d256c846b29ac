"""What crosses a topic's queue: frozen values, each with the completion by which its sender hears of the end.

A command's `size_bytes` counts against the queue's bound (`queued.max.request.bytes`); only appends are
large.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from quekka.broker.append_future import AppendFuture
from quekka.broker.completion import Completion

if TYPE_CHECKING:
    from quekka.broker.partition import Partition
    from quekka.formats.record_batch import BatchHeader
    from quekka.storage.log_writer import FlushTicket
    from quekka.storage.segment import SegmentView


class AppendCommand(NamedTuple):
    """Append these checked batches, together or not at all; the result is the first one's base offset.

    Where the batches have idempotent producers, their sequences are checked: a command that repeats what was
    appended before gets the base offset of then, and nothing is written.

    Threads: any; immutable.
    """

    partition: "Partition"
    batches: Sequence[bytearray | memoryview]
    records_count: int
    size_bytes: int
    done: AppendFuture
    producers: "tuple[BatchHeader, ...]" = ()
    """The headers of all batches, if one of them has a producer id."""


class BeginFlushCommand(NamedTuple):
    """flush.ms is over: have the flusher sync the files while the writer goes on.

    Threads: any; immutable.
    """


class FlushedCommand(NamedTuple):
    """The flusher is through; what it brought to disk need not be scanned after a crash.

    Threads: any; immutable.
    """

    partition: "Partition"
    ticket: "FlushTicket"
    error: OSError | None


class DeleteRecordsCommand(NamedTuple):
    """Let go of all before an offset (-1: all there is); the result is the new log start offset.

    Threads: any; immutable.
    """

    partition: "Partition"
    before_offset: int
    done: Completion[int]


class RetentionCommand(NamedTuple):
    """Delete the segments that end at or before an offset; roll first where the active one is among them.

    Threads: any; immutable.
    """

    partition: "Partition"
    before_offset: int


class ReplaceSegmentsCommand(NamedTuple):
    """Put a cleaned segment in the place of those it was made of.

    Threads: any; immutable.
    """

    partition: "Partition"
    old_segments: "tuple[SegmentView, ...]"
    done: Completion[None]


class RetireCommand(NamedTuple):
    """End the thread if there is nothing else to do.

    Threads: any; immutable.
    """


class StopCommand(NamedTuple):
    """Flush, write the checkpoints, close the files, end the thread; nothing may be queued after it.

    Threads: any; immutable.
    """

    done: Completion[None]


Command = (
    AppendCommand
    | BeginFlushCommand
    | FlushedCommand
    | DeleteRecordsCommand
    | RetentionCommand
    | ReplaceSegmentsCommand
    | RetireCommand
    | StopCommand
)
