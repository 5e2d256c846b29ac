"""A protocol that is not served is refused in its own words, or with a line in the log."""

import socket
from collections.abc import Callable

import pytest

from quekka.embedded import Broker
from quekka.protocols.sniff import PROTOCOLS
from quekka.servers.connection_slots import ConnectionSlots
from quekka.servers.peer import Peer
from quekka.servers.protocol_handlers import protocol_handlers, refuse_here

Pair = tuple[socket.socket, socket.socket]


def test_every_protocol_has_a_handler(broker: Broker) -> None:
    assert set(protocol_handlers(broker.core, ConnectionSlots())) == set(PROTOCOLS)


def test_http_is_answered_with_501_and_a_line_of_explanation(text_client: object, broker: Broker) -> None:
    with socket.create_connection((broker.host, broker.port), timeout=30) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert body.count(b"\n") == 1
    assert b"quekka-protocol(7)" in body


REFUSED = {
    "tls": (b"\x16\x03\x01\x02\x00\x01", "speaks TLS, which this broker does not: turn it off in the client"),
    "http": (b"GET /metrics HTTP/1.1\r\n", "HTTP is not served: 'GET /metrics HTTP/1.1'"),
    "frame_size": (b"\x07\xff\xff\xff", "8 to 104857600 are allowed (socket.request.max.bytes)"),
    "api_key": (b"\0\0\0\x0c\0\x63\0\0\0\0\0\1\0\2me", "(client id 'me'): api key 99 version 0 is not"),
    "version": (b"\0\0\0\x0c\0\3\0\x63\0\0\0\1\0\2me", "(client id 'me'): Metadata version 99 is not"),
}


@pytest.mark.parametrize(("first", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_served_is_closed_with_one_line_however_often_it_comes(
    broker: Broker, caplog: pytest.LogCaptureFixture, first: bytes, words: str
) -> None:
    peers = []
    for _ in range(3):
        with socket.create_connection((broker.host, broker.port), timeout=30) as connection:
            connection.sendall(first)
            connection.shutdown(socket.SHUT_WR)
            connection.makefile("rb").read()
            peers.append("{}:{}".format(*connection.getsockname()))
    (line,) = [record.message for record in caplog.records]
    assert words in line
    assert peers[0] in line


def test_a_text_peer_on_a_listener_for_others_is_told_so(
    broker: Broker, tcp_pair: Pair, make_peer: Callable[..., Peer]
) -> None:
    peer = make_peer()
    tcp_pair[1].shutdown(socket.SHUT_WR)
    refuse_here(broker.core, "text", peer)
    assert tcp_pair[1].recv(200).startswith(b"-ERR BAD_REQUEST this listener")


def test_other_peers_on_a_listener_for_others_hear_nothing(
    broker: Broker, tcp_pair: Pair, make_peer: Callable[..., Peer]
) -> None:
    peer = make_peer()
    refuse_here(broker.core, "kafka", peer)
    peer.cut()
    assert tcp_pair[1].recv(200) == b""
