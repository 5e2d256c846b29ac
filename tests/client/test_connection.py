import socket
import threading
from collections.abc import Callable

import pytest
from fake_server import Answer, FakeRequest, FakeServer, HangUp, batches_reply, script

from quekka.client.addresses import parse_addresses
from quekka.client.connection import LINE_BYTES_MAX, PAYLOAD_BYTES_MAX, Connection
from quekka.clock import ManualClock
from quekka.errors import (
    NetworkError,
    QuekkaError,
    RequestTimedOutError,
    TopicAlreadyExistsError,
    UnknownServerError,
)

Start = Callable[[Answer], FakeServer]


def test_a_request_is_answered(fake_server: Start) -> None:
    server = fake_server(script(b"+OK PONG\r\n"))
    with Connection(parse_addresses(server.address)) as connection:
        assert connection.request("PING").words() == ["PONG"]
    assert server.requests[0].words == ["PING"]


def test_an_error_reply_is_raised_and_the_connection_goes_on(fake_server: Start) -> None:
    server = fake_server(script(b"-ERR TOPIC_ALREADY_EXISTS logs\r\n", b"+OK PONG\r\n"))
    with Connection(parse_addresses(server.address)) as connection:
        with pytest.raises(TopicAlreadyExistsError, match="logs"):
            connection.request("CREATE", "logs")
        connection.request("PING")
    assert server.connections == 1


def test_replies_come_in_the_order_of_pipelined_requests(fake_server: Start) -> None:
    server = fake_server(lambda request: b"+OK " + request.words[1].encode() + b"\r\n")
    with Connection(parse_addresses(server.address)) as connection:
        connection.send(b"".join(b"INFO %d\r\n" % number for number in range(500)))
        assert [connection.receive().integer() for _ in range(500)] == list(range(500))


def test_many_parts_are_sent_in_their_order(fake_server: Start) -> None:
    server = fake_server(script(b"+OK 0 0\r\n"))
    payload = [bytes([number % 256]) * 3000 for number in range(2000)]
    with Connection(parse_addresses(server.address)) as connection:
        connection.send(b"APPEND logs 0 %d\r\n" % (2000 * 3000), *payload)
        assert connection.receive().integer() == 0
    assert server.requests[0].payload == b"".join(payload)


@pytest.mark.parametrize("size_bytes", [0, 1, 4096, 3_000_000])
def test_a_payload_comes_whole_and_the_reply_after_it_too(fake_server: Start, size_bytes: int) -> None:
    data = bytes(range(256)) * (size_bytes // 256 + 1)
    server = fake_server(script(batches_reply(data[:size_bytes]) + b"+EMPTY\r\n"))
    with Connection(parse_addresses(server.address)) as connection:
        reply = connection.request("READ", "logs", 0, 0)
        assert bytes(reply.payload) == data[:size_bytes]
        assert connection.receive().kind == "EMPTY"


def test_a_reply_may_come_byte_by_byte() -> None:
    ours, theirs = socket.socketpair()
    reply = batches_reply(b"\n+OK\r\n") + b"+OK 1\r\n"
    with theirs, Connection(parse_addresses("nobody:1")) as connection:
        connection._socket = ours
        writer = threading.Thread(target=lambda: [theirs.send(bytes([byte])) for byte in reply])
        writer.start()
        assert connection.receive().payload == b"\n+OK\r\n"
        assert connection.receive().integer() == 1
        writer.join()


@pytest.mark.parametrize(
    ("last_words", "id_"),
    [(b"", "nothing"), (b"+OK 1", "half a line"), (b"+BATCHES 100 0 1\r\nabc", "half a payload")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_dropped_connection_is_an_error_with_the_address(
    fake_server: Start, last_words: bytes, id_: str
) -> None:
    server = fake_server(script(HangUp(last_words), b"+OK PONG\r\n"))
    with Connection(parse_addresses(server.address), clock=ManualClock()) as connection:
        with pytest.raises(NetworkError, match=f"{server.address}: the connection broke while waiting"):
            connection.request("READ", "logs", 0, 0)
        assert not connection.is_open
        assert connection.backoff.failures == 1
        assert connection.request("PING").words() == ["PONG"], "it connects again when it is used again"
        assert connection.backoff.failures == 0
        assert connection.opened == 2


def test_a_network_error_is_a_connection_error_and_may_pass(closed_address: str) -> None:
    with pytest.raises(ConnectionError) as refused:
        Connection(parse_addresses(closed_address)).open()
    assert isinstance(refused.value, QuekkaError)
    assert refused.value.retriable


def test_silence_is_a_time_out_with_the_address(fake_server: Start) -> None:
    answered = threading.Event()

    def answer(request: FakeRequest) -> bytes:
        answered.wait()
        return b"+OK\r\n"

    server = fake_server(answer)
    with Connection(parse_addresses(server.address), timeout_s=0.01) as connection:
        with pytest.raises(RequestTimedOutError, match=rf"{server.address}: silent for 0.01 s"):
            connection.request("PING")
        assert not connection.is_open, "a reply that comes late would be taken for that of the next request"
    answered.set()


def test_the_first_server_that_answers_is_used(fake_server: Start, closed_address: str) -> None:
    server = fake_server(script(b"+OK PONG\r\n"))
    with Connection(parse_addresses([closed_address, server.address])) as connection:
        connection.request("PING")
        assert str(connection.address) == server.address


def test_all_addresses_are_named_when_none_answers(closed_address: str) -> None:
    connection = Connection(parse_addresses([closed_address, closed_address]), clock=ManualClock())
    with pytest.raises(NetworkError, match=rf"{closed_address}: .*; {closed_address}: .*refused"):
        connection.request("PING")
    assert connection.backoff.remaining_s() > 0


def test_a_peer_that_is_no_quekka_broker_is_told_apart(fake_server: Start) -> None:
    server = fake_server(script(b"HTTP/1.1 400 Bad Request\r\n"))
    with Connection(parse_addresses(server.address)) as connection:
        with pytest.raises(UnknownServerError, match=rf"{server.address}: not a reply .* b'HTTP/1.1 400"):
            connection.request("PING")
        assert not connection.is_open


def test_a_line_without_end_is_cut_off() -> None:
    ours, theirs = socket.socketpair()
    with theirs, Connection(parse_addresses("nobody:1")) as connection:
        connection._socket = ours
        connection._received += b"+OK " + b"x" * LINE_BYTES_MAX
        with pytest.raises(UnknownServerError, match=f"more than {LINE_BYTES_MAX} bytes"):
            connection.receive()


def test_a_payload_beyond_all_bounds_is_refused_before_memory_is_taken(fake_server: Start) -> None:
    server = fake_server(script(b"+BATCHES %d 0 0\r\n" % (PAYLOAD_BYTES_MAX + 1)))
    with (
        Connection(parse_addresses(server.address)) as connection,
        pytest.raises(UnknownServerError, match=f"{PAYLOAD_BYTES_MAX + 1} bytes"),
    ):
        connection.request("READ", "logs", 0, 0)


def test_abort_wakes_a_thread_that_waits(fake_server: Start) -> None:
    answered = threading.Event()

    def answer(request: FakeRequest) -> bytes:
        connection.abort()
        answered.wait()
        return b"+OK\r\n"

    server = fake_server(answer)
    with Connection(parse_addresses(server.address)) as connection, pytest.raises(NetworkError):
        connection.request("PING")
    connection.abort()  # closed: nothing to do
    answered.set()


def test_staleness_is_seen_without_a_request(fake_server: Start) -> None:
    server = fake_server(script(b"+OK PONG\r\n"))
    with Connection(parse_addresses(server.address)) as connection:
        assert connection.is_stale(), "never opened"
        connection.request("PING")
        assert not connection.is_stale()
        server.hang_up()
        server.close()
        assert connection.is_stale()


def test_fileno_is_that_of_the_socket(fake_server: Start) -> None:
    server = fake_server(script())
    connection = Connection(parse_addresses(server.address))
    assert connection.fileno() == -1
    connection.open()
    assert connection.fileno() >= 0
    connection.close()
    assert connection.fileno() == -1
