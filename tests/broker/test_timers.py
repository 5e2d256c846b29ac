"""Tests of quekka.broker.timers."""

import logging
import queue
from collections.abc import Iterator

import pytest

from quekka.broker.timers import Timers
from quekka.clock import ManualClock

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
