"""What quekkad is held against."""

import pytest

from perf.comparison.goals import GOALS, OTHERS, QUEKKA, ComparedGoal, judge_all
from perf.comparison.loads import LOADS
from perf.comparison.outcome import FIGURES, Outcome
from perf.peers import PEERS

RECORDS, LATENCY = ("sync", "records"), ("sync", "p50")


def outcome(ours: float, theirs: float) -> Outcome:
    found = Outcome()
    found.add("sync", "quekka-text", {"records": ours, "p50": ours, "payload": ours})
    found.add("sync", "redis", {"records": theirs, "p50": theirs})
    return found


@pytest.mark.parametrize(
    ("goal", "ours", "met"),
    [
        (ComparedGoal("", RECORDS, QUEKKA, ("redis",)), 100.0, True),
        (ComparedGoal("", RECORDS, QUEKKA, ("redis",)), 99.0, False),
        (ComparedGoal("", RECORDS, QUEKKA, ("redis",), factor=4), 399.0, False),
        (ComparedGoal("", LATENCY, QUEKKA, ("redis",)), 101.0, False),
        (ComparedGoal("", LATENCY, QUEKKA, bound=0.15), 0.15, True),
        (ComparedGoal("", LATENCY, QUEKKA, bound=0.15), 0.16, False),
        (ComparedGoal("", RECORDS, QUEKKA, ("kafka",)), 100.0, None),
        (ComparedGoal("", ("read", "records"), QUEKKA, ("redis",)), 100.0, None),
        (ComparedGoal("", ("sync", "payload"), QUEKKA, limit="loopback", factor=0.5), 1000.0, True),
        (ComparedGoal("", ("sync", "payload"), QUEKKA, limit="loopback", factor=0.5), 999.0, False),
        (ComparedGoal("", ("sync", "payload"), QUEKKA, limit="unmeasured"), 1000.0, None),
    ],
)
def test_a_goal_is_met_missed_or_not_measured(goal: ComparedGoal, ours: float, met: bool | None) -> None:
    verdict = goal.judge(outcome(ours, 100.0), {"loopback": 2.0})
    assert verdict.met is met
    assert verdict.word == {True: "met", False: "missed", None: "not measured"}[met]
    assert len(verdict.cells()) == 7


def test_every_goal_is_about_loads_figures_and_servers_that_there_are() -> None:
    for goal in GOALS:
        assert goal.row[0] in LOADS
        assert goal.row[1] in FIGURES
        assert {*goal.peers, *goal.than} <= set(PEERS)
        assert sum((bool(goal.than), bool(goal.limit), goal.bound is not None)) == 1
    assert {*QUEKKA, *OTHERS} == set(PEERS)


def test_only_goals_about_the_loads_that_ran_are_judged() -> None:
    assert {verdict.goal.row[0] for verdict in judge_all(["sync"], outcome(1, 1), {})} == {"sync"}
