"""The loop that accepts connections, and what it does when the system has no room for one more.

An error of one connection (its peer went away, a firewall forbids it) takes that connection from the backlog,
so the next one can be accepted at once. After any other the same connection is still there, and accept would
fail again and again: the loop waits, longer each time. Source: accept(2).
"""

import errno
import logging
import socket
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

BACKLOG = 1024
"""Connections that the kernel completes while the accepting thread waits for its turn."""

BACK_OFF_FIRST_S = 0.05
BACK_OFF_MAX_S = 1.0

_OF_ONE_CONNECTION = {
    errno.ECONNABORTED,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENOPROTOOPT,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EPROTO,
}


class Acceptor:
    """A listening socket and its thread, `quekka-accept-<port>`.

    `on_connection` is called with each accepted socket, which is then its own; it must not block.

    Threads: start and stop by one thread; the loop is its own.
    """

    def __init__(self, listening: socket.socket, on_connection: Callable[[socket.socket], None]) -> None:
        self._socket = listening
        self._on_connection = on_connection
        self._stopping = threading.Event()
        port = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._accept_loop, name=f"quekka-accept-{port}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Accept no more; those who wait in the backlog are reset by the system."""
        self._stopping.set()
        self._socket.shutdown(socket.SHUT_RDWR)  # close alone does not wake accept
        self._thread.join()
        self._socket.close()

    def _accept_loop(self) -> None:
        back_off_s = 0.0
        while not self._stopping.is_set():
            try:
                connected, _ = self._socket.accept()
            except OSError as error:
                back_off_s = self._back_off(error, back_off_s)
                continue
            back_off_s = 0.0
            try:
                self._on_connection(connected)
            except Exception:
                logger.exception("a connection could not be served")
                connected.close()

    def _back_off(self, error: OSError, back_off_s: float) -> float:
        """Wait unless the next accept can be another one's, longer each time; how long that was."""
        if self._stopping.is_set() or error.errno in _OF_ONE_CONNECTION:
            return 0.0
        if not back_off_s:
            logger.error("cannot accept connections: %s; trying again until it can", error.strerror)
        back_off_s = min(max(2 * back_off_s, BACK_OFF_FIRST_S), BACK_OFF_MAX_S)
        self._stopping.wait(back_off_s)
        return back_off_s


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.settimeout(None)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
