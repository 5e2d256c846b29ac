"""The protocol of NATS where it is not seen by talking to a server: the PING that comes in between."""

import socket
import threading
from collections.abc import Iterator

import pytest

from perf.peers.nats import NatsConnection
from perf.wire import payload_of

ACK = b'MSG _INBOX.x.1 1 26\r\n{"stream":"logs","seq":1}\r\n'


def greet(listener: socket.socket, accepted: list[socket.socket]) -> None:
    server, _ = listener.accept()
    server.sendall(b"INFO {}\r\nPONG\r\n")
    accepted.append(server)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, NatsConnection]]:
    """A server's end, and the connection after its greeting."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, args=(listener, accepted))
        thread.start()
        with NatsConnection(listener.getsockname(), "logs", 50) as connection:
            thread.join()
            with accepted[0] as server:
                yield server, connection


@pytest.mark.parametrize("size", [1, 5, 6, 7, 1000])
def test_acknowledgements_are_counted_around_a_ping(
    ends: tuple[socket.socket, NatsConnection], size: int
) -> None:
    server, connection = ends
    data = ACK + b"PING\r\n" + ACK * 2
    counts = [connection.replies(data[start : start + size]) for start in range(0, len(data), size)]
    assert sum(counts) == 3
    connection.close()
    said = b"".join(iter(lambda: server.recv(1000), b""))
    assert said.count(b"PONG") == 1


def test_messages_are_passed_around_a_ping(ends: tuple[socket.socket, NatsConnection]) -> None:
    server, connection = ends
    message = b"MSG _INBOX.x.2 1 $JS.ACK.logs 50\r\n" + payload_of(50) + b"\r\n"
    connection._consumer = "reader"
    server.sendall(message + b"PING\r\n" + message * 2)
    assert connection.read(3) == 3 * len(message) + len(b"PING\r\n")


def test_a_record_is_received_after_a_ping(ends: tuple[socket.socket, NatsConnection]) -> None:
    server, connection = ends
    server.sendall(b"PING\r\nMSG logs 1 $JS.ACK.logs 5\r\nhello\r\n")
    assert connection.receive() == b"hello\r\n"
