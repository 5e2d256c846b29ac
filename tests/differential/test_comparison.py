"""The comparison itself: what differs is found, what is allowed is not told, what is outdated is."""

from typing import Any

import pytest
from differential.comparison import Allowed, Difference, differences, not_allowed, outdated, report
from differential.player import Played

ROW = Allowed("Fetch", "4-6", "topics/*/error_code", "because", label="a *")


def played(answer: dict[str, Any], version: int = 4) -> list[Played]:
    return [Played("a step", version, "Fetch", version, answer)]


def topics(**codes: int) -> dict[str, Any]:
    return {"topics": [{"name": name, "error_code": code} for name, code in codes.items()]}


@pytest.mark.parametrize(
    ("kafka", "ours", "found"),
    [
        (topics(a=1), topics(a=1), []),
        (topics(a=1, b=2), topics(b=2, a=1), []),
        (topics(a=1), topics(a=2), [("topics/a/error_code", 1, 2)]),
        (topics(a=1, b=1), topics(a=1), [("topics/keys", ["a", "b"], ["a"])]),
        ({}, topics(a=1), [("topics/keys", [], ["a"])]),
        ({"ids": [1]}, {"ids": [1, 2]}, [("ids", [1], [1, 2])]),
        ({"error_code": 3}, {}, [("error_code", 3, "default")]),
        ({"topics": [{"name": "a"}, {"name": "a"}]}, topics(a=0), [("topics/keys", ["a", "a#2"], ["a"]),
                                                                   ("topics/a/error_code", "default", 0)]),
    ],
    ids=["same", "order", "value", "missing", "all missing", "numbers", "default", "twice"],
)  # fmt: skip
def test_what_differs_is_found(
    kafka: dict[str, Any], ours: dict[str, Any], found: list[tuple[str, Any, Any]]
) -> None:
    assert [each[4:] for each in differences("story", played(kafka), played(ours))] == found


@pytest.mark.parametrize(
    ("version", "ours", "is_allowed"),
    [(4, topics(a=2), True), (7, topics(a=2), False), (4, topics(b=2), False)],
    ids=["in the row", "another version", "another path"],
)
def test_only_what_a_row_covers_is_allowed(version: int, ours: dict[str, Any], is_allowed: bool) -> None:
    found = differences("story", played(topics(a=1), version), played(ours, version))
    assert (not_allowed(found, [ROW]) == []) == is_allowed


def test_rows_that_are_not_needed_are_told() -> None:
    found = [Difference("story", "a step", "Fetch", 4, "topics/a/error_code", 1, 2)]
    assert outdated(found, [ROW])[0].startswith("occurs in 4 to 4 only")
    assert outdated([], [ROW])[0].startswith("never occurs")
    assert outdated([*found, found[0]._replace(version=6)], [ROW]) == []


def test_a_report_puts_versions_together() -> None:
    found = [Difference("story", "a step", "Fetch", version, "error_code", 1, 2) for version in (6, 4)]
    assert report(found) == "story: a step: Fetch v4-6 error_code: Kafka 1, quekkad 2"


def test_a_story_that_is_not_what_was_recorded_is_told() -> None:
    with pytest.raises(AssertionError, match="story is not what was recorded"):
        differences("story", played({}, 4), played({}, 5))
