"""Tests of quekka.servers.receiving."""

import socket

from quekka.deadline import Deadline
from quekka.servers.busy_poll import BusyPoll
from quekka.servers.receiving import BURST_BYTES, UNANSWERED_BYTES_MAX, receive_some


class FakePeer:
    """Gives what the test lists; None is silence."""

    def __init__(self, *sizes: int | None) -> None:
        self.sizes = list(sizes)
        self.calls: list[str] = []

    def receive_into(self, _view: memoryview, flags: int = 0) -> int | None:
        self.calls.append("look" if flags == socket.MSG_DONTWAIT else "receive")
        return self.sizes.pop(0)

    def wait_until_readable(self, _deadline: Deadline) -> None:
        self.calls.append("wait")


class NothingBorrowed:
    def limit(self, deadline: Deadline) -> Deadline:
        return deadline


class FakeSession:
    """Writes into the peer's list of calls, so that the order shows."""

    def __init__(self, peer: FakePeer, *, unanswered_bytes: int = 0, is_bursting: bool = False) -> None:
        self.peer = peer
        self.bytes_in = 0
        self.unanswered_bytes = unanswered_bytes
        self.is_bursting = is_bursting
        self.busy_poll = BusyPoll(0)
        self.borrowed = NothingBorrowed()

    def flush(self) -> None:
        self.peer.calls.append("answer")

    def release(self) -> None:
        self.peer.calls.append("release")


class FakeReceiver:
    def get_buffer(self) -> memoryview:
        return memoryview(bytearray(1))

    def reclaim(self) -> None:
        """Nothing is lent here."""

    def release(self) -> None:
        """Nothing is held here."""


def receive(session: FakeSession) -> int:
    return receive_some(session, FakeReceiver(), Deadline(1))  # type: ignore[arg-type]


def test_a_peer_is_answered_before_it_is_waited_for() -> None:
    session = FakeSession(FakePeer(100))
    assert receive(session) == 100
    assert session.peer.calls == ["answer", "receive"]
    assert (session.bytes_in, session.is_bursting) == (100, False)


def test_what_a_bursting_peer_has_sent_already_is_taken_before_it_is_answered() -> None:
    session = FakeSession(FakePeer(BURST_BYTES), is_bursting=True)
    assert receive(session) == BURST_BYTES
    assert session.peer.calls == ["look"]
    assert session.is_bursting


def test_a_bursting_peer_that_paused_is_answered() -> None:
    session = FakeSession(FakePeer(None, 5), is_bursting=True)
    assert receive(session) == 5
    assert session.peer.calls == ["look", "answer", "receive"]


def test_a_peer_that_does_not_stop_is_answered_after_so_many_bytes() -> None:
    session = FakeSession(FakePeer(7), unanswered_bytes=UNANSWERED_BYTES_MAX, is_bursting=True)
    receive(session)
    assert session.peer.calls == ["answer", "receive"]
    assert session.unanswered_bytes == 7


def test_memory_is_given_back_before_the_long_wait() -> None:
    session = FakeSession(FakePeer(None, 0))
    assert receive(session) == 0
    assert session.peer.calls == ["answer", "receive", "release", "wait", "receive"]
