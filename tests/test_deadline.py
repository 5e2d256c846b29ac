"""quekka.deadline: one limit for several waits."""

from quekka.clock import ManualClock
from quekka.deadline import Deadline


def test_what_remains_shrinks_with_the_clock_and_ends_at_zero(manual_clock: ManualClock) -> None:
    deadline = Deadline(2.0, manual_clock)
    assert deadline.remaining_s() == 2.0
    manual_clock.advance(1.5)
    assert deadline.remaining_s() == 0.5
    manual_clock.advance(5)
    assert deadline.remaining_s() == 0.0


def test_it_expires_at_the_moment_itself(manual_clock: ManualClock) -> None:
    deadline = Deadline(2.0, manual_clock)
    manual_clock.advance(ms=1999)
    assert not deadline.expired()
    manual_clock.advance(ms=1)
    assert deadline.expired()


def test_no_time_at_all_is_expired_at_once(manual_clock: ManualClock) -> None:
    assert Deadline(0, manual_clock).expired()


def test_none_is_a_deadline_that_never_comes(manual_clock: ManualClock) -> None:
    deadline = Deadline(None, manual_clock)
    manual_clock.advance(1e9)
    assert deadline.remaining_s() is None
    assert not deadline.expired()


def test_it_counts_from_where_it_was_made(manual_clock: ManualClock) -> None:
    manual_clock.advance(100)
    assert Deadline(1.0, manual_clock).remaining_s() == 1.0


def test_without_a_clock_it_is_real_time() -> None:
    remaining_s = Deadline(1000.0).remaining_s()
    assert remaining_s is not None
    assert 0 < remaining_s <= 1000.0
