"""Responses in order, promises kept when they are due, and the address that clients are told."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from kafka_wire import REPLY_TIMEOUT_S

from quekka.embedded import Broker
from quekka.errors import UnknownTopicOrPartitionError
from quekka.protocols.kafka.api_12_heartbeat import HeartbeatResponse
from quekka.protocols.kafka.codec import encode_response
from quekka.protocols.kafka.connection import Request
from quekka.servers.kafka_session import (
    UNSENT_BYTES_MAX,
    HangUpError,
    KafkaSession,
    Promise,
    advertised_address,
)
from quekka.servers.peer import Peer

HEARTBEAT = 12
Pair = tuple[socket.socket, socket.socket]


class Said(Promise):
    """A promise that tells when it is kept."""

    def __init__(self, kept: list[int], number: int, response: object = None) -> None:
        self._kept = kept
        self._number = number
        self._response = response

    def keep(self, session: KafkaSession) -> Any:
        self._kept.append(self._number)
        if isinstance(self._response, Exception):
            raise self._response
        return self._response


def request_of(correlation_id: int) -> Request:
    return Request(HEARTBEAT, 1, correlation_id, "me", memoryview(b""))


def frame_of(correlation_id: int) -> bytes:
    return bytes(encode_response(HEARTBEAT, 1, correlation_id, HeartbeatResponse()))


@pytest.fixture
def session(broker: Broker, make_peer: Callable[..., Peer]) -> KafkaSession:
    return KafkaSession(broker.core, make_peer())


def received(pair: Pair) -> bytes:
    """All that the other end got, once this end sends no more."""
    pair[0].shutdown(socket.SHUT_WR)
    pair[1].settimeout(REPLY_TIMEOUT_S)
    return pair[1].makefile("rb").read()


def test_nothing_is_sent_before_flush_and_then_all_in_order(session: KafkaSession, tcp_pair: Pair) -> None:
    session.reply(b"one ")
    session.promise(request_of(7), Said([], 0, HeartbeatResponse()))
    session.reply(b" three")
    tcp_pair[1].setblocking(False)
    with pytest.raises(BlockingIOError):
        tcp_pair[1].recv(1)
    session.flush()
    assert received(tcp_pair) == b"one " + frame_of(7) + b" three"


def test_promises_are_kept_once_and_in_order(session: KafkaSession, tcp_pair: Pair) -> None:
    kept: list[int] = []
    for number in (1, 2):
        session.promise(request_of(number), Said(kept, number, HeartbeatResponse()))
    session.settle()
    session.settle()
    session.flush()
    assert kept == [1, 2]
    assert received(tcp_pair) == frame_of(1) + frame_of(2)


def test_a_promise_of_nothing_sends_nothing(session: KafkaSession, tcp_pair: Pair) -> None:
    session.promise(request_of(1), Said([], 1))
    session.flush()
    assert received(tcp_pair) == b""


def test_what_is_ready_before_a_hang_up_is_still_sent(session: KafkaSession, tcp_pair: Pair) -> None:
    session.promise(request_of(1), Said([], 1, HeartbeatResponse()))
    session.promise(request_of(2), Said([], 2, HangUpError("no")))
    session.promise(request_of(3), Said([], 3, HeartbeatResponse()))
    with pytest.raises(HangUpError):
        session.flush()
    session.flush_ready()
    assert received(tcp_pair) == frame_of(1)


def test_many_responses_are_sent_before_more_requests_are_handled(
    session: KafkaSession, tcp_pair: Pair
) -> None:
    session.reply(b"x" * (UNSENT_BYTES_MAX + 1))
    assert tcp_pair[1].recv(1) == b"x"


def test_errors_are_numbered_for_the_present_request_and_counted(
    session: KafkaSession, broker: Broker
) -> None:
    before = broker.core.metrics.snapshot()["errors"]
    assert session.error_number(UnknownTopicOrPartitionError()) == 3
    session.close()
    assert broker.core.metrics.snapshot()["errors"] == before + 1


def test_a_client_is_described_by_all_that_is_known_of_it(session: KafkaSession) -> None:
    session.client_id, session.software = "payments", "a-client 1.0"
    assert session.describe() == f"{session.peer.name} (client id 'payments', a-client 1.0)"


@pytest.mark.parametrize(
    ("advertised", "reached", "told"),
    [
        ((), ("127.0.0.1", 9092), ("127.0.0.1", 9092)),
        ((), ("::ffff:10.0.0.5", 9092), ("10.0.0.5", 9092)),
        ((), ("::1", 9092), ("::1", 9092)),
        (("kafka:1",), ("127.0.0.1", 9092), ("kafka", 1)),
        (("kafka:29092", "localhost:9092"), ("172.17.0.2", 9092), ("localhost", 9092)),
        (("kafka:29092", "localhost:9092"), ("172.17.0.2", 29092), ("kafka", 29092)),
        (("kafka:29092", "localhost:9092"), ("172.17.0.2", 1), ("kafka", 29092)),
        (("[2001:db8::1]:9092",), ("::1", 1), ("2001:db8::1", 9092)),
    ],
    ids=["reached", "ipv4_in_ipv6", "ipv6", "given", "by_port", "by_other_port", "first", "given_ipv6"],
)
def test_clients_are_told_where_to_connect(
    advertised: tuple[str, ...], reached: tuple[str, int], told: tuple[str, int]
) -> None:
    assert advertised_address(advertised, reached) == told
