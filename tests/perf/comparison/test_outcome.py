"""Values by load, figure and server."""

import pytest

from perf.comparison.outcome import Outcome


def filled() -> Outcome:
    outcome = Outcome()
    for value in (100.0, 120.0, 110.0):
        outcome.add("sync", "redis", {"records": value, "p50": value / 1000})
    outcome.add("sync", "nats", {"records": 90.0, "p50": 0.05})
    return outcome


def test_medians_and_spreads_are_over_the_rounds() -> None:
    outcome = filled()
    assert outcome.median(("sync", "records"), "redis") == 110.0
    assert outcome.spread(("sync", "records"), "redis") == pytest.approx(20 / 110)


@pytest.mark.parametrize(("load", "peer"), [("sync", "kafka"), ("read", "redis")])
def test_what_was_not_measured_has_no_median(load: str, peer: str) -> None:
    assert filled().median((load, "records"), peer) is None


@pytest.mark.parametrize(("figure", "best"), [("records", ("redis", 110.0)), ("p50", ("nats", 0.05))])
def test_the_best_has_the_most_or_the_least_as_the_figure_wants(figure: str, best: tuple[str, float]) -> None:
    assert filled().best([("sync", figure)], ["redis", "nats", "kafka"]) == best


def test_there_is_no_best_of_nothing() -> None:
    assert filled().best([("read", "records")], ["redis"]) is None


def test_json_has_every_round() -> None:
    found = filled().as_json()["sync"]["records"]
    assert (found["unit"], found["more_is_better"]) == ("1/s", True)
    assert found["peers"]["redis"]["values"] == [100.0, 120.0, 110.0]
