"""Two results beside each other: for every figure that both have, the ratio of B's median to A's.

A difference within what the rounds of either run differ among themselves is called noise.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perf.errors import NotAResultError
from perf.figures import show_number
from perf.report import FORMAT

HEADINGS = ("load", "figure", "A", "B", "unit", "B/A", "")


def read_document(path: Path) -> dict[str, Any]:
    """A result file's content; raises NotAResultError, OSError."""
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise NotAResultError(f"{path}: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise NotAResultError(f"{path}: no result of format {FORMAT}")
    return content


def compare_documents(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows under HEADINGS, the machine's limits first; what only one of them has is left out."""
    rows = _compare_figures("(machine)", a["limits"], b["limits"])
    for name, load in a["loads"].items():
        if name in b["loads"]:
            rows += _compare_figures(name, load["figures"], b["loads"][name]["figures"])
    return rows


def _compare_figures(load: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            load,
            name,
            show_number(figure["median"]),
            show_number(b[name]["median"]),
            figure["unit"],
            f"{b[name]['median'] / figure['median']:.2f}" if figure["median"] else "",
            "noise" if ranges_overlap(figure["values"], b[name]["values"]) else "",
        )
        for name, figure in a.items()
        if name in b
    ]


def ranges_overlap(a: list[float], b: list[float]) -> bool:
    """Whether values of one run lie among those of the other; single values are never noise unless equal."""
    return min(a) <= max(b) and min(b) <= max(a)
