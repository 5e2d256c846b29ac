"""How many connections are open, over all listeners of a broker, and how many may be."""

import threading
from collections.abc import Callable


class ConnectionSlots:
    """A count with a limit (`max.connections`).

    Threads: any.
    """

    def __init__(self, on_change: Callable[[int], None] | None = None) -> None:
        """`on_change` is called with each new count, in their order, under the lock: it must be quick."""
        self._on_change = on_change or _nobody_asks
        self._mutex = threading.Lock()
        self._in_use = 0

    @property
    def in_use(self) -> int:
        return self._in_use

    def take(self, limit: int) -> bool:
        """Take one, unless `limit` are taken already."""
        with self._mutex:
            if self._in_use >= limit:
                return False
            self._in_use += 1
            self._on_change(self._in_use)
            return True

    def give_back(self) -> None:
        with self._mutex:
            self._in_use -= 1
            self._on_change(self._in_use)


def _nobody_asks(_in_use: int) -> None:
    """For a broker whose program does not want to know."""
