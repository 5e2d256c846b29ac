"""Where quekka-consume writes records to, and what it may commit afterwards."""

import errno
import os
import select
from typing import TYPE_CHECKING, BinaryIO

from quekka.cli.record_format import RecordFormatter
from quekka.errors import RebalanceInProgressError, UnknownMemberIdError

if TYPE_CHECKING:
    from quekka.client import Consumer, ConsumerRecord, TopicPartition


class RecordOutput:
    """Formatted records on a buffered stream; their offsets are committed once they have been flushed."""

    def __init__(self, stream: BinaryIO, formatter: RecordFormatter, committer: "Consumer | None") -> None:
        """`committer` None: nothing is committed, because nobody reads in a group."""
        self._stream = stream
        self._formatter = formatter
        self._committer = committer
        self._next_offsets: dict[TopicPartition, int] = {}

    def write(self, partition: "TopicPartition", records: "list[ConsumerRecord]") -> None:
        """Write all of `records`; they may stay in the buffer until `flush`."""
        self._stream.write(b"".join(map(self._formatter, records)))
        self._next_offsets[partition] = records[-1].offset + 1

    def check_reader(self) -> None:
        """Raises BrokenPipeError when nobody reads the stream any more, which tail(1) looks for as well."""
        try:
            descriptor = self._stream.fileno()
        except OSError:
            return  # no file: nobody can go away
        poller = select.poll()
        poller.register(descriptor, 0)
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poller.poll(0)):
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def flush(self) -> None:
        """Let everything out, then commit it."""
        self._stream.flush()
        next_offsets, self._next_offsets = self._next_offsets, {}
        if self._committer is None or not next_offsets:
            return
        try:
            self._committer.commit(next_offsets)
        except (RebalanceInProgressError, UnknownMemberIdError):
            return  # another member has the partition now, and reads these records again
