import pytest

from quekka.client.backoff import Backoff
from quekka.clock import ManualClock


def test_a_first_attempt_may_be_made_at_once(manual_clock: ManualClock) -> None:
    assert Backoff(manual_clock).remaining_s() == 0


def test_pauses_double_up_to_the_limit(manual_clock: ManualClock) -> None:
    backoff = Backoff(manual_clock, initial_ms=100, maximum_ms=500)
    pauses_s = []
    for _ in range(5):
        backoff.failed()
        pauses_s.append(backoff.remaining_s())
        manual_clock.advance(ms=round(pauses_s[-1] * 1000))
        assert backoff.remaining_s() == pytest.approx(0)
    assert pauses_s == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])


def test_time_that_passes_shortens_the_pause(manual_clock: ManualClock) -> None:
    backoff = Backoff(manual_clock, initial_ms=100)
    backoff.failed()
    manual_clock.advance(ms=60)
    assert backoff.remaining_s() == pytest.approx(0.04)


def test_a_success_begins_anew(manual_clock: ManualClock) -> None:
    backoff = Backoff(manual_clock, initial_ms=100)
    for _ in range(100):
        backoff.failed()
    backoff.succeeded()
    assert backoff.remaining_s() == 0
    backoff.failed()
    assert backoff.remaining_s() == pytest.approx(0.1)
