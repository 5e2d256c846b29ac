"""quekka.thread_turns: the switch interval follows the number of connections."""

import sys
from collections.abc import Iterator

import pytest

from quekka.thread_turns import ThreadTurns, interval_s_for


@pytest.fixture(autouse=True)
def same_interval_afterwards() -> Iterator[None]:
    before_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before_s)


@pytest.mark.parametrize(
    ("connections", "interval_ms"), [(0, 0.5), (8, 0.5), (25, 0.5), (100, 2), (1000, 20), (10_000, 100)]
)
def test_threads_together_wake_up_only_so_often(connections: int, interval_ms: float) -> None:
    assert interval_s_for(0.0005, connections) * 1000 == pytest.approx(interval_ms)


def test_what_was_configured_is_the_shortest() -> None:
    assert interval_s_for(0.3, 10_000) == 0.3


def test_it_grows_with_connections_and_shrinks_with_them() -> None:
    turns = ThreadTurns(0.0005)
    found = []
    for connections in (1, 500, 2):
        turns.adjust(connections)
        found.append(sys.getswitchinterval())
    assert found == pytest.approx([0.0005, 0.01, 0.0005])
