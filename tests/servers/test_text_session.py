"""Replies leave in the order of the requests, whenever they become ready."""

import pytest

from quekka.broker.config import BrokerConfig
from quekka.broker.metrics import Metrics
from quekka.errors import BadRequestError
from quekka.servers import text_session
from quekka.servers.text_session import TextSession


class Groups:
    def __init__(self) -> None:
        self.disconnected: list[str] = []

    def disconnect(self, member: str) -> None:
        self.disconnected.append(member)


class Core:
    """A broker as far as a session looks at it."""

    def __init__(self) -> None:
        self.config = BrokerConfig()
        self.metrics = Metrics()
        self.groups = Groups()


class SentTo:
    """A peer that remembers what it was sent."""

    name = "127.0.0.1:51234"
    number = 17

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.pieces.append(data)


class Later:
    """A promise that says when it was kept."""

    def __init__(self, reply: bytes) -> None:
        self.is_kept = False
        self._reply = reply

    def keep(self, _session: TextSession) -> bytes:
        assert not self.is_kept, "a promise is kept once"
        self.is_kept = True
        return self._reply


@pytest.fixture
def peer() -> SentTo:
    return SentTo()


@pytest.fixture
def session(peer: SentTo) -> TextSession:
    return TextSession(Core(), peer, None)  # type: ignore[arg-type]


def test_its_member_name_is_its_own(session: TextSession) -> None:
    assert session.member == "text-127.0.0.1:51234-17"


def test_replies_and_promises_leave_in_order_and_in_one_piece(session: TextSession, peer: SentTo) -> None:
    session.reply(b"1")
    session.promise(Later(b"2"))
    session.reply(b"3")
    session.promise(Later(b"4"))
    assert peer.pieces == []
    session.flush()
    assert peer.pieces == [b"1234"]
    session.flush()
    assert peer.pieces == [b"1234"]


def test_settle_keeps_promises_and_sends_nothing(session: TextSession, peer: SentTo) -> None:
    promise = Later(b"kept")
    session.promise(promise)
    session.settle()
    session.settle()
    assert promise.is_kept
    assert peer.pieces == []
    session.flush()
    assert peer.pieces == [b"kept"]


def test_many_replies_are_sent_before_they_are_asked_for(
    session: TextSession, peer: SentTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_session, "UNSENT_BYTES_MAX", 10)
    for _ in range(5):
        session.reply(b"12345")
    assert b"".join(peer.pieces) == b"12345" * 3


def test_giving_up_sends_what_is_ready_and_the_reason(session: TextSession, peer: SentTo) -> None:
    promise = Later(b"never")
    session.reply(b"ready\r\n")
    session.promise(promise)
    session.reply(b"after\r\n")
    session.give_up(BadRequestError("why"))
    assert peer.pieces == [b"ready\r\n-ERR BAD_REQUEST why\r\n"]
    assert not promise.is_kept


def test_its_counts_are_in_the_brokers_until_the_end_and_after(session: TextSession) -> None:
    session.requests, session.records_in, session.records_out, session.bytes_in = 3, 2, 1, 100
    session.reply_error(BadRequestError("x"))
    session.flush()
    names = ("requests", "errors", "records_in", "records_out", "bytes_in")
    for end in (lambda: None, session.close):
        end()
        sums = session.broker.metrics.snapshot()
        assert [sums[name] for name in names] == [3, 1, 2, 1, 100]
        assert sums["bytes_out"] == len(b"-ERR BAD_REQUEST x\r\n")


@pytest.mark.parametrize("has_memberships", [True, False])
def test_a_member_leaves_its_groups_with_the_connection(session: TextSession, has_memberships: bool) -> None:
    session.has_memberships = has_memberships
    session.close()
    assert session.broker.groups.disconnected == ([session.member] if has_memberships else [])  # type: ignore[attr-defined]
