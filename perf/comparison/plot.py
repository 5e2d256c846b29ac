"""The medians as bars, in SVG written by hand: a panel for each figure, a bar for each server.

Every panel has its own scale from zero; the thin line at the end of a bar reaches from the smallest to the
largest round.
"""

from collections.abc import Iterator, Sequence
from html import escape

from perf.comparison.outcome import FIGURES, Outcome, Row
from perf.figures import show_number

PANELS: Sequence[tuple[str, Row]] = (
    ("Produce, each record waited for", ("sync", "records")),
    ("Produce, pipelined", ("pipelined", "records")),
    ("Produce, batched", ("batched", "records")),
    ("Read a log from its start", ("read", "records")),
    ("End to end at 2,000 records/s, p99", ("latency-2000", "p99")),
    ("End to end at 10,000 records/s, p99", ("latency-10000", "p99")),
    ("1,000 connections, each waiting", ("connections-1000", "records")),
    ("Produce, each group on disk before its answer", ("fsync", "records")),
    ("Start-up", ("startup", "ready")),
    ("Memory, idle", ("startup", "idle")),
)
WIDTH, MARGIN, GAP = 900, 16, 28
COLUMNS = 2
PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP) // COLUMNS
NAME_WIDTH, VALUE_WIDTH = 100, 78
BAR_WIDTH_MAX = PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH
BAR_HEIGHT, LINE_HEIGHT, TITLE_HEIGHT = 14, 20, 44
OURS, THEIRS, INK, FAINT = "#c2410c", "#94a3b8", "#1e293b", "#64748b"
FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


def svg(outcome: Outcome, peers: Sequence[str], footnote: str) -> str:
    """The whole document; panels of which nothing was measured are left out."""
    panels = [(title, row) for title, row in PANELS if row in outcome.values]
    parts: list[str] = []
    top = MARGIN
    for start in range(0, len(panels), COLUMNS):
        line = panels[start : start + COLUMNS]
        for column, (title, row) in enumerate(line):
            parts += panel(outcome, row, peers, title, MARGIN + column * (PANEL_WIDTH + GAP), top)
        bars = max(len(measured(outcome, row, peers)) for _, row in line)
        top += TITLE_HEIGHT + LINE_HEIGHT * bars + GAP // 2
    parts.append(text(MARGIN, top + 8, footnote, size=11, fill=FAINT))
    height = top + 2 * MARGIN
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' {FONT} role='img' aria-label='quekkad beside other servers'>\n"
        f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def measured(outcome: Outcome, row: Row, peers: Sequence[str]) -> list[str]:
    return [peer for peer in peers if outcome.median(row, peer) is not None]


def panel(outcome: Outcome, row: Row, peers: Sequence[str], title: str, left: int, top: int) -> Iterator[str]:
    kind = FIGURES[row[1]]
    names = measured(outcome, row, peers)
    largest = max(max(outcome.values[row][name]) for name in names) or 1.0
    unit = "records/s" if kind.unit == "1/s" else kind.unit
    better = "more" if kind.more_is_better else "less"
    yield text(left, top + 14, title, weight="600", size=14)
    yield text(left, top + 30, f"{unit}, {better} is better", size=11, fill=FAINT)
    for index, name in enumerate(names):
        yield from bar(name, outcome.values[row][name], outcome.median(row, name) or 0.0, largest,
                       left, top + TITLE_HEIGHT + index * LINE_HEIGHT)  # fmt: skip


def bar(
    name: str, values: Sequence[float], median: float, largest: float, left: int, top: int
) -> Iterator[str]:
    """The name, the bar, the range of the rounds, the number."""
    start = left + NAME_WIDTH
    scale = BAR_WIDTH_MAX / largest
    ours = name.startswith("quekka")
    middle = top + BAR_HEIGHT / 2
    yield text(start - 6, top + 11, name, anchor="end", weight="600" if ours else "400")
    yield (
        f"<rect x='{start}' y='{top}' width='{max(1.0, median * scale):.1f}' height='{BAR_HEIGHT}' rx='2' "
        f"fill='{OURS if ours else THEIRS}'/>"
    )
    yield (
        f"<line x1='{start + min(values) * scale:.1f}' x2='{start + max(values) * scale:.1f}' "
        f"y1='{middle:.1f}' y2='{middle:.1f}' stroke='{INK}' stroke-width='1'/>"
    )
    yield text(round(start + max(values) * scale) + 6, top + 11, show_number(median))


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 12,
    fill: str = INK,
    weight: str = "400",
    anchor: str = "start",
) -> str:
    return (
        f"<text x='{x}' y='{y}' font-size='{size}' font-weight='{weight}' fill='{fill}' "
        f"text-anchor='{anchor}'>{escape(words)}</text>"
    )
