"""Tests of quekka.broker.caller."""

import select
import socket
import struct

import pytest

from quekka.broker.caller import POLLRDHUP, Caller
from quekka.broker.wake import Wake

Pair = tuple[socket.socket, socket.socket]

LINGER_NOT = struct.pack("ii", 1, 0)
"""A close with it resets the connection."""


@pytest.fixture
def pair() -> "Pair":
    """Two ends of a TCP connection; the tests close both."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connecting = socket.create_connection(listening.getsockname())
        return listening.accept()[0], connecting


def is_gone(caller: Caller, timeout_s: float = 0.0) -> bool:
    caller.note(Wake().wait_with(caller.fd, caller.events, timeout_s))
    return caller.is_gone


@pytest.mark.parametrize("may_be_half_closed", [False, True])
def test_who_is_connected_is_there_whatever_lies_unread(pair: Pair, may_be_half_closed: bool) -> None:
    ours, theirs = pair
    with ours, theirs:
        theirs.sendall(b"the next requests")
        assert not is_gone(Caller(ours.fileno(), may_be_half_closed=may_be_half_closed))


@pytest.mark.parametrize(("may_be_half_closed", "gone"), [(False, True), (True, False)])
def test_who_will_send_nothing_more_is_gone_unless_that_is_allowed(
    pair: Pair, may_be_half_closed: bool, gone: bool
) -> None:
    ours, theirs = pair
    with ours, theirs:
        theirs.sendall(b"the last requests")
        theirs.shutdown(socket.SHUT_WR)
        assert POLLRDHUP == select.POLLRDHUP
        assert is_gone(Caller(ours.fileno(), may_be_half_closed=may_be_half_closed), 0.01) == gone


@pytest.mark.parametrize("may_be_half_closed", [False, True])
def test_a_broken_connection_is_always_noticed(pair: Pair, may_be_half_closed: bool) -> None:
    ours, theirs = pair
    with ours:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        theirs.close()
        assert is_gone(Caller(ours.fileno(), may_be_half_closed=may_be_half_closed), 30)
