"""perf/growth.py with tiny points: a curve names figures that its load has, and the drawing shows them."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from perf import curves, growth
from perf.broker_process import ROOT
from perf.curves import CURVES, Point
from perf.loads import find_load


@pytest.mark.parametrize("name", CURVES)
def test_every_point_of_a_curve_is_a_load(name: str) -> None:
    curve = CURVES[name]
    assert all(find_load(curve.load_name(x)).name == curve.load_name(x) for x in curve.points)
    assert list(curve.points) == sorted(curve.points)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["connections", "partitions", "groups", "record-size-in", "record-size-out"])
def test_a_curve_is_measured_printed_and_drawn(name: str, tmp_path: Path) -> None:
    found, drawn = tmp_path / "growth.json", tmp_path / "growth.svg"
    options = ["--rounds", "1", "--count", "20", "--up-to", "10", "--directory", str(tmp_path)]
    program = [sys.executable, str(ROOT / "perf" / "growth.py"), name, *options]
    done = subprocess.run(
        [*program, "--json", str(found), "--svg", str(drawn)], check=True, capture_output=True, text=True
    )
    points = json.loads(found.read_text())["curves"][name]
    assert [point["x"] for point in points] == [x for x in CURVES[name].points if x <= 10]
    assert all(set(CURVES[name].figures) <= set(point["figures"]) for point in points)
    assert all(all(values) for point in points for values in point["figures"].values())
    headings = [CURVES[name].unit, *CURVES[name].figures]
    assert done.stdout.split()[: len(headings)] == headings
    ElementTree.parse(drawn)


def test_a_curve_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert growth.main(["topics", "weight"]) == 2
    assert "no curve weight; there are connections," in capsys.readouterr().err


def test_a_drawing_has_a_panel_for_each_figure_and_a_dot_for_each_point() -> None:
    points = [
        Point(1, {"ready": [0.2], "idle_rss": [28.0]}),
        Point(1000, {"ready": [0.9], "idle_rss": [60.0]}),
    ]
    root = ElementTree.fromstring(curves.svg({"topics": points, "groups": points[:1]}))
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert (tags.count("polyline"), tags.count("circle")) == (2, 4)
