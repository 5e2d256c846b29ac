"""How much memory the large requests of all connections take together.

A request is received into memory of its own when it is large, and that memory grows with what came of it. One
connection is bounded by `socket.request.max.bytes`; all of them together are bounded here, as Kafka's
`queued.max.request.bytes` does it: who needs more than there is waits, and TCP has its peer wait.

Each holds what it has while it waits for more, so one must always get on: that is who holds memory for the
longest time. Hence all together hold `request.memory.max.bytes` and one request more at the most.
"""

import threading
from collections.abc import Callable

from quekka.deadline import Deadline
from quekka.errors import ThrottlingError


class RequestMemory:
    """Who holds how much. A holder is any object, one for each connection.

    Guarded by `_changed`: all of it. Nothing else is taken under it, and it is let go of while waiting.

    Threads: any.
    """

    def __init__(self, bytes_max: Callable[[], int]) -> None:
        self._bytes_max = bytes_max
        self._changed = threading.Condition()
        self._held: dict[object, int] = {}
        """In the order in which they began to hold some."""
        self._held_bytes = 0
        self._is_open = False

    @property
    def held_bytes(self) -> int:
        return self._held_bytes

    def try_hold(self, holder: object, size_bytes: int) -> bool:
        """Have `holder` hold so much and no longer what it held; False where there is no room for more."""
        with self._changed:
            if not self._has_room_locked(holder, size_bytes):
                return False
            self._hold_locked(holder, size_bytes)
        return True

    def hold(self, holder: object, size_bytes: int, deadline: Deadline) -> None:
        """As `try_hold`, after waiting for room; raises ThrottlingError when there was none in time."""
        with self._changed:
            while not self._has_room_locked(holder, size_bytes):
                if deadline.expired():
                    raise ThrottlingError(
                        f"no room for {size_bytes} bytes of a request: {self._held_bytes} bytes of "
                        f"{len(self._held)} others are on their way (request.memory.max.bytes="
                        f"{self._bytes_max()}, request.timeout.ms)"
                    )
                self._changed.wait(deadline.remaining_s())
            self._hold_locked(holder, size_bytes)

    def let_all_in(self) -> None:
        """Nobody waits any more: the broker stops, and what has begun is to end."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def _has_room_locked(self, holder: object, size_bytes: int) -> bool:
        more_bytes = size_bytes - self._held.get(holder, 0)
        return (
            more_bytes <= 0
            or self._held_bytes + more_bytes <= self._bytes_max()
            or next(iter(self._held), holder) is holder
            or self._is_open
        )

    def _hold_locked(self, holder: object, size_bytes: int) -> None:
        before_bytes = self._held.get(holder, 0)
        self._held_bytes += size_bytes - before_bytes
        if size_bytes:
            self._held[holder] = size_bytes
        else:
            self._held.pop(holder, None)
        if size_bytes < before_bytes:
            self._changed.notify_all()
