"""How many connections are open, over all listeners of a broker, and how many may be."""

import threading


class ConnectionSlots:
    """A count with a limit (`max.connections`).

    Threads: any.
    """

    def __init__(self) -> None:
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
            return True

    def give_back(self) -> None:
        with self._mutex:
            self._in_use -= 1
