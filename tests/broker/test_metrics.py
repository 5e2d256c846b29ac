"""Tests of quekka.broker.metrics."""

import threading

import pytest

from quekka.broker.metrics import Counts, Metrics


def test_nothing_is_lost_between_threads() -> None:
    metrics = Metrics()

    def count() -> None:
        for _ in range(1000):
            metrics.add("requests")
            metrics.add_pair("records_in", 2, "bytes_in", 3)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sums = metrics.snapshot()
    assert (sums["requests"], sums["records_in"], sums["bytes_in"]) == (4000, 8000, 12000)


def test_a_name_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(KeyError):
        Metrics().add("reqests")


def test_what_connections_count_is_in_the_sums_while_they_live_and_after() -> None:
    metrics = Metrics()
    first, second = Counts(), Counts()
    metrics.watch(first)
    metrics.watch(second)
    first.requests = second.requests = 3
    assert metrics.snapshot()["requests"] == 6
    metrics.absorb(first)
    second.requests += 1
    assert metrics.snapshot()["requests"] == 7
    metrics.absorb(first)
    metrics.absorb(second)
    assert metrics.snapshot()["requests"] == 7


def test_a_snapshot_does_not_change_later() -> None:
    metrics = Metrics()
    before = metrics.snapshot()
    metrics.add("errors")
    assert before["errors"] == 0
    assert set(before) == set(Metrics.NAMES)
