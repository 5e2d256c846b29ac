"""A broker that does what a test says: answers, errors, silence, half a reply, a dropped connection."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from quekka.formats.record_batch_builder import BatchBuilder

WAIT_S = 30.0
"""Only a hang takes this long."""


class HangUp(Exception):
    """Raised by an answer: send `last_words`, then close the connection."""

    def __init__(self, last_words: bytes = b"") -> None:
        super().__init__(last_words)
        self.last_words = last_words


@dataclass(frozen=True)
class FakeRequest:
    """One request as it came."""

    words: list[str]
    payload: bytes
    connection: int
    """Counts from 1."""

    @property
    def command(self) -> str:
        return self.words[0]


Answer = Callable[[FakeRequest], bytes]


@dataclass
class FakeServer:
    """Listens on loopback; every request is answered with what `answer` returns for it."""

    answer: Answer
    requests: list[FakeRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._arrived = threading.Condition()
        self._start(self._accept_loop)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def commands(self) -> list[str]:
        return [request.command for request in self.requests]

    @property
    def connections(self) -> int:
        return len(self._connections)

    def wait_for(self, happened: Callable[[], bool]) -> None:
        """Wait until `happened()`, which is looked at after each request."""
        with self._arrived:
            assert self._arrived.wait_for(happened, WAIT_S), f"never happened; requests: {self.commands}"

    def hang_up(self) -> None:
        """Drop every connection; new ones are taken."""
        for connection in list(self._connections):
            _shut(connection)

    def close(self) -> None:
        _shut(self._listener)
        self._listener.close()
        self.hang_up()
        for thread in list(self._threads):
            thread.join(WAIT_S)
        for connection in self._connections:
            connection.close()

    def _start(self, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=body, name=f"fake-server-{len(self._threads)}")
        self._threads.append(thread)
        thread.start()

    def _accept_loop(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            number = len(self._connections)
            self._start(lambda connection=connection, number=number: self._serve(connection, number))

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection.makefile("rb") as reader:
            try:
                while line := reader.readline():
                    words = line.decode().split()
                    payload = reader.read(int(words[3])) if words[0] == "APPEND" else b""
                    connection.sendall(self._answer(FakeRequest(words, payload, number)))
            except HangUp as last:
                _say_last_words(connection, last.last_words)
            except OSError:
                return  # the client, or the test, closed it

    def _answer(self, request: FakeRequest) -> bytes:
        try:
            return self.answer(request)
        finally:
            with self._arrived:
                self.requests.append(request)
                self._arrived.notify_all()


def _say_last_words(connection: socket.socket, last_words: bytes) -> None:
    try:
        connection.sendall(last_words)
    except OSError:
        return  # the client hung up first
    _shut(connection)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # not connected any more


def script(*replies: bytes | Exception) -> Answer:
    """Answers with `replies`, one for each request, in their order; an exception is raised."""
    left = iter(replies)

    def answer(request: FakeRequest) -> bytes:
        reply = next(left, HangUp(b"-ERR UNKNOWN_SERVER_ERROR the test expected no more requests\r\n"))
        if isinstance(reply, Exception):
            raise reply
        return reply

    return answer


def batch(base_offset: int, *values: bytes, timestamp_ms: int = 1000) -> bytes:
    """One record batch with `values`, as it lies in a log."""
    builder = BatchBuilder(timestamp_ms)
    for value in values:
        builder.append(None, value)
    built = builder.build()
    built[0:8] = base_offset.to_bytes(8, "big")
    return bytes(built)


def batches_reply(data: bytes, log_end_offset: int = 0) -> bytes:
    return b"+BATCHES %d 0 %d\r\n%b" % (len(data), log_end_offset, data)
