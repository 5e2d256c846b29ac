"""The comparison as rows for people: a line for each figure, a column for each server."""

from collections.abc import Sequence

from perf.comparison.goals import OTHERS, QUEKKA
from perf.comparison.outcome import FIGURES, Outcome, Row
from perf.figures import show_number

HIDDEN = {"payload", "rss", "max", "late_p99", "client_cpu"}
"""Figures that are in the JSON only."""
CLIENTS_OWN = {"records", "produced", "consumed"}
CLIENT_BUSY_PERCENT = 85
FOOTNOTE = f"* the client took {CLIENT_BUSY_PERCENT} % of a processor or more: the server may be faster\n"


def headings(peers: Sequence[str]) -> tuple[str, ...]:
    return ("load", "figure", "unit", *peers, "quekka/best peer")


def rows(outcome: Outcome, peers: Sequence[str]) -> list[tuple[str, ...]]:
    """Medians with their spread, and the better quekkad's to the best other server's, turned so that more
    than 1 is better for quekkad."""
    return [
        (
            row[0],
            FIGURES[row[1]].words,
            FIGURES[row[1]].unit,
            *(cell(outcome, row, peer) for peer in peers),
            ratio(outcome, row),
        )
        for row in outcome.values
        if row[1] not in HIDDEN
    ]


def cell(outcome: Outcome, row: Row, peer: str) -> str:
    median = outcome.median(row, peer)
    if median is None:
        return "-"
    several = len(outcome.values[row][peer]) > 1
    spread = f" ±{outcome.spread(row, peer) / 2:.0%}" if several else ""
    client_cpu = outcome.median((row[0], "client_cpu"), peer) or 0.0
    mark = "*" if row[1] in CLIENTS_OWN and client_cpu >= CLIENT_BUSY_PERCENT else ""
    return f"{show_number(median)}{spread}{mark}"


def ratio(outcome: Outcome, row: Row) -> str:
    ours, theirs = outcome.best([row], QUEKKA), outcome.best([row], OTHERS)
    if ours is None or theirs is None or not ours[1] or not theirs[1]:
        return ""
    better = ours[1] / theirs[1] if FIGURES[row[1]].more_is_better else theirs[1] / ours[1]
    return f"{better:.2f} ({theirs[0]})"
