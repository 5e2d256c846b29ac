"""quekka.thread_turns: the switch interval follows the connections that are at work."""

import sys
from collections.abc import Iterator

import pytest

from quekka.broker.metrics import Counts, Metrics
from quekka.thread_turns import ThreadTurns, interval_s_for


@pytest.fixture(autouse=True)
def same_interval_afterwards() -> Iterator[None]:
    before_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before_s)


@pytest.mark.parametrize(
    ("connections", "interval_ms"), [(0, 0.5), (8, 0.5), (25, 0.5), (100, 2.0), (1000, 20.0), (10_000, 200.0)]
)
def test_all_waiting_threads_together_wake_up_so_often_at_most(connections: int, interval_ms: float) -> None:
    assert interval_s_for(0.0005, connections) * 1000 == pytest.approx(interval_ms)


def test_it_grows_with_connections_that_work_and_shrinks_when_they_rest() -> None:
    metrics = Metrics()
    crowd = [Counts() for _ in range(500)]
    for counts in crowd:
        metrics.watch(counts)
    turns = ThreadTurns(0.0005, metrics)
    turns.adjust()
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    for counts in crowd:
        counts.requests += 1
    turns.adjust()
    assert sys.getswitchinterval() == pytest.approx(0.01)
    turns.adjust()
    assert sys.getswitchinterval() == pytest.approx(0.0005)
