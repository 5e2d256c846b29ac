"""Tests of quekka.broker.timers."""

import logging
import queue
import threading
import weakref
from collections.abc import Iterator
from functools import partial

import pytest

from quekka.broker.timers import SWEEP_MIN, Timers
from quekka.clock import SYSTEM_CLOCK, ManualClock

WAIT_S = 10


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def timers(clock: ManualClock) -> Iterator[Timers]:
    timers = Timers(clock)
    timers.start()
    yield timers
    timers.stop()


def test_a_callback_runs_when_its_time_has_come_and_not_before(clock: ManualClock, timers: Timers) -> None:
    ran: queue.Queue[str] = queue.Queue()
    timers.after(10, lambda: ran.put("late"))
    timers.after(5, lambda: ran.put("early"))
    clock.advance(4.999)
    clock.advance(0.001)
    assert ran.get(timeout=WAIT_S) == "early"
    assert ran.empty()
    clock.advance(5)
    assert ran.get(timeout=WAIT_S) == "late"


def test_every_runs_again_and_again(clock: ManualClock, timers: Timers) -> None:
    ran: queue.Queue[int] = queue.Queue()
    timers.every(1, lambda: ran.put(1))
    for _ in range(3):
        clock.advance(1)
        assert ran.get(timeout=WAIT_S) == 1


def test_a_cancelled_timer_does_not_run(clock: ManualClock, timers: Timers) -> None:
    ran: queue.Queue[str] = queue.Queue()
    timers.after(1, lambda: ran.put("cancelled")).cancel()
    timers.after(2, lambda: ran.put("kept"))
    clock.advance(2)
    assert ran.get(timeout=WAIT_S) == "kept"
    assert ran.empty()


def test_a_callback_that_fails_is_logged_and_the_others_go_on(
    clock: ManualClock, timers: Timers, caplog: pytest.LogCaptureFixture
) -> None:
    ran: queue.Queue[str] = queue.Queue()

    def fail() -> None:
        raise RuntimeError("a bug in a callback")

    with caplog.at_level(logging.ERROR):
        timers.after(1, fail)
        timers.after(2, lambda: ran.put("next"))
        clock.advance(2)
        assert ran.get(timeout=WAIT_S) == "next"
    assert "a bug in a callback" in caplog.text


def test_after_stop_nothing_runs(clock: ManualClock) -> None:
    timers = Timers(clock)
    timers.start()
    ran: list[str] = []
    timers.after(1, lambda: ran.append("too late"))
    timers.stop()
    timers.after(0, lambda: ran.append("much too late"))
    clock.advance(2)
    assert ran == []


def test_what_is_due_within_a_moment_is_due_now(clock: ManualClock, timers: Timers) -> None:
    ran: queue.Queue[str] = queue.Queue()
    clock.advance(0.1)
    timers.after(0.2, lambda: ran.put("in floating point later than 0.3"))
    clock.advance(0.2)
    assert ran.get(timeout=WAIT_S)


def test_cancelled_timers_are_not_kept_until_they_would_have_been_due(timers: Timers) -> None:
    gone: queue.Queue[str] = queue.Queue()

    class Held:
        """What a callback holds on to."""

        def __call__(self) -> None:
            """Nothing to do."""

    for number in range(1000):
        held = Held()
        weakref.finalize(held, gone.put, f"timer {number}")
        timers.after(3600, held).cancel()
        del held
    assert gone.qsize() > 1000 - 2 * SWEEP_MIN


def test_a_sweep_keeps_what_was_not_cancelled(clock: ManualClock, timers: Timers) -> None:
    ran: queue.Queue[int] = queue.Queue()
    for number in range(10 * SWEEP_MIN):
        timer = timers.after(1 + number, partial(ran.put, number))
        if number % 3:
            timer.cancel()
    clock.advance(10 * SWEEP_MIN)
    kept = range(0, 10 * SWEEP_MIN, 3)
    assert [ran.get(timeout=WAIT_S) for _ in kept] == list(kept)
    assert ran.empty()


def test_a_timer_that_is_never_due_leaves_the_others_to_run() -> None:
    timers = Timers(SYSTEM_CLOCK)
    timers.after((2**63 - 1) / 1000, lambda: None)
    timers.start()
    ran = threading.Event()
    timers.after(0.01, ran.set)
    assert ran.wait(10)
    timers.stop()
