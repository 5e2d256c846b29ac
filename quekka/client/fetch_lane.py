"""A connection on which some partitions are read.

With one partition a lane always has one READ on its way that waits at the broker until there is data, so a
record arrives as soon as it is stored. With more it asks for all of them in a row; all but the last do not
wait, the last one does for a short time, and another one is last the next time.
"""

from collections import deque
from collections.abc import Iterator

from quekka.client.connection import Connection
from quekka.client.partition_state import PartitionState
from quekka.client.reply import Reply
from quekka.client.request import request_line
from quekka.clock import Clock
from quekka.errors import RequestTimedOutError

SHARED_WAIT_MS_MIN = 10
SHARED_WAIT_MS_MAX = 160
"""Between these a lane with several partitions waits, twice as long each time that it got nothing."""


class FetchLane:
    """One connection, its partitions, and the READs on their way.

    Threads: one at a time, the consumer's.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        max_bytes: int,
        max_wait_ms: int,
        request_timeout_s: float,
        clock: Clock,
    ) -> None:
        # Constant
        self._connection = connection
        self._max_bytes = max_bytes
        self._max_wait_ms = max_wait_ms
        self._request_timeout_s = request_timeout_s
        self._clock = clock
        # Changing
        self.states: list[PartitionState] = []
        self._on_their_way: deque[tuple[PartitionState, int]] = deque()
        """Each READ's partition, and the version of its state then."""
        self._shared_wait_ms = SHARED_WAIT_MS_MIN
        self._reply_due_at_s = 0.0

    @property
    def is_waiting(self) -> bool:
        """A reply is to come."""
        return bool(self._on_their_way)

    @property
    def has_received(self) -> bool:
        return self._connection.has_received

    def fileno(self) -> int:
        return self._connection.fileno()

    def waits_for(self, state: PartitionState) -> bool:
        return any(asked is state for asked, _ in self._on_their_way)

    def pause_s(self) -> float | None:
        """Seconds until it can send again; None when that is not a matter of time."""
        if self._on_their_way:
            return None
        pauses = [max(0.0, state.retry_at_s - self._clock.monotonic_s()) for state in self._wanted()]
        return max(self._connection.backoff.remaining_s(), min(pauses)) if pauses else None

    def send_due(self) -> None:
        """Ask for every partition, unless a reply is to come; raises NetworkError, RequestTimedOutError."""
        if self._on_their_way or self._connection.backoff.remaining_s() > 0:
            return
        now_s = self._clock.monotonic_s()
        states = [state for state in self._wanted() if state.retry_at_s <= now_s]
        if not states:
            return
        wait_ms = self._max_wait_ms if len(states) == 1 else min(self._shared_wait_ms, self._max_wait_ms)
        lines = [self._line(state, wait_ms if state is states[-1] else 0) for state in states]
        self._on_their_way.extend((state, state.version) for state in states)
        self._reply_due_at_s = now_s + wait_ms / 1000 + self._request_timeout_s
        self.states.append(self.states.pop(0))
        self._connection.send(b"".join(lines))

    def receive(self) -> Iterator[tuple[PartitionState, Reply]]:
        """The replies that are there, with their partitions; blocks until there is one.

        Replies that nobody wants any more are left out. Raises NetworkError, RequestTimedOutError,
        UnknownServerError.
        """
        is_first = True
        while self._on_their_way and (is_first or self._connection.has_received):
            is_first = False
            reply = self._connection.receive()
            state, version = self._on_their_way.popleft()
            self._learn_wait(reply)
            if state.version == version:
                yield state, reply

    def check_reply_time(self) -> None:
        """Raises RequestTimedOutError when a reply is overdue by `request_timeout_s`."""
        if self._on_their_way and self._clock.monotonic_s() > self._reply_due_at_s:
            raise RequestTimedOutError(
                f"{self._connection.address}: no reply to READ for {self._request_timeout_s:g} s"
            )

    def drop(self) -> None:
        """Close the connection and forget what is on its way; the next `send_due` connects again."""
        self._connection.close()
        self._on_their_way.clear()

    def fail(self) -> None:
        """`drop`, and let some time pass before the next connection."""
        self.drop()
        if not self._connection.backoff.remaining_s():
            self._connection.backoff.failed()

    def _wanted(self) -> list[PartitionState]:
        return [state for state in self.states if not (state.is_paused or state.needs_reset)]

    def _line(self, state: PartitionState, wait_ms: int) -> bytes:
        topic, partition = state.topic_partition
        options = {"max_bytes": self._max_bytes}
        return request_line("READ", topic, partition, state.fetch_position, wait_ms, options=options)

    def _learn_wait(self, reply: Reply) -> None:
        """An idle lane asks less and less often, one with data waits as little as it may."""
        if reply.kind == "BATCHES":
            self._shared_wait_ms = SHARED_WAIT_MS_MIN
        elif not self._on_their_way:
            self._shared_wait_ms = min(2 * self._shared_wait_ms, SHARED_WAIT_MS_MAX)
