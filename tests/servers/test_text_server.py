"""The loop of a text connection over real sockets: pipelining, half-close, idle peers, faults."""

import logging
import random
import re
import socket
import threading
from collections.abc import Callable

import pytest
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.servers import text_server
from quekka.servers.text_handlers import HANDLERS

StartBroker = Callable[..., Broker]
ClientOf = Callable[[Broker], WireClient]


def test_replies_come_in_the_order_of_the_requests(text_client: WireClient) -> None:
    text_client.send_bytes(
        b"CREATE logs\r\n"
        b"PUBLISH logs 3\r\none\r\n"
        b"NOPE\r\n"
        b"PUBLISH logs 3\r\ntwo\r\n"
        b"PUBLISH lo/gs 3\r\nbad\r\n"
        b"PUBLISH logs 5\r\nthree\r\n"
        b"FETCH logs 0 0 2\r\n"
        b"PING\r\n"
    )
    lines = [text_client.read_line() for _ in range(6)]
    assert lines[0] == "+OK logs"
    assert lines[1] == "+OK 0 0"
    assert lines[2].startswith("-ERR UNKNOWN_COMMAND")
    assert lines[3] == "+OK 1 0"
    assert lines[4].startswith("-ERR INVALID_TOPIC_EXCEPTION")
    assert lines[5] == "+OK 2 0"
    assert [message.value for message in text_client.read_messages()] == [b"one", b"two"]
    assert text_client.read_line() == "+OK PONG"


def test_a_request_sees_what_was_pipelined_before_it(text_client: WireClient) -> None:
    text_client.send_bytes(
        b"PUBLISH logs 1\r\nxINFO logs partition=0\r\nPUBLISH logs 1\r\nyFETCH logs 0 1\r\n"
    )
    assert text_client.read_line() == "+OK 0 0"
    assert "log_end_offset=1" in text_client.read_line()
    assert text_client.read_line() == "+OK 1 0"
    assert [message.value for message in text_client.read_messages()] == [b"y"]


def test_ten_thousand_pipelined_messages_keep_their_order(text_client: WireClient) -> None:
    bodies = [b"message %d" % number for number in range(10_000)]
    text_client.send_bytes(b"".join(b"PUBLISH logs %d\r\n%b\r\n" % (len(body), body) for body in bodies))
    assert [text_client.read_line() for _ in bodies] == [f"+OK {offset} 0" for offset in range(len(bodies))]
    found: list[bytes] = []
    while len(found) < len(bodies):
        found += [message.value for message in text_client.ask_messages(f"FETCH logs 0 {len(found)} 3000")]
    assert found == bodies


def test_pipelined_requests_after_a_wait_do_not_hold_back_the_replies_before_it(
    text_client: WireClient,
) -> None:
    text_client.ask("CREATE logs")
    text_client.send("PING", "POLL logs group 10 300000", "PING")
    assert text_client.read_line() == "+OK PONG"


def test_half_close_is_answered_to_the_end(text_client: WireClient) -> None:
    text_client.send_bytes(b"PUBLISH logs 5\r\nhello\nPOLL logs group\r\nPING\n")
    text_client.end_of_requests()
    answer = text_client.read_to_end()
    assert re.fullmatch(rb"\+OK 0 0\r\n\+MESSAGES 1\r\n0 0 \d+ 5\r\nhello\r\n\+OK PONG\r\n", answer)


def test_half_close_leaves_time_for_a_poll_that_waits(start_broker: StartBroker, client_of: ClientOf) -> None:
    broker = start_broker()
    poller, publisher = client_of(broker), client_of(broker)
    poller.ask("CREATE logs")
    poller.send("PING", "POLL logs group 1 300000")
    poller.end_of_requests()
    assert poller.read_line() == "+OK PONG"
    publisher.publish("logs", b"late")
    assert [message.value for message in poller.read_messages()] == [b"late"]
    assert poller.read_line() == ""


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"PUBLISH logs 10\r\nhello", "the connection ended after 5 of 10 payload bytes"),
        (b"PING", "the connection ended before the line did"),
    ],
)
def test_a_request_that_broke_off_is_answered_and_not_done(
    text_client: WireClient, sent: bytes, words: str
) -> None:
    text_client.send_bytes(sent)
    text_client.end_of_requests()
    assert text_client.read_line() == f"-ERR BAD_REQUEST {words}"
    assert text_client.read_line() == ""


def test_quit_is_answered_and_what_comes_after_it_is_not(text_client: WireClient) -> None:
    text_client.send("PING", "QUIT", "PING")
    assert text_client.read_to_end() == b"+OK PONG\r\n+OK\r\n"


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (b"x" * 100_000, "LINE_TOO_LONG"),
        (b"PUBLISH logs many\r\n" + b"x" * 100_000, "BAD_REQUEST"),
    ],
    ids=["line_too_long", "length_no_number"],
)
def test_an_error_that_closes_is_told_even_to_a_peer_that_goes_on_sending(
    text_client: WireClient, sent: bytes, word: str
) -> None:
    text_client.send_bytes(b"PING\r\n" + sent)
    assert text_client.read_line() == "+OK PONG"
    assert text_client.read_line().startswith(f"-ERR {word} ")
    assert text_client.read_to_end() == b""


def test_a_payload_too_large_is_refused_and_the_connection_goes_on(text_client: WireClient) -> None:
    text_client.ask("CREATE logs max.message.bytes=1000")
    for size_bytes in (1000, 100_000, 5_000_000):
        reply = text_client.ask(f"PUBLISH logs {size_bytes}", b"x" * size_bytes)
        assert reply.startswith("-ERR MESSAGE_TOO_LARGE ")
        assert text_client.ask("PING") == "+OK PONG"
    assert text_client.publish("logs", b"small") == (0, 0)


def test_acks_0_is_never_answered_right_or_wrong(text_client: WireClient) -> None:
    text_client.send_bytes(
        b"PUBLISH logs 1 acks=0\r\na"
        b"PUBLISH lo/gs 1 acks=0\r\nb"
        b"PUBLISH __own 1 acks=0\r\nc"
        b"PUBLISH logs 1 acks=0 partition=9\r\nd"
        b"APPEND logs 0 3 acks=0\r\nbad"
        b"PUBLISH logs 1\r\ne"
    )
    assert text_client.read_line() == "+OK 1 0"
    assert [message.value for message in text_client.ask_messages("FETCH logs 0 0")] == [b"a", b"e"]
    assert "errors=4" in text_client.ask("STATS").split(" ")


def test_a_connection_that_does_nothing_is_closed(start_broker: StartBroker, client_of: ClientOf) -> None:
    broker = start_broker({"connections.max.idle.ms": "50"})
    silent, once = client_of(broker), client_of(broker)
    assert once.ask("PING") == "+OK PONG"
    assert [silent.read_line(), once.read_line()] == ["", ""]


@pytest.mark.parametrize(
    "beginning", [b"PING\r\nPUB", b"PING\r\nPUBLISH logs 10\r\n", b"PING\r\nPUBLISH logs 900000\r\n"]
)
def test_a_peer_that_sends_byte_by_byte_for_ever_is_closed(
    start_broker: StartBroker, client_of: ClientOf, beginning: bytes
) -> None:
    broker = start_broker({"connections.max.idle.ms": "100"})
    client = client_of(broker)
    client.send_bytes(beginning)
    assert client.read_line() == "+OK PONG"
    client.socket.settimeout(0.01)
    closed = False
    while not closed:
        try:
            client.send_bytes(b"x")
            closed = client.socket.recv(1) == b""
        except TimeoutError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            closed = True


def test_a_peer_that_never_reads_is_closed(start_broker: StartBroker, client_of: ClientOf) -> None:
    broker = start_broker({"connections.max.idle.ms": "100"})
    client = client_of(broker)
    client.publish("logs", b"x" * 1_000_000)
    client.send(*["FETCH logs 0 0"] * 200)
    with pytest.raises(ConnectionResetError):
        _send_for_ever(client.socket)


def _send_for_ever(connection: socket.socket) -> None:
    try:
        while True:
            connection.sendall(b"PING\r\n" * 10_000)
    except BrokenPipeError as error:
        raise ConnectionResetError from error


def test_a_fault_of_ours_is_logged_answered_and_ends_the_connection(
    text_client: WireClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(
        text_server,
        "HANDLERS",
        {kind: fail if kind.__name__ == "Ping" else handler for kind, handler in HANDLERS.items()},
    )
    with caplog.at_level(logging.ERROR):
        text_client.send("TOPICS", "PING", "TOPICS")
        assert text_client.read_line() == "+OK"
        assert text_client.read_line().startswith("-ERR UNKNOWN_SERVER_ERROR the broker failed")
        assert text_client.read_line() == ""
    assert "ZeroDivisionError: a fault" in caplog.text


def test_a_connection_that_breaks_leaves_its_groups(start_broker: StartBroker, client_of: ClientOf) -> None:
    broker = start_broker()
    other = client_of(broker)
    other.ask("CREATE logs partitions=2")
    member = client_of(broker)
    assert member.ask("SUBSCRIBE logs group") == "+OK 0 1"
    assert " members=1 " in other.ask("GROUP group")
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "quekka-conn-2"]
    member.close()
    thread.join(30)
    assert " state=Empty members=0 " in other.ask("GROUP group")
    assert other.ask_messages("POLL logs group") == []


def test_garbage_on_one_connection_is_nothing_to_another(
    start_broker: StartBroker, client_of: ClientOf, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    broker = start_broker()
    other = client_of(broker)
    chosen = random.Random(seed)
    words = [
        b"PUBLISH",
        b"APPEND",
        b"POLL",
        b"logs",
        b"0",
        b"5",
        b"-1",
        b"key=%",
        b"acks=0",
        b"\xff",
        b"\r\n",
        b"\n",
        b"",
    ]
    for _ in range(30):
        client = client_of(broker)
        client.send_bytes(b" ".join(chosen.choices(words, k=200)) + chosen.randbytes(100))
        client.end_of_requests()
        answer = client.read_to_end()
        assert b"UNKNOWN_SERVER_ERROR" not in answer
    assert other.ask("PING") == "+OK PONG"
    assert not [record for record in caplog.records if record.exc_info]
