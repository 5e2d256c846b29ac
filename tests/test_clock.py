"""quekka.clock: the machine's time, and time that a test moves."""

import time

import pytest

from quekka.clock import SYSTEM_CLOCK, ManualClock


def test_the_system_clock_reads_the_machines_wall_time() -> None:
    before_ms = time.time_ns() // 1_000_000
    assert before_ms <= SYSTEM_CLOCK.wall_ms() <= time.time_ns() // 1_000_000


def test_the_system_clocks_monotonic_time_does_not_go_back() -> None:
    assert SYSTEM_CLOCK.monotonic_s() <= SYSTEM_CLOCK.monotonic_s()


def test_nobody_moves_the_system_clock_so_nobody_is_told() -> None:
    forget = SYSTEM_CLOCK.on_advance(lambda: pytest.fail("called"))
    forget()


def test_a_manual_clock_stands_still() -> None:
    clock = ManualClock(wall_ms=1000)
    assert (clock.wall_ms(), clock.monotonic_s()) == (1000, 0.0)
    assert (clock.wall_ms(), clock.monotonic_s()) == (1000, 0.0)


def test_advance_moves_both_times_by_the_same() -> None:
    clock = ManualClock(wall_ms=1000)
    clock.advance(1.5)
    clock.advance(ms=250)
    assert (clock.wall_ms(), clock.monotonic_s()) == (2750, 1.75)


def test_advance_tells_those_who_wait_until_they_forget_it() -> None:
    clock = ManualClock()
    heard: list[str] = []
    forget_first = clock.on_advance(lambda: heard.append("first"))
    clock.on_advance(lambda: heard.append("second"))
    clock.advance(1)
    forget_first()
    forget_first()
    clock.advance(1)
    assert heard == ["first", "second", "second"]


def test_a_callback_may_forget_itself_while_it_is_called() -> None:
    clock = ManualClock()
    calls: list[int] = []

    def once() -> None:
        calls.append(1)
        forget()

    forget = clock.on_advance(once)
    clock.advance(1)
    clock.advance(1)
    assert calls == [1]


def test_the_same_callback_may_wait_twice() -> None:
    clock = ManualClock()
    calls: list[int] = []

    def called() -> None:
        calls.append(1)

    forget = clock.on_advance(called)
    clock.on_advance(called)
    forget()
    clock.advance(1)
    assert calls == [1]


def test_a_clock_does_not_go_back() -> None:
    clock = ManualClock()
    with pytest.raises(ValueError, match="-1 ms"):
        clock.advance(ms=-1)
