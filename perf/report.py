"""A run's results: one JSON file for machines, one table for people.

The JSON is an object of `format`, `written_at`, `command`, `machine`, `versions`, `settings`, `limits` and
`loads`. A load is `parameters`, `figures` by name and `broker` (what its process used); a figure is `unit`,
`median`, `spread`, `values` (one a round), `goal` and `met`. A change that old readers cannot bear raises
`format`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perf.figures import Figure, LoadResult, show_number
from perf.machine import describe_versions

FORMAT = 1
HEADINGS = ("load", "figure", "median", "unit", "spread", "goal", "")
NUMBER_HEADINGS = {"median", "A", "B", "B/A", "default"}
USAGE_WORDS = (
    ("cpu_percent", "broker CPU", "%", 1),
    ("client_cpu_percent", "client CPU", "%", 1),
    ("rss_max_bytes", "RSS", " MB", 1e-6),
    ("threads_max", "threads", "", 1),
    ("fds_max", "fds", "", 1),
    ("read_calls", "reads", "", 1),
    ("write_calls", "writes", "", 1),
)
"""Of what the broker used: key, word in the table, unit, factor."""


def document(
    command: Sequence[str],
    machine: Mapping[str, Any],
    settings: Mapping[str, str],
    limits: Iterable[Figure],
    results: Iterable[LoadResult],
) -> dict[str, Any]:
    """The whole JSON object."""
    return {
        "format": FORMAT,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "machine": dict(machine),
        "versions": describe_versions(),
        "settings": dict(settings),
        "limits": {figure.name: figure.as_json() for figure in limits},
        "loads": {result.name: result.as_json() for result in results},
    }


def write_document(directory: Path, content: Mapping[str, Any]) -> Path:
    """Writes `<time>-<loads>.json` below `directory` and returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    time = str(content["written_at"]).replace(":", "").replace("+0000", "Z")
    loads = list(content["loads"])
    path = directory / f"{time}-{loads[0] if len(loads) == 1 else f'{len(loads)}-loads'}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def figures_table(name: str, figures: Iterable[Figure]) -> list[tuple[str, ...]]:
    return [
        (
            name,
            figure.name,
            show_number(figure.median),
            figure.unit,
            f"{figure.spread:.0%}" if len(figure.values) > 1 else "",
            "" if figure.goal is None else str(figure.goal),
            figure.verdict,
        )
        for figure in figures
    ]


def show_table(rows: Sequence[Sequence[str]], headings: Sequence[str] = HEADINGS) -> str:
    """Columns as wide as their widest cell; those of numbers are set to the right."""
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings))]
    lines = []
    for row in [headings, *rows]:
        cells = [
            cell.rjust(width) if heading in NUMBER_HEADINGS else cell.ljust(width)
            for heading, cell, width in zip(headings, row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def show_usage(usage: Mapping[str, float]) -> str:
    """One line of what the broker used."""
    words = [
        f"{word} {show_number(round(usage[key] * factor, 1))}{unit}"
        for key, word, unit, factor in USAGE_WORDS
        if key in usage
    ]
    return ", ".join(words)
