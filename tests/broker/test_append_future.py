"""Tests of quekka.broker.append_future."""

import threading

import pytest

from quekka.broker.append_future import AppendFuture
from quekka.broker.wake import WakePool
from quekka.clock import ManualClock
from quekka.deadline import Deadline
from quekka.errors import KafkaStorageError, RequestTimedOutError


def test_what_is_done_already_is_not_slept_for() -> None:
    wakes = WakePool()
    future = AppendFuture(wakes)
    future.complete(7)
    assert future.wait() == 7
    assert not wakes._spare


def test_who_sleeps_is_woken_with_the_base_offset() -> None:
    future = AppendFuture(WakePool())
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(future.wait()))
    thread.start()
    future.complete(3)
    thread.join()
    assert seen == [3]


def test_an_error_is_raised_fresh() -> None:
    future = AppendFuture(WakePool())
    failure = KafkaStorageError("no space left")
    future.fail(failure)
    with pytest.raises(KafkaStorageError, match="no space left") as raised:
        future.wait()
    assert raised.value is not failure


def test_a_deadline_that_came_first_raises_and_the_wake_is_given_back() -> None:
    wakes = WakePool()
    future = AppendFuture(wakes)
    with pytest.raises(RequestTimedOutError):
        future.wait(Deadline(0, ManualClock()))
    assert len(wakes._spare) == 1
    future.complete(1)
    assert future.wait() == 1


def test_a_wake_that_somebody_sets_late_does_not_end_another_wait() -> None:
    wakes = WakePool()
    late = wakes.take()
    late.set()
    wakes.give_back(late)
    future = AppendFuture(wakes)
    threading.Timer(0.01, future.complete, [5]).start()
    assert future.wait() == 5
    assert future.wait() == 5


def test_many_futures_of_one_thread_are_all_answered() -> None:
    wakes = WakePool()
    futures = [AppendFuture(wakes) for _ in range(1000)]

    def complete() -> None:
        for number, future in enumerate(futures):
            future.complete(number)

    writer = threading.Thread(target=complete)
    writer.start()
    assert [future.wait() for future in futures] == list(range(1000))
    writer.join()
    assert len(wakes._spare) <= 1
