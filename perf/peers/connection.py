"""One client connection in a peer's own protocol, written to cost the client next to nothing.

Every peer's file has a subclass. All of them store records of the same payload in something that keeps them
in order (a stream, a tube, a topic with one partition; here always `topic`), and all of them answer each
request to store with an acknowledgement. Requests are made before the clock starts; replies are counted, not
parsed, as far as it still proves that everything came.
"""

import socket
import struct
from collections.abc import Sequence
from typing import ClassVar, Self

from perf.errors import WrongReplyError
from perf.wire import Address, connect, payload_of, receive_some

RECEIVE_TIMEOUT_S = 60
RECEIVE_BYTES = 1 << 16
BATCH_BYTES = 1 << 20
READS_UNDER_WAY = 4


class Connection:
    """A connection for one purpose at a time: to store, to read, or to administer.

    Threads: one thread.
    """

    produce_under_way_max: ClassVar[int] = 1000
    """Requests that an open-loop sender may have unanswered before it puts records together."""
    acknowledged_together: ClassVar[bool] = False
    """Whether `request` is answered once, however many records it stores."""

    def __init__(self, address: Address, topic: str, record_bytes: int) -> None:
        self.address = address
        self.topic = topic
        self.record_bytes = record_bytes
        self.socket = connect(address)
        # By the kernel, since a timeout of Python's own costs a poll(2) for every receive.
        timeout = struct.pack("ll", RECEIVE_TIMEOUT_S, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        self.greet()

    @property
    def payload(self) -> bytes:
        return payload_of(self.record_bytes)

    def greet(self) -> None:
        """What has to be said before anything else."""

    def ping(self) -> None:
        """Asks anything and waits for the answer: the server is there."""
        raise NotImplementedError

    def create(self, *, fsync: bool = False) -> None:
        """Makes `topic`; with `fsync` a record is on the disk before it is acknowledged."""

    def delete(self) -> None:
        """Removes `topic` and what is stored in it."""

    def open_producer(self) -> None:
        """Said once on a connection that will store."""

    def request(self, payloads: Sequence[bytes]) -> bytes:
        """What stores `payloads` one after another."""
        raise NotImplementedError

    def batch(self) -> tuple[bytes, int]:
        """One request that stores as many records as the protocol lets, and how many."""
        raise NotImplementedError

    def replies(self, data: bytes) -> int:
        """How many acknowledgements `data`, which was received just now, ends; raises WrongReplyError."""
        raise NotImplementedError

    def await_replies(self, count: int) -> None:
        while count > 0:
            count -= self.replies(self.receive_some())

    def poll(self, count: int) -> None:
        """Reads `count` records from the start of `topic`, each decoded by the server."""
        raise NotImplementedError

    def open_reader(self) -> None:
        """Said once on a connection that will `read`."""

    def read(self, count: int) -> int:
        """Reads `count` records from the start of `topic`; how many bytes of the protocol that took."""
        raise NotImplementedError

    def subscribe(self) -> None:
        """From now on `receive` gets what is stored in `topic`."""
        raise NotImplementedError

    def receive(self) -> bytes:
        """Waits for the next records, at least one, whole; among other things their payloads."""
        raise NotImplementedError

    def receive_some(self) -> bytes:
        """What has come, at least one byte; raises WrongReplyError when the server hangs up."""
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise WrongReplyError("the server closed the connection")
        return data

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LineCounter:
    """Counts replies of `lines_each` lines, of which none may begin with the server's word for an error.

    Threads: one thread.
    """

    def __init__(self, lines_each: int, error_word: bytes) -> None:
        self._lines_each = lines_each
        self._error_word = error_word
        self._lines = 0

    def count(self, data: bytes) -> int:
        if self._error_word in data:
            raise WrongReplyError(f"{data[-300:]!r}")
        self._lines += data.count(b"\n")
        whole, self._lines = divmod(self._lines, self._lines_each)
        return whole


class LineReader:
    """Takes single lines, and blocks that end after so many lines, off a socket.

    Threads: one thread.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._room = bytearray(1 << 20)
        self._data = bytearray()
        self._lines_ahead = 0

    def line(self) -> bytes:
        """The next line, without its end."""
        while (end := self._data.find(b"\n")) < 0:
            self._fill()
        line = bytes(self._data[:end])
        del self._data[: end + 1]
        return line.rstrip(b"\r")

    def exactly(self, size_bytes: int) -> bytes:
        while len(self._data) < size_bytes:
            self._fill()
        data = bytes(self._data[:size_bytes])
        del self._data[:size_bytes]
        return data

    def pass_lines(self, count: int) -> int:
        """Waits for `count` more lines without looking at them; how many bytes came meanwhile.

        Lines that came too many are counted for the next call; after it only this method may be used.
        """
        size_bytes = len(self._data)
        self._lines_ahead += self._data.count(b"\n")
        self._data.clear()
        while self._lines_ahead < count:
            received = receive_some(self._socket, self._room)
            size_bytes += received
            self._lines_ahead += self._room.count(b"\n", 0, received)
        self._lines_ahead -= count
        return size_bytes

    def _fill(self) -> None:
        self._data += memoryview(self._room)[: receive_some(self._socket, self._room)]
