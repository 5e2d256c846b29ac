"""One blocking connection that speaks the text protocol.

Requests go out with `send` and their replies come back, in the same order, with `receive`; `request` is one
of each. A connection opens itself when it is first used and after it broke, to the first of its addresses
that answers; how long to wait between attempts is in `backoff`, and the waiting is the owner's, who has other
things to wait for too.

What was sent before a connection broke may or may not have been done; whether to send it again is for the
owner to decide. After a broken connection or a time-out nothing is known about the replies still to come, so
it is closed.
"""

import select
import socket
from collections.abc import Mapping, Sequence

from quekka.client.addresses import Address
from quekka.client.backoff import Backoff
from quekka.client.reply import Reply, parse_reply_line
from quekka.client.request import Word, request_line
from quekka.clock import SYSTEM_CLOCK, Clock
from quekka.errors import NetworkError, RequestTimedOutError, UnknownServerError
from quekka.formats import Buffer

LINE_BYTES_MAX = 16 * 1024 * 1024
"""INFO and GROUP answer in one line about all partitions: about 100 bytes for each of 100,000 fit."""
PAYLOAD_BYTES_MAX = 256 * 1024 * 1024
"""A READ asks for far less, but a batch larger than it asked for comes whole."""
RECEIVE_BYTES = 64 * 1024
BUFFERS_PER_SEND = 512
"""Below IOV_MAX, 1024 on Linux (limits.h(0p))."""


class Connection:
    """A TCP connection to one of some brokers' addresses.

    Threads: one at a time, but for `abort`, which any thread may call.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        timeout_s: float = 30.0,
        clock: Clock = SYSTEM_CLOCK,
        backoff: Backoff | None = None,
    ) -> None:
        """`timeout_s` bounds each wait: for a connection, for bytes to be taken, for the next bytes."""
        self._addresses = tuple(addresses)
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self.backoff = backoff or Backoff(clock)
        self.opened = 0
        """How often it was connected: a peer knows nothing of what it was told before that changed."""
        self.address = self._addresses[0]
        """Where it is connected to, or was last."""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    @property
    def has_received(self) -> bool:
        """True while received bytes wait to be read, which no selector can see."""
        return bool(self._received)

    def fileno(self) -> int:
        """The descriptor, for a selector; -1 when closed."""
        return -1 if self._socket is None else self._socket.fileno()

    def open(self) -> None:
        """Connect, unless it is connected; raises NetworkError that names every address and what it said."""
        if self._socket is not None:
            return
        reasons = []
        for address in self._addresses:
            try:
                self._socket = _connect(address, self._timeout_s)
            except OSError as error:
                reasons.append(f"{address}: {_reason(error)}")
            else:
                self.address = address
                self.opened += 1
                return
        self.backoff.failed()
        raise NetworkError(f"cannot connect to {'; '.join(reasons)}")

    def close(self) -> None:
        """Close it; it opens again when it is next used."""
        opened, self._socket = self._socket, None
        self._received.clear()
        if opened is not None:
            opened.close()

    def abort(self) -> None:
        """Break the connection, so that a thread that waits in it gets NetworkError at once."""
        opened = self._socket
        if opened is not None:
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it broke by itself, or is being closed

    def is_stale(self) -> bool:
        """True when the peer closed the connection, or spoke without having been asked."""
        if self._socket is None:
            return True
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        return bool(poller.poll(0))

    def request(
        self,
        command: str,
        *words: Word,
        options: Mapping[str, Word] | None = None,
        payload: Buffer = b"",
    ) -> Reply:
        """Send one request and read its reply.

        Raises what the broker answered with `-ERR` as its class in quekka.errors; NetworkError and
        RequestTimedOutError for trouble on the way, after which the connection is closed.
        """
        line = request_line(command, *words, options=options)
        self.send(line, payload) if len(payload) else self.send(line)
        reply = self.receive()
        if reply.error is not None:
            raise reply.error
        return reply

    def send(self, *parts: Buffer) -> None:
        """Send `parts` one after the other, opening the connection if needed; raises NetworkError."""
        self.open()
        assert self._socket is not None
        try:
            for start in range(0, len(parts), BUFFERS_PER_SEND):
                _send_all(
                    self._socket, [memoryview(part) for part in parts[start : start + BUFFERS_PER_SEND]]
                )
        except OSError as error:
            raise self._broken(error, "sending a request") from error

    def receive(self) -> Reply:
        """The next reply, also `-ERR`; raises NetworkError, RequestTimedOutError or UnknownServerError."""
        try:
            reply = parse_reply_line(self._read_line())
            if reply.kind == "BATCHES":
                payload = self._read_exactly(reply.payload_bytes)
                reply = Reply(reply.kind, reply.text, payload, reply.payload_bytes)
        except OSError as error:
            raise self._broken(error, "waiting for a reply") from error
        except UnknownServerError as error:
            self.close()
            raise UnknownServerError(f"{self.address}: {error.message}") from None
        self.backoff.succeeded()
        return reply

    def _broken(self, error: OSError, doing: str) -> NetworkError | RequestTimedOutError:
        """Close, and say what happened as an exception of Quekka's."""
        self.close()
        self.backoff.failed()
        if isinstance(error, TimeoutError):
            return RequestTimedOutError(f"{self.address}: silent for {self._timeout_s:g} s while {doing}")
        return NetworkError(f"{self.address}: the connection broke while {doing}: {_reason(error)}")

    def _read_line(self) -> bytes:
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            if searched > LINE_BYTES_MAX:
                raise UnknownServerError(f"a reply line of more than {LINE_BYTES_MAX} bytes")
            self._received += self._receive_some()
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line.removesuffix(b"\r")

    def _read_exactly(self, size_bytes: int) -> bytearray:
        if size_bytes > PAYLOAD_BYTES_MAX:
            raise UnknownServerError(f"a reply of {size_bytes} bytes, more than {PAYLOAD_BYTES_MAX}")
        payload = bytearray(size_bytes)
        filled = min(size_bytes, len(self._received))
        payload[:filled] = self._received[:filled]
        del self._received[:filled]
        with memoryview(payload) as view:
            while filled < size_bytes:
                filled += self._receive_into(view[filled:])
        return payload

    def _receive_some(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionResetError("the broker closed it")
        return data

    def _receive_into(self, memory: memoryview) -> int:
        assert self._socket is not None
        size_bytes = self._socket.recv_into(memory)
        if not size_bytes:
            raise ConnectionResetError("the broker closed it")
        return size_bytes


def _connect(address: Address, timeout_s: float) -> socket.socket:
    opened = socket.create_connection(address, timeout=timeout_s)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return opened


def _send_all(opened: socket.socket, parts: list[memoryview]) -> None:
    """One system call for a request line and its payload, however many parts there are, and no copy."""
    while parts:
        sent = opened.sendmsg(parts)
        while parts and sent >= parts[0].nbytes:
            sent -= parts.pop(0).nbytes
        if parts:
            parts[0] = parts[0][sent:]


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
