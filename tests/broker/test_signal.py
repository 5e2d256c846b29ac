"""Tests of quekka.broker.signal."""

import threading

from quekka.broker.signal import Signal, Waiter, Watch
from quekka.broker.wake import Wake, WakePool
from quekka.clock import ManualClock
from quekka.deadline import Deadline

NEVER = Deadline(None)


def test_a_wake_that_came_before_the_wait_is_not_lost() -> None:
    waiter = Waiter(Wake())
    waiter.wake()
    waiter.wait(NEVER)


def test_many_wakes_end_one_wait() -> None:
    waiter = Waiter(Wake())
    for _ in range(5):
        waiter.wake()
    waiter.wait(NEVER)
    waiter.wait(Deadline(0, ManualClock()))
    waiter.wake()
    waiter.wait(NEVER)


def test_a_wait_ends_with_its_deadline() -> None:
    Waiter(Wake()).wait(Deadline(0, ManualClock()))


def test_fire_wakes_all_who_watch() -> None:
    signal = Signal()
    wakes = WakePool()
    woken: list[str] = []
    ready = threading.Barrier(3)

    def watch(name: str) -> None:
        with Watch([signal], wakes) as waiter:
            ready.wait()
            waiter.wait(NEVER)
            woken.append(name)

    threads = [threading.Thread(target=watch, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    ready.wait()
    signal.fire()
    for thread in threads:
        thread.join()
    assert sorted(woken) == ["a", "b"]


def test_who_has_left_is_not_woken() -> None:
    signal = Signal()
    with Watch([signal], WakePool()) as left:
        pass
    signal.fire()
    assert not left._is_woken


def test_one_waiter_hears_any_of_its_signals() -> None:
    first, second = Signal(), Signal()
    with Watch([first, second], WakePool()) as waiter:
        second.fire()
        waiter.wait(NEVER)
        first.fire()
        waiter.wait(NEVER)
