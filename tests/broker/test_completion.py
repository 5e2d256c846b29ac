"""Tests of quekka.broker.completion."""

import socket
import threading

import pytest

from quekka.broker.caller import Caller, CallerGoneError
from quekka.broker.completion import Completion
from quekka.clock import ManualClock
from quekka.deadline import Deadline
from quekka.errors import KafkaStorageError, RequestTimedOutError


def test_a_result_is_handed_to_a_thread_that_waits() -> None:
    completion: Completion[int] = Completion()
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(completion.wait()))
    thread.start()
    completion.complete(7)
    thread.join()
    assert seen == [7]


def test_a_result_can_be_asked_for_again() -> None:
    completion: Completion[str] = Completion()
    completion.complete("stored")
    assert [completion.wait(), completion.wait()] == ["stored", "stored"]


def test_an_error_is_raised_fresh_for_everyone_who_waits() -> None:
    completion: Completion[int] = Completion()
    failure = KafkaStorageError("no space left")
    completion.fail(failure)
    with pytest.raises(KafkaStorageError, match="no space left") as first:
        completion.wait()
    with pytest.raises(KafkaStorageError) as second:
        completion.wait()
    assert first.value is not failure
    assert first.value is not second.value


def test_a_foreign_error_is_passed_on_as_it_is() -> None:
    completion: Completion[int] = Completion()
    completion.fail(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        completion.wait()


def test_a_deadline_that_came_first_raises() -> None:
    completion: Completion[int] = Completion()
    with pytest.raises(RequestTimedOutError):
        completion.wait(Deadline(0, ManualClock()))


def test_a_caller_that_hangs_up_is_not_waited_for() -> None:
    completion: Completion[int] = Completion()
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        with pytest.raises(CallerGoneError):
            completion.wait_for(Caller(ours.fileno(), may_be_half_closed=False))
    completion.complete(7)
    assert completion.wait() == 7


@pytest.mark.parametrize("is_early", [True, False])
def test_a_caller_that_is_there_gets_its_result(is_early: bool) -> None:
    completion: Completion[int] = Completion()
    if is_early:
        completion.complete(7)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        completing = threading.Thread(target=completion.complete, args=(7,))
        if not is_early:
            completing.start()
        assert completion.wait_for(Caller(ours.fileno(), may_be_half_closed=False)) == 7
        if not is_early:
            completing.join()
