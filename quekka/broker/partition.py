"""One partition as the servers see it: append to it, look at it."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from quekka.broker.append_future import AppendFuture
from quekka.broker.commands import AppendCommand, DeleteRecordsCommand
from quekka.broker.completion import Completion
from quekka.broker.signal import Signal
from quekka.deadline import Deadline
from quekka.errors import InvalidRecordError
from quekka.formats.record_batch import BatchHeader
from quekka.offset_spec import OffsetSpec
from quekka.storage.log_view import LogView
from quekka.storage.partition_log import PartitionLog

if TYPE_CHECKING:
    from quekka.broker.topic_writer import TopicWriter

logger = logging.getLogger(__name__)


class Partition:
    """A log and the way to its writer.

    Constant: `topic_name`, `index`, `log`, `log_end`.

    Threads: any.
    """

    __slots__ = ("_damaged_at", "_writer", "index", "is_gone", "log", "log_end", "topic_name")

    def __init__(self, topic_name: str, index: int, log: PartitionLog, writer: "TopicWriter") -> None:
        self.topic_name = topic_name
        self.index = index
        self.log = log
        self.log_end = Signal()
        """Fires when there is more to read, less to read, or the partition is gone."""
        self.is_gone = False
        """True once the topic was deleted: whoever waits here should stop."""
        self._writer = writer
        self._damaged_at = -1

    def view(self) -> LogView:
        """What the partition holds now. Take it once, derive all else from it."""
        return self.log.view

    def append(
        self,
        batches: Sequence[bytearray | memoryview],
        records_count: int,
        deadline: Deadline | None = None,
        headers: Sequence[BatchHeader] = (),
    ) -> AppendFuture:
        """Queue checked record batches for the writer, which writes offsets into them in place.

        The buffers are the writer's until the future is done. `headers` are those of the batches, needed
        where a client made them: the sequences of idempotent producers are checked, and the future raises
        InvalidProducerEpochError, OutOfOrderSequenceNumberError, DuplicateSequenceNumberError (only some of
        the batches were appended before).

        Waits while the topic's queue is full; raises ThrottlingError when it still is at the deadline,
        UnknownTopicOrPartitionError when the topic was deleted, ShuttingDownError when the broker stops.
        """
        if not batches:
            raise InvalidRecordError("no record batch")
        future = AppendFuture(self._writer.wakes)
        size_bytes = sum(map(len, batches))
        producers: tuple[BatchHeader, ...] = ()
        if headers and any(header.producer_id >= 0 for header in headers):
            producers = tuple(headers)
        self._writer.submit(
            AppendCommand(self, batches, records_count, size_bytes, future, producers), size_bytes, deadline
        )
        return future

    def delete_records(self, before_offset: int, deadline: Deadline | None = None) -> int:
        """Let go of all records before an offset (-1: of all); the new log start offset.

        Raises OffsetOutOfRangeError for an offset after the log end.
        """
        done: Completion[int] = Completion()
        self._writer.submit(DeleteRecordsCommand(self, before_offset, done), 0, deadline)
        return done.wait(deadline)

    def find(self, where: OffsetSpec) -> int:
        """The offset that `where` means now; a time after the last record means the log end offset."""
        view = self.view()
        if where.kind == "offset":
            return where.value
        if where.kind == "earliest":
            return view.log_start_offset
        if where.kind == "latest":
            return view.log_end_offset
        found = view.offset_for_timestamp(where.value)
        return view.log_end_offset if found is None else found[0]

    def report_damage(self, offset: int, message: str) -> None:
        """Tell the operator what a reader met; once for each place, however often it is read."""
        if self._damaged_at != offset:
            self._damaged_at = offset
            logger.error("damage: %s", message)

    def __str__(self) -> str:
        return f"{self.topic_name}/{self.index}"

    def __repr__(self) -> str:
        return f"<Partition {self}>"
