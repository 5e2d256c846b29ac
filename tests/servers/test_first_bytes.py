"""What a connection begins with is found out, however slowly it comes."""

import socket
from collections.abc import Callable

import pytest

from quekka.servers.first_bytes import receive_first
from quekka.servers.peer import Peer, PeerGoneError

Pair = tuple[socket.socket, socket.socket]


@pytest.mark.parametrize(
    ("first", "protocol"),
    [
        (b"PING\r\nPING\r\n", "text"),
        (b"GET / HTTP/1.1\r\n", "http"),
        (b"\x16\x03\x01", "tls"),
        (b"\x00\x00\x00\x10", "kafka"),
    ],
)
def test_the_protocol_and_the_bytes_come_back(
    tcp_pair: Pair, make_peer: Callable[..., Peer], first: bytes, protocol: str
) -> None:
    tcp_pair[1].sendall(first)
    assert receive_first(make_peer()) == (protocol, first)


def test_a_first_line_longer_than_one_read_is_read_on(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    line = b"GROUP " + b"g" * 6000 + b"\r\n"
    tcp_pair[1].sendall(line)
    protocol, first = receive_first(make_peer())
    assert (protocol, first) == ("text", line)


def test_the_end_of_the_stream_decides(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    tcp_pair[1].sendall(b"PIN")
    tcp_pair[1].shutdown(socket.SHUT_WR)
    assert receive_first(make_peer()) == ("text", b"PIN")


def test_a_peer_that_closes_without_a_word_leaves_no_bytes(
    tcp_pair: Pair, make_peer: Callable[..., Peer]
) -> None:
    tcp_pair[1].close()
    assert receive_first(make_peer())[1] == b""


@pytest.mark.parametrize("said", [b"", b"PIN"])
def test_silence_ends_with_the_idle_time(tcp_pair: Pair, make_peer: Callable[..., Peer], said: bytes) -> None:
    tcp_pair[1].sendall(said)
    with pytest.raises(PeerGoneError, match=r"connections\.max\.idle\.ms"):
        receive_first(make_peer(idle_s=0.05))
