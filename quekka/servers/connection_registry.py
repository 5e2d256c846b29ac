"""The open connections of one listener, so that they can be ended from outside."""

import threading

from quekka.deadline import Deadline
from quekka.servers.peer import Peer


class ConnectionRegistry:
    """Each connection with the thread that serves it.

    A peer is in here exactly as long as its socket is open, since it is closed under the same lock: a
    descriptor that the system has given to somebody else meanwhile is never shut down.

    Threads: any.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._threads: dict[Peer, threading.Thread] = {}
        self._is_stopping = False

    def __len__(self) -> int:
        return len(self._threads)

    def add(self, peer: Peer, thread: threading.Thread) -> bool:
        """Register a connection, before its thread starts; False when no more are wanted."""
        with self._mutex:
            if self._is_stopping:
                return False
            self._threads[peer] = thread
            return True

    def remove(self, peer: Peer) -> None:
        """Close the connection; the last thing its thread does with it."""
        with self._mutex:
            self._threads.pop(peer, None)
            peer.close()

    def interrupt_all(self) -> None:
        """Take no more; idle connections end now, the others when their requests are answered."""
        with self._mutex:
            self._is_stopping = True
            for peer in self._threads:
                peer.interrupt()

    def cut_all(self) -> list[str]:
        """End what is still there at once; the names of those peers."""
        with self._mutex:
            for peer in self._threads:
                peer.cut()
            return [peer.name for peer in self._threads]

    def join(self, deadline: Deadline) -> bool:
        """Wait until all threads have ended; False when the deadline came first."""
        with self._mutex:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(deadline.remaining_s())
        return not any(thread.is_alive() for thread in threads)
