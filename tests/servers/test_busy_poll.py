"""A real pair of sockets: what is there is taken, and who waited in vain sleeps more and more often."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from quekka.servers.busy_poll import SLEEPS_AT_FIRST, SLEEPS_MAX, BusyPoll
from quekka.servers.peer import Peer

ENOUGH_US = 60_000_000
"""Longer than any test: it ends by what it finds."""


class CountingPeer(Peer):
    """Counts looks and sleeps; a sleep ends at once, and before one of the looks something comes."""

    def __init__(self, connected: socket.socket, other: socket.socket) -> None:
        super().__init__(connected, 1, idle_s=10)
        self.looks = self.sleeps = 0
        self.comes_before_look = 0
        self.other = other
        self.before_look: Callable[[], None] = lambda: None

    def receive_into(self, view: memoryview, flags: int = 0) -> int | None:
        if flags != socket.MSG_DONTWAIT:
            self.sleeps += 1
            return None
        self.looks += 1
        self.before_look()
        if self.looks == self.comes_before_look:
            self.other.sendall(b"next")
        return super().receive_into(view, flags)


@pytest.fixture
def peer() -> Iterator[CountingPeer]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        connected, _ = listening.accept()
    peer = CountingPeer(connected, client)
    yield peer
    client.close()
    peer.close()


@pytest.fixture
def view() -> memoryview:
    return memoryview(bytearray(100))


def settled(budget_us: int, peer: CountingPeer, view: memoryview) -> BusyPoll:
    """One whose connection has shown that it stays."""
    poll = BusyPoll(budget_us)
    for _ in range(SLEEPS_AT_FIRST):
        assert poll.receive_into(peer, view) is None
    assert peer.looks == 0
    peer.sleeps = 0
    return poll


def waits_until_the_next_look(poll: BusyPoll, peer: CountingPeer, view: memoryview) -> int:
    looks = peer.looks
    waits = 0
    while peer.looks == looks:
        assert poll.receive_into(peer, view) is None
        waits += 1
    return waits


def test_what_comes_while_it_looks_is_received(peer: CountingPeer, view: memoryview) -> None:
    peer.comes_before_look = 3
    assert settled(ENOUGH_US, peer, view).receive_into(peer, view) == 4
    assert bytes(view[:4]) == b"next"
    assert (peer.looks, peer.sleeps) == (3, 0)


def test_the_end_of_the_stream_is_received(peer: CountingPeer, view: memoryview) -> None:
    peer.other.shutdown(socket.SHUT_WR)
    assert settled(ENOUGH_US, peer, view).receive_into(peer, view) == 0


def test_who_looked_in_vain_sleeps(peer: CountingPeer, view: memoryview) -> None:
    assert settled(1000, peer, view).receive_into(peer, view) is None
    assert (peer.looks > 0, peer.sleeps) == (True, 1)


def test_without_a_budget_it_never_looks(peer: CountingPeer, view: memoryview) -> None:
    peer.other.sendall(b"here")
    assert BusyPoll(0).receive_into(peer, view) is None
    assert (peer.looks, peer.sleeps) == (0, 1)


def test_each_look_in_vain_doubles_the_sleeps_until_the_next_one(
    peer: CountingPeer, view: memoryview
) -> None:
    poll = settled(1000, peer, view)
    waits = [waits_until_the_next_look(poll, peer, view) for _ in range(8)]
    assert waits == [1, 32, 64, 128, 256, 512, SLEEPS_MAX + 1, SLEEPS_MAX + 1]


def test_one_that_was_not_in_vain_makes_it_look_every_time(peer: CountingPeer, view: memoryview) -> None:
    poll = settled(1000, peer, view)
    waits_until_the_next_look(poll, peer, view)
    peer.comes_before_look = peer.looks + 1
    waits = 0
    while poll.receive_into(peer, view) is None:
        waits += 1
    assert waits == 31
    assert waits_until_the_next_look(poll, peer, view) == 1


def test_only_one_at_a_time_waits_awake(peer: CountingPeer, view: memoryview) -> None:
    first, second = settled(ENOUGH_US, peer, view), settled(ENOUGH_US, peer, view)
    found: list[int | None] = []
    looking = threading.Event()
    peer.before_look = looking.set
    thread = threading.Thread(target=lambda: found.append(first.receive_into(peer, view)))
    thread.start()
    assert looking.wait(10)
    sleeps = peer.sleeps
    assert second.receive_into(peer, view) is None
    assert peer.sleeps == sleeps + 1
    peer.other.sendall(b"next")
    thread.join()
    assert found == [4]
