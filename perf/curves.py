"""The curves of growth.py: what grows, which load measures it, which of its figures are drawn."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from perf.figures import show_number

GIB = 1 << 30
RECORD_BYTES_A_ROUND = 256 << 20
RECORDS_A_ROUND_MAX = 200_000
RECORD_SIZES = (10, 100, 1000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Curve:
    """One thing that grows: `load` is the family of loads, its parameter the thing.

    Where `is_record_size`, the parameter stays and the record's size grows.
    """

    load: str
    points: Sequence[int]
    unit: str
    figures: Sequence[str]
    is_record_size: bool = False

    def load_name(self, x: int) -> str:
        return self.load if self.is_record_size else f"{self.load}-{x}"

    def count(self, x: int) -> int:
        """How many records of `x` bytes make a round."""
        return max(100, min(RECORDS_A_ROUND_MAX, RECORD_BYTES_A_ROUND // x))


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured at one place of a curve: for each figure one value a round."""

    x: int
    figures: Mapping[str, Sequence[float]]

    def median(self, figure: str) -> float:
        return statistics.median(self.figures[figure])


CURVES: Mapping[str, Curve] = {
    "connections": Curve(
        "connections",
        (1, 10, 100, 500, 1000, 2000),
        "connections",
        ("messages", "latency_p50", "latency_p99", "rss"),
    ),
    "topics": Curve("startup", (0, 10, 100, 1000, 10_000), "topics", ("ready", "idle_rss")),
    "idle-topics": Curve(
        "idle-topics", (1, 10, 100, 1000, 10_000), "topics", ("create_and_publish", "cpu", "rss", "fds")
    ),
    "partitions": Curve(
        "partitions", (1, 10, 100, 1000, 10_000), "partitions", ("create", "messages", "ready", "rss")
    ),
    "record-size-in": Curve(
        "publish-pipelined", RECORD_SIZES, "bytes", ("messages", "payload"), is_record_size=True
    ),
    "record-size-out": Curve("poll", RECORD_SIZES, "bytes", ("messages", "payload"), is_record_size=True),
    "log-size": Curve(
        "lookup",
        (GIB, 5 * GIB, 10 * GIB, 25 * GIB, 50 * GIB),
        "bytes",
        ("ready", "by_offset_p50", "by_time_p50", "rss"),
    ),
    "groups": Curve(
        "groups", (1, 10, 100, 1000), "groups", ("first_commits", "commit_p50", "list", "ready", "rss")
    ),
}
"""All curves by name."""


def points_table(curve: Curve, points: Sequence[Point]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Rows and headings: a row for each point, a column for each figure."""
    rows = [
        (show_number(point.x), *(show_number(point.median(name)) for name in curve.figures))
        for point in points
    ]
    return rows, (curve.unit, *curve.figures)


WIDTH, PANEL_HEIGHT, MARGIN, COLUMNS = 900, 170, 44, 4
INK, FAINT, LINE = "#1e293b", "#94a3b8", "#c2410c"


def svg(measured: Mapping[str, Sequence[Point]]) -> str:
    """A line of panels for each curve, a panel for each figure; both axes are logarithmic."""
    rows = [(name, points) for name, points in measured.items() if len(points) > 1]
    height = PANEL_HEIGHT * len(rows) + MARGIN
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' font-family='system-ui, sans-serif' role='img' "
        "aria-label='how quekkad bears growth'>",
        f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
    ]
    for number, (name, points) in enumerate(rows):
        for column, figure in enumerate(CURVES[name].figures[:COLUMNS]):
            left = column * WIDTH // COLUMNS
            parts += _panel(f"{name}: {figure}", points, figure, left, number * PANEL_HEIGHT)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(title: str, points: Sequence[Point], figure: str, left: int, top: int) -> Iterator[str]:
    values = [max(point.median(figure), 1e-6) for point in points]
    across = [math.log10(max(point.x, 1)) for point in points]
    low, high = math.log10(min(values)) - 0.1, math.log10(max(values)) + 0.1
    x0, y0 = left + MARGIN, top + PANEL_HEIGHT - MARGIN + 16
    width, height = WIDTH // COLUMNS - MARGIN - 12, PANEL_HEIGHT - MARGIN - 14
    span_x, span_y = (across[-1] - across[0]) or 1.0, high - low
    places = [
        (x0 + (x - across[0]) / span_x * width, y0 - (math.log10(value) - low) / span_y * height)
        for x, value in zip(across, values, strict=True)
    ]
    yield _text(x0, top + 14, title, INK, 11, "start")
    yield f"<path d='M{x0},{y0 - height}V{y0}H{x0 + width}' fill='none' stroke='{FAINT}'/>"
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f"<polyline points='{line}' fill='none' stroke='{LINE}'/>"
    for (x, y), point in zip(places, points, strict=True):
        yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.5' fill='{LINE}'/>"
        yield _text(x, y0 + 12, _short(point.x), FAINT, 9, "middle")
    for value in {min(values), max(values)}:
        yield _text(
            x0 - 4, y0 - (math.log10(value) - low) / span_y * height + 3, _short(value), FAINT, 9, "end"
        )


def _text(x: float, y: float, words: str, color: str, size: int, anchor: str) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' fill='{color}' font-size='{size}' text-anchor='{anchor}'>"
        f"{escape(words)}</text>"
    )


def _short(value: float) -> str:
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.3g}"
