"""Medians, spreads, goals and percentiles."""

import pytest

from perf.figures import Figure, at_least, at_most, latency_figures, percentile, show_number


def test_median_and_spread_are_over_the_rounds() -> None:
    figure = Figure("messages", "1/s", [90.0, 100.0, 120.0])
    assert figure.median == 100.0
    assert figure.spread == pytest.approx(0.3)


def test_a_spread_around_zero_is_zero() -> None:
    assert Figure("cpu", "%", [0.0, 0.0]).spread == 0.0


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (at_least(10), 10.0, "met"),
        (at_least(10), 9.9, "missed"),
        (at_most(2), 2.0, "met"),
        (at_most(2), 2.1, "missed"),
    ],
)
def test_a_goal_is_held_against_the_median(goal: object, value: float, verdict: str) -> None:
    assert Figure("f", "", [value], goal).verdict == verdict  # type: ignore[arg-type]


def test_a_figure_without_a_goal_has_no_verdict() -> None:
    figure = Figure("f", "", [1.0])
    assert figure.verdict == ""
    assert figure.as_json()["met"] is None


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50.0), (0.9, 90.0), (0.99, 99.0), (0.999, 100.0), (1.0, 100.0), (0.0, 1.0)]
)
def test_percentiles_are_by_nearest_rank(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 101)], share) == expected


def test_latency_figures_are_milliseconds_of_each_round() -> None:
    figures = {
        figure.name: figure
        for figure in latency_figures([[0.003, 0.001, 0.002], [0.004]], {"p99": at_most(2)})
    }
    assert figures["latency_p50"].values == [2.0, 4.0]
    assert figures["latency_max"].values == [3.0, 4.0]
    assert figures["latency_p99"].verdict == "missed"
    assert figures["latency_p50"].goal is None


@pytest.mark.parametrize(
    ("value", "text"), [(123456.7, "123,457"), (0.123456, "0.123"), (12.0, "12"), (0.0, "0"), (99.95, "100")]
)
def test_numbers_are_shown_with_three_digits_that_count(value: float, text: str) -> None:
    assert show_number(value) == text
