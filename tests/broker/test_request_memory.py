"""Tests of quekka.broker.request_memory."""

import threading

import pytest

from quekka.broker.request_memory import RequestMemory
from quekka.deadline import Deadline
from quekka.errors import ThrottlingError

FIRST, SECOND, THIRD = "first", "second", "third"


@pytest.fixture
def memory() -> RequestMemory:
    return RequestMemory(lambda: 100)


def test_memory_is_there_until_the_bound_is_reached(memory: RequestMemory) -> None:
    assert memory.try_hold(FIRST, 60)
    assert memory.try_hold(SECOND, 40)
    assert not memory.try_hold(SECOND, 41)
    assert not memory.try_hold(THIRD, 1)
    assert memory.held_bytes == 100


def test_what_is_held_is_said_anew_and_not_added(memory: RequestMemory) -> None:
    for size_bytes in (10, 50, 20):
        assert memory.try_hold(FIRST, size_bytes)
        assert memory.held_bytes == size_bytes


def test_who_began_first_always_gets_on(memory: RequestMemory) -> None:
    assert memory.try_hold(FIRST, 60)
    assert memory.try_hold(SECOND, 40)
    assert memory.try_hold(FIRST, 1000)
    assert not memory.try_hold(SECOND, 50)
    assert memory.try_hold(FIRST, 0)
    assert memory.try_hold(SECOND, 1000)


def test_less_is_never_refused(memory: RequestMemory) -> None:
    assert memory.try_hold(FIRST, 60)
    assert memory.try_hold(SECOND, 40)
    assert memory.try_hold(FIRST, 200)
    assert memory.try_hold(SECOND, 30)


def test_a_wait_ends_when_somebody_lets_go(memory: RequestMemory) -> None:
    memory.try_hold(FIRST, 90)
    waiting = threading.Thread(target=memory.hold, args=(SECOND, 50, Deadline(30)))
    waiting.start()
    memory.try_hold(FIRST, 0)
    waiting.join()
    assert memory.held_bytes == 50


def test_a_wait_without_end_is_refused_and_says_which_settings_count(memory: RequestMemory) -> None:
    memory.try_hold(FIRST, 90)
    with pytest.raises(ThrottlingError, match=r"90 bytes of 1 others .*request\.memory\.max\.bytes=100"):
        memory.hold(SECOND, 50, Deadline(0.001))
    assert memory.held_bytes == 90


def test_a_stop_lets_everybody_in(memory: RequestMemory) -> None:
    memory.try_hold(FIRST, 90)
    waiting = threading.Thread(target=memory.hold, args=(SECOND, 50, Deadline(30)))
    waiting.start()
    memory.let_all_in()
    waiting.join()
    assert memory.held_bytes == 140
