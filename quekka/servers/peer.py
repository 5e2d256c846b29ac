"""The other side of one accepted connection: its socket, with every wait bounded.

Time limits are the kernel's (SO_RCVTIMEO, SO_SNDTIMEO): Python's own would cost a poll(2) before each call.
A read waits `QUIET_S` at first. A peer that says nothing for so long is idle: its memory can be released
before the long wait, in which one poll(2) more does not matter.
"""

import contextlib
import select
import socket
import struct

from quekka.deadline import Deadline
from quekka.formats import Buffer
from quekka.servers.listen_address import format_address

QUIET_S = 1.0
LINGER_S = 1.0
"""How long a connection that we end is still read, so that the peer gets our last words."""

_LINGER_READ_BYTES = 65536


class PeerGoneError(Exception):
    """The connection broke, or its peer did nothing for too long: there is nobody left to answer.

    Threads: any.
    """


class Peer:
    """One connection.

    `idle_s`: how long the peer may do nothing while we wait for a request or for it to take what we send.

    Threads: the connection's own; `interrupt` and `cut` by any, as long as it is registered.
    """

    def __init__(self, connected: socket.socket, number: int, idle_s: float) -> None:
        self.number = number
        self.idle_s = idle_s
        host, port = connected.getpeername()[:2]
        self.host: str = host
        self.name = format_address(host, port)
        self.is_interrupted = False
        """True once the server stops: finish what has begun, start nothing new."""
        self._socket = connected
        connected.settimeout(None)  # whatever socket.setdefaulttimeout says in the process that embeds us
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _set_timeout(connected, socket.SO_RCVTIMEO, min(QUIET_S, idle_s))
        _set_timeout(connected, socket.SO_SNDTIMEO, idle_s)

    def __repr__(self) -> str:
        return f"<Peer {self.name}>"

    def local_address(self) -> tuple[str, int]:
        """Host and port that the peer reached; raises PeerGoneError."""
        try:
            host, port = self._socket.getsockname()[:2]
        except OSError as error:
            raise PeerGoneError(f"asking for our address: {error.strerror}") from error
        return host, port

    def fileno(self) -> int:
        """The socket's descriptor, for poll(2)."""
        return self._socket.fileno()

    def receive_into(self, view: memoryview, flags: int = 0) -> int | None:
        """Bytes received, 0 at the end of the stream, None when nothing came for `QUIET_S`.

        With `socket.MSG_DONTWAIT`, None when nothing is here already. Raises PeerGoneError.
        """
        try:
            return self._socket.recv_into(view, 0, flags)
        except BlockingIOError:
            return None
        except OSError as error:
            raise PeerGoneError(f"receiving: {error.strerror}") from error

    def wait_until_readable(self, deadline: Deadline) -> None:
        """Return when there is something to receive; raises PeerGoneError when the deadline comes first."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        remaining_s = deadline.remaining_s()
        if not poll.poll(None if remaining_s is None else remaining_s * 1000):
            raise PeerGoneError("nothing came in time (connections.max.idle.ms, request.timeout.ms)")

    def send(self, data: Buffer) -> None:
        """Send all of it; raises PeerGoneError."""
        try:
            self._socket.sendall(data)
        except BlockingIOError as error:
            reason = f"took nothing of its reply for {self.idle_s:g} s (connections.max.idle.ms)"
            raise PeerGoneError(reason) from error
        except OSError as error:
            raise PeerGoneError(f"sending: {error.strerror}") from error

    def interrupt(self) -> None:
        """Have the connection end when its thread next waits for requests."""
        self.is_interrupted = True
        self._shutdown(socket.SHUT_RD)

    def cut(self) -> None:
        """End the connection at once, whatever its thread is doing with it."""
        self.is_interrupted = True
        self._shutdown(socket.SHUT_RDWR)

    def linger(self) -> None:
        """Say that no more will come, and read what the peer still sends, for `LINGER_S` at most.

        Closing a socket with unread bytes resets the connection, and our last reply could be lost with it.
        """
        deadline = Deadline(LINGER_S)
        self._shutdown(socket.SHUT_WR)
        scratch = memoryview(bytearray(_LINGER_READ_BYTES))
        with contextlib.suppress(PeerGoneError):
            while self.receive_into(scratch) and not deadline.expired():
                continue

    def set_buffers(self, receive_bytes: int, send_bytes: int) -> None:
        """The kernel's buffers for this connection; -1 leaves one to the system."""
        for option, size_bytes in ((socket.SO_RCVBUF, receive_bytes), (socket.SO_SNDBUF, send_bytes)):
            if size_bytes >= 0:
                self._socket.setsockopt(socket.SOL_SOCKET, option, size_bytes)

    def close(self) -> None:
        self._socket.close()

    def _shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):  # the peer has closed it already
            self._socket.shutdown(how)


def _set_timeout(connected: socket.socket, option: int, timeout_s: float) -> None:
    """Set SO_RCVTIMEO or SO_SNDTIMEO, whose value is a C struct timeval; all zeros would mean no limit."""
    microseconds = max(1, round(timeout_s * 1_000_000))
    connected.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", *divmod(microseconds, 1_000_000)))
