"""A connection's waits are bounded, and it can be ended from outside."""

import socket
import threading
from collections.abc import Callable

import pytest

from quekka.deadline import Deadline
from quekka.servers.peer import Peer, PeerGoneError

Pair = tuple[socket.socket, socket.socket]


def test_it_is_named_by_its_address(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    host, port = tcp_pair[1].getsockname()
    assert make_peer().name == f"{host}:{port}"


def test_it_knows_the_address_that_was_reached(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    assert make_peer().local_address() == tcp_pair[1].getpeername()


def test_a_closed_connection_has_no_address(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    peer.close()
    with pytest.raises(PeerGoneError, match="our address"):
        peer.local_address()


def test_bytes_go_both_ways(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    memory = memoryview(bytearray(10))
    tcp_pair[1].sendall(b"hello")
    assert peer.receive_into(memory) == 5
    assert memory[:5] == b"hello"
    peer.send(b"world")
    assert tcp_pair[1].recv(10) == b"world"


def test_the_end_of_the_stream_is_0_and_replies_still_go_out(
    tcp_pair: Pair, make_peer: Callable[..., Peer]
) -> None:
    peer = make_peer()
    tcp_pair[1].shutdown(socket.SHUT_WR)
    assert peer.receive_into(memoryview(bytearray(10))) == 0
    peer.send(b"bye")
    assert tcp_pair[1].recv(10) == b"bye"


def test_the_kernels_buffers_can_be_set(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    connection = tcp_pair[0]
    before = connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    peer = make_peer()
    peer.set_buffers(8192, -1)
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) in (8192, 16384)
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before


def test_a_default_timeout_of_the_process_is_not_ours(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    tcp_pair[0].settimeout(0.001)
    peer = make_peer()
    waiting = threading.Timer(0.02, tcp_pair[1].sendall, [b"x"])
    waiting.start()
    assert peer.receive_into(memoryview(bytearray(10))) == 1
    waiting.join()


def test_silence_is_none_after_a_while(make_peer: Callable[..., Peer]) -> None:
    assert make_peer(idle_s=0.01).receive_into(memoryview(bytearray(10))) is None


def test_nothing_there_is_none_at_once_where_asked_so(make_peer: Callable[..., Peer]) -> None:
    assert make_peer().receive_into(memoryview(bytearray(10)), socket.MSG_DONTWAIT) is None


def test_waiting_ends_with_the_deadline(make_peer: Callable[..., Peer]) -> None:
    with pytest.raises(PeerGoneError, match=r"connections\.max\.idle\.ms"):
        make_peer().wait_until_readable(Deadline(0.01))


def test_waiting_ends_when_there_is_something(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    tcp_pair[1].sendall(b"x")
    make_peer().wait_until_readable(Deadline(30))


def test_a_peer_that_never_reads_is_given_up(make_peer: Callable[..., Peer]) -> None:
    peer = make_peer(idle_s=0.05)
    with pytest.raises(PeerGoneError, match="took nothing"):
        peer.send(b"x" * 100_000_000)


def test_a_broken_connection_is_a_gone_peer(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    peer.close()
    with pytest.raises(PeerGoneError, match="receiving"):
        peer.receive_into(memoryview(bytearray(10)))
    with pytest.raises(PeerGoneError, match="sending"):
        peer.send(b"x")


@pytest.mark.parametrize("end", [Peer.interrupt, Peer.cut])
def test_a_wait_for_requests_can_be_ended_from_outside(
    make_peer: Callable[..., Peer], end: Callable[[Peer], None]
) -> None:
    peer = make_peer()
    received: list[int | None] = []

    def wait() -> None:
        peer.wait_until_readable(Deadline(30))
        received.append(peer.receive_into(memoryview(bytearray(10))))

    waiting = threading.Thread(target=wait)
    waiting.start()
    end(peer)
    waiting.join(30)
    assert received == [0]
    assert peer.is_interrupted


def test_an_interrupted_connection_can_still_answer(tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    peer = make_peer()
    peer.interrupt()
    peer.send(b"last words")
    assert tcp_pair[1].recv(20) == b"last words"


def test_lingering_brings_the_last_words_to_a_peer_that_still_sends(
    tcp_pair: Pair, make_peer: Callable[..., Peer]
) -> None:
    peer = make_peer()
    other = tcp_pair[1]
    other.sendall(b"x" * 50_000)
    peer.send(b"-ERR enough\r\n")
    lingering = threading.Thread(target=peer.linger)
    lingering.start()
    assert other.recv(100) == b"-ERR enough\r\n"
    assert other.recv(100) == b""
    other.close()
    lingering.join(30)
    assert not lingering.is_alive()


def test_lingering_with_a_peer_that_is_gone_is_no_error(
    tcp_pair: Pair, make_peer: Callable[..., Peer]
) -> None:
    peer = make_peer()
    tcp_pair[1].close()
    peer.linger()
    peer.cut()
