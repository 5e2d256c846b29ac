"""One partition of a fetch session: what the client wants of it, and what it was told of it last.

It is either pending, so that the next Fetch looks at it, or it sleeps at the partition's signal: there is
nothing to read, and nothing that the client was not told. What ends the sleep ends it once, so that a session
that nobody uses any more costs each of its partitions one call and not one for each append.

Source: CachedPartition in Apache Kafka's FetchSession.java.
"""

from collections.abc import Callable
from typing import Protocol

from quekka.broker.partition import Partition
from quekka.errors import QuekkaError
from quekka.storage.log_view import LogView

UNKNOWN_OFFSET = -1

class Asked(Protocol):
    """What a Fetch request says of a partition.

    Threads: the connection's own.
    """

    @property
    def partition(self) -> int: ...
    @property
    def current_leader_epoch(self) -> int: ...
    @property
    def last_fetched_epoch(self) -> int: ...
    @property
    def fetch_offset(self) -> int: ...
    @property
    def partition_max_bytes(self) -> int: ...


FindPartition = Callable[[str, Asked], Partition]
"""From the topic and what is asked to the partition; raises a QuekkaError."""


class HasSize(Protocol):
    """Records that somebody else will send.

    Threads: the connection's own.
    """

    @property
    def size_bytes(self) -> int: ...


class Told(Protocol):
    """What a response to Fetch says of a partition.

    Threads: the connection's own.
    """

    @property
    def error_code(self) -> int: ...
    @property
    def high_watermark(self) -> int: ...
    @property
    def log_start_offset(self) -> int: ...
    @property
    def records(self) -> HasSize | None: ...


class CachedPartition:
    """A partition of a session; it reads like the partition of a request (`Asked`).

    Constant: `topic`, `partition`. `turn` says when it is served: the lowest first.

    Threads: those of the session, which holds its lock; `wake` by any.
    """

    __slots__ = (
        "_found", "_high_watermark", "_log_start_offset", "_on_wake", "current_leader_epoch", "fetch_offset",
        "is_forgotten", "last_fetched_epoch", "partition", "partition_max_bytes", "topic", "turn",
    )  # fmt: skip

    def __init__(
        self, topic: str, asked: Asked, turn: int, on_wake: Callable[["CachedPartition"], None]
    ) -> None:
        self.topic = topic
        self.partition = asked.partition
        self.turn = turn
        self.is_forgotten = False
        self._on_wake = on_wake
        self._found: Partition | None = None
        self._high_watermark = UNKNOWN_OFFSET
        self._log_start_offset = UNKNOWN_OFFSET
        self._take(asked)

    def _take(self, asked: Asked) -> None:
        self.current_leader_epoch = asked.current_leader_epoch
        self.last_fetched_epoch = asked.last_fetched_epoch
        self.fetch_offset = asked.fetch_offset
        self.partition_max_bytes = asked.partition_max_bytes

    def want(self, asked: Asked) -> None:
        """A request names it again, with another offset for instance."""
        self.leave()
        if (
            asked.current_leader_epoch != self.current_leader_epoch
            or asked.last_fetched_epoch != self.last_fetched_epoch
        ):
            self._found = None
        self._take(asked)

    def find(self, find: FindPartition) -> Partition | None:
        """The partition; None where an error is to be told instead, now and until it is gone."""
        found = self._found
        if found is None or found.is_gone:
            self.leave()
            try:
                found = find(self.topic, self)
            except QuekkaError:
                found = None
            self._found = found
        return found

    def is_idle(self, view: LogView) -> bool:
        """True when there is nothing to read, and nothing to tell that was not told."""
        return (
            self.fetch_offset == self._high_watermark == view.log_end_offset
            and self._log_start_offset == view.log_start_offset
        )

    def sleep(self, partition: Partition) -> None:
        """Be woken by the next change, or at once by one that has just come."""
        partition.log_end.add(self)
        if partition.is_gone or not self.is_idle(partition.view()):
            self.wake()

    def wake(self) -> None:
        """The partition has changed."""
        self.leave()
        self._on_wake(self)

    def leave(self) -> None:
        """Sleep no more."""
        found = self._found
        if found is not None:
            found.log_end.remove(self)

    def note(self, told: Told) -> bool:
        """Remember what a response would tell, whether it has to tell it.

        After an error, whatever comes next is told again.
        """
        has_changed = (
            self._high_watermark != told.high_watermark or self._log_start_offset != told.log_start_offset
        )
        self._high_watermark = UNKNOWN_OFFSET if told.error_code else told.high_watermark
        self._log_start_offset = told.log_start_offset
        return has_changed or told.error_code != 0 or size_of(told) > 0


def size_of(told: Told) -> int:
    """How many bytes of records the response has for the partition."""
    return 0 if told.records is None else told.records.size_bytes
