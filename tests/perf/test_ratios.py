"""Two result files beside each other."""

import json
from pathlib import Path
from typing import Any

import pytest

from perf.errors import NotAResultError
from perf.figures import Figure
from perf.ratios import compare_documents, ranges_overlap, read_document
from perf.report import FORMAT


def result(
    loads: dict[str, dict[str, list[float]]], limits: dict[str, list[float]] | None = None
) -> dict[str, Any]:
    def figures(values: dict[str, list[float]]) -> dict[str, Any]:
        return {name: Figure(name, "1/s", numbers).as_json() for name, numbers in values.items()}

    return {
        "format": FORMAT,
        "limits": figures(limits or {}),
        "loads": {name: {"figures": figures(values)} for name, values in loads.items()},
    }


def test_ratios_are_of_the_medians_and_the_machine_comes_first() -> None:
    a = result({"poll": {"messages": [100.0, 110.0, 120.0]}}, {"loopback": [4.0]})
    b = result({"poll": {"messages": [220.0]}}, {"loopback": [2.0]})
    assert compare_documents(a, b) == [
        ("(machine)", "loopback", "4", "2", "1/s", "0.50", ""),
        ("poll", "messages", "110", "220", "1/s", "2.00", ""),
    ]


def test_what_only_one_result_has_is_left_out() -> None:
    a = result({"poll": {"messages": [1.0], "payload": [1.0]}, "read-1m": {"batches": [1.0]}})
    b = result({"poll": {"messages": [1.0]}})
    assert [row[:2] for row in compare_documents(a, b)] == [("poll", "messages")]


@pytest.mark.parametrize(
    ("a", "b", "overlap"),
    [
        ([1.0, 3.0], [2.0, 4.0], True),
        ([1.0, 2.0], [3.0], False),
        ([3.0], [1.0, 2.0], False),
        ([1.0], [1.0], True),
    ],
)
def test_a_difference_within_the_rounds_own_is_noise(a: list[float], b: list[float], overlap: bool) -> None:
    assert ranges_overlap(a, b) is overlap


@pytest.mark.parametrize("content", ["", "[]", '{"format": 99}', "{"])
def test_what_is_no_result_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(NotAResultError, match=r"other\.json"):
        read_document(path)


def test_a_result_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(result({"poll": {"messages": [1.0]}})))
    assert read_document(path)["loads"]["poll"]["figures"]["messages"]["median"] == 1.0
