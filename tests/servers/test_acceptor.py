"""Accepting goes on whatever accept says, and stops when told to."""

import errno
import logging
import socket
import threading
from collections import deque

import pytest

from quekka.servers.acceptor import BACK_OFF_MAX_S, Acceptor, bind


class ScriptedSocket:
    """A listening socket whose accept does what the test says, and then waits for its shutdown."""

    def __init__(self, *outcomes: OSError | socket.socket) -> None:
        self._outcomes = deque(outcomes)
        self._shut_down = threading.Event()
        self.all_taken = threading.Event()
        self.accepts = 0

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 9999

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        self.accepts += 1
        if not self._outcomes:
            self.all_taken.set()
            self._shut_down.wait(30)
            raise OSError(errno.EINVAL, "shut down")
        outcome = self._outcomes.popleft()
        if isinstance(outcome, OSError):
            raise outcome
        return outcome, ("127.0.0.1", 1)

    def shutdown(self, _how: int) -> None:
        self._shut_down.set()

    def close(self) -> None:
        self._shut_down.set()


def run(scripted: ScriptedSocket, *, fail: bool = False) -> list[socket.socket]:
    """What was handed over until the script was at its end."""
    taken: list[socket.socket] = []

    def take(connected: socket.socket) -> None:
        taken.append(connected)
        if fail and len(taken) == 1:
            raise RuntimeError("first one fails")

    acceptor = Acceptor(scripted, take)  # type: ignore[arg-type]
    acceptor.start()
    assert scripted.all_taken.wait(30)
    acceptor.stop()
    return taken


def test_connections_are_handed_over() -> None:
    listening = bind("127.0.0.1", 0)
    taken: list[socket.socket] = []
    came = threading.Event()

    def take(connected: socket.socket) -> None:
        taken.append(connected)
        came.set()

    acceptor = Acceptor(listening, take)
    acceptor.start()
    with socket.create_connection(listening.getsockname()) as connecting:
        assert came.wait(30)
        taken[0].close()
        assert connecting.recv(1) == b""
    acceptor.stop()


def test_its_thread_is_named_after_the_port() -> None:
    listening = bind("127.0.0.1", 0)
    acceptor = Acceptor(listening, socket.socket.close)
    acceptor.start()
    name = f"quekka-accept-{listening.getsockname()[1]}"
    assert name in [thread.name for thread in threading.enumerate()]
    acceptor.stop()
    assert name not in [thread.name for thread in threading.enumerate()]


class CountedWaits(threading.Event):
    """Is not waited for, but remembers how long that would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.waits_s: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits_s.append(timeout)
        return self.is_set()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EBADF], ids=errno.errorcode.get)
def test_accept_is_called_once_in_each_wait_while_it_fails(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    waiting = CountedWaits()
    with socket.socket() as first, socket.socket() as second:
        scripted = ScriptedSocket(*[OSError(number, "full")] * 8, first, OSError(number, "full"), second)
        acceptor = Acceptor(scripted, lambda _: None)  # type: ignore[arg-type]
        monkeypatch.setattr(acceptor, "_stopping", waiting)
        acceptor.start()
        assert scripted.all_taken.wait(30)
        acceptor.stop()
    assert waiting.waits_s == [0.05, 0.1, 0.2, 0.4, 0.8, BACK_OFF_MAX_S, BACK_OFF_MAX_S, BACK_OFF_MAX_S, 0.05]
    assert scripted.accepts == len(waiting.waits_s) + len((first, second)) + 1, "the last one was shut down"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_no_room_is_said_once_and_survived(caplog: pytest.LogCaptureFixture, number: int) -> None:
    full = OSError(number, "no room")
    with socket.socket() as connected, caplog.at_level(logging.ERROR):
        assert run(ScriptedSocket(full, full, full, connected)) == [connected]
    assert [record.message for record in caplog.records] == [
        "cannot accept connections: no room; trying again until it can"
    ]


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPERM, errno.EPROTO], ids=errno.errorcode.get)
def test_a_peer_that_went_away_before_it_was_accepted_is_nothing(
    caplog: pytest.LogCaptureFixture, number: int
) -> None:
    with socket.socket() as connected:
        assert run(ScriptedSocket(OSError(number, "gone"), connected)) == [connected]
    assert not caplog.records


def test_a_connection_that_cannot_be_served_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as first, socket.socket() as second:
        assert run(ScriptedSocket(first, second), fail=True) == [first, second]
        assert first.fileno() == -1
    assert "could not be served" in caplog.text


def test_a_port_can_be_listened_on_again_at_once() -> None:
    first = bind("127.0.0.1", 0)
    address = first.getsockname()
    connecting = socket.create_connection(address)
    accepted, _ = first.accept()
    for each in (accepted, connecting, first):
        each.close()
    bind(*address).close()


def test_a_port_in_use_is_an_error_and_leaves_nothing_open() -> None:
    with bind("127.0.0.1", 0) as listening, pytest.raises(OSError, match="in use"):
        bind(*listening.getsockname())


def test_ipv6_can_be_listened_on() -> None:
    try:
        listening = bind("::1", 0)
    except OSError:
        pytest.skip("no IPv6 here")
    listening.close()
