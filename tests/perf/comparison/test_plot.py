"""The drawing is SVG that a parser takes, with a bar for each server that was measured."""

from xml.etree import ElementTree

from perf.comparison import plot
from perf.comparison.loads import LOADS
from perf.comparison.outcome import FIGURES, Outcome
from perf.peers import PEERS

SVG = "{http://www.w3.org/2000/svg}"


def test_there_is_a_bar_for_each_server_in_each_panel() -> None:
    outcome = Outcome()
    for peer in PEERS:
        outcome.add("sync", peer, {"records": 1000.0})
        outcome.add("startup", peer, {"ready": 0.2})
    outcome.add("latency-2000", "redis", {"p99": 0.0})
    root = ElementTree.fromstring(plot.svg(outcome, list(PEERS), "rounds < 3 & more"))
    background, *bars = root.findall(f"{SVG}rect")
    assert len(bars) == 2 * len(PEERS) + 1
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert "rounds < 3 & more" in words
    assert words.count("redis") == 3
    width, height = (float(background.attrib[name]) for name in ("width", "height"))
    for bar in bars:
        assert 0 <= float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width
        assert 0 <= float(bar.attrib["y"]) + float(bar.attrib["height"]) <= height


def test_every_panel_is_about_a_load_and_figure_that_there_is() -> None:
    assert all(load in LOADS and figure in FIGURES for _, (load, figure) in plot.PANELS)
