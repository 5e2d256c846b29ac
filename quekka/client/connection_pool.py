"""Connections for many threads: each request takes one that nobody uses, or opens one more."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from quekka.client.connection import Connection

IDLE_CONNECTIONS_MAX = 4
"""More than this many threads at once ask rarely, so what is over is closed after its request."""


class ConnectionPool:
    """A few open connections that wait for the next request.

    Threads: any. No lock is held while a request is under way; taking and putting back are single calls of a
    deque.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for the body alone; one that the broker has closed meanwhile is never handed out."""
        connection = self._take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._put_back(connection)

    def close(self) -> None:
        """Close what is idle; what is in use is closed when its body ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Connection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break  # another thread was faster
            if not connection.is_stale():
                return connection
            connection.close()
        return self._connect()

    def _put_back(self, connection: Connection) -> None:
        if self._closed or len(self._idle) >= IDLE_CONNECTIONS_MAX:
            connection.close()
        else:
            self._idle.append(connection)
