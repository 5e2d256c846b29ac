"""Sockets to the broker, with as little parsing as still proves that everything came.

A client that parsed each reply would be the bottleneck, so the fast readers count: every reply to a PUBLISH
is one line that begins with `+`, and a payload made here is letters and digits, so a reply to POLL has one
`+` and one line, and two more lines for each message. An error shows as a line that begins with `-`.
"""

import socket
from typing import Self

from perf.errors import WrongReplyError
from quekka.errors import error_for

Address = tuple[str, int]
RECEIVE_BYTES = 1 << 20


def connect(address: Address) -> socket.socket:
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def publish_request(topic: str, payload: bytes, options: str = "") -> bytes:
    return f"PUBLISH {topic} {len(payload)}{options}\r\n".encode() + payload


def payload_of(size_bytes: int) -> bytes:
    """The same letters and digits every time, which no count of lines and signs can take for a reply."""
    return (b"0123456789abcdefghijklmnopqrstuvwxyz" * (size_bytes // 36 + 1))[:size_bytes]


class Conversation:
    """One request, one reply line: for all that is not itself measured.

    Threads: one thread.
    """

    def __init__(self, address: Address) -> None:
        self._socket = connect(address)
        self._lines = self._socket.makefile("rb")

    def ask(self, line: str, payload: bytes = b"") -> str:
        """The reply without its `+OK `; an -ERR is raised as the error it names."""
        self._socket.sendall(line.encode() + b"\r\n" + payload)
        reply = self._lines.readline().decode().rstrip("\r\n")
        if reply.startswith("-ERR "):
            _, code, *message = reply.split(" ", 2)
            raise error_for(code, " ".join(message))
        if not reply.startswith("+"):
            raise WrongReplyError(f"{line[:100]}: {reply[:200]!r}")
        return reply.removeprefix("+OK").removeprefix(" ")

    def numbers(self, line: str) -> dict[str, str]:
        """A reply of `name=value` words."""
        return dict(word.split("=", 1) for word in self.ask(line).split(" "))

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LineReplies:
    """Counts replies of one line each.

    Threads: one thread, which may be another than the one that sends.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray(RECEIVE_BYTES)

    def expect(self, count: int) -> None:
        """Returns when `count` replies have come, all `+`; raises WrongReplyError."""
        lines = pluses = 0
        while lines < count:
            received = receive_some(self._socket, self._buffer)
            lines += self._buffer.count(b"\n", 0, received)
            pluses += self._buffer.count(b"+", 0, received)
            if lines > pluses:
                raise WrongReplyError(
                    f"an error among the replies: {bytes(self._buffer[:received])[-300:]!r}"
                )


class MessageReplies:
    """Counts replies to POLL and their messages, whose payloads must hold no line end, `+` or `-`.

    Threads: one thread.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray(RECEIVE_BYTES)
        self._lines = 0
        self.replies = 0
        self.messages = 0

    def receive(self) -> None:
        """Takes what has come; `replies` counts those that have begun, `messages` those that are whole."""
        received = receive_some(self._socket, self._buffer)
        if self._buffer.find(b"-", 0, received) >= 0:
            raise WrongReplyError(f"an error among the replies: {bytes(self._buffer[:received])[-300:]!r}")
        self._lines += self._buffer.count(b"\n", 0, received)
        self.replies += self._buffer.count(b"+", 0, received)
        self.messages = max(0, self._lines - self.replies) // 2


class BatchReplies:
    """Skips through +BATCHES replies, adding up their lengths.

    Threads: one thread.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray(RECEIVE_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0

    def next_length(self) -> int:
        """Passes one reply and returns the bytes of batches in it; raises WrongReplyError for any other."""
        line = self._line()
        words = line.split()
        if not words or words[0] != b"+BATCHES":
            raise WrongReplyError(f"+BATCHES was expected, not {line[:300]!r}")
        length = int(words[1])
        self._skip(length)
        return length

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n", self._start, self._end)) < 0:
            kept = self._end - self._start
            self._view[:kept] = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, kept
            self._end += receive_some(self._socket, self._view[kept:])
        line = bytes(self._view[self._start : end])
        self._start = end + 1
        return line

    def _skip(self, length: int) -> None:
        while length > self._end - self._start:
            length -= self._end - self._start
            self._start, self._end = 0, receive_some(self._socket, self._buffer)
        self._start += length


def receive_some(connection: socket.socket, buffer: bytearray | memoryview) -> int:
    received = connection.recv_into(buffer)
    if received == 0:
        raise WrongReplyError("the broker closed the connection in the middle of its replies")
    return received
