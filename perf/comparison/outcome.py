"""What a comparison found: by load, figure and server, one value a round, and what went wrong."""

import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = tuple[str, str]
"""A load and one of its figures."""


@dataclass(frozen=True, slots=True)
class FigureKind:
    """What a figure is called in the table, its unit, and whether more is better."""

    words: str
    unit: str
    more_is_better: bool


FIGURES: Mapping[str, FigureKind] = {
    "records": FigureKind("records", "1/s", True),
    "payload": FigureKind("payload", "MB/s", True),
    "produced": FigureKind("produced", "1/s", True),
    "consumed": FigureKind("consumed", "1/s", True),
    "p50": FigureKind("latency p50", "ms", False),
    "p99": FigureKind("latency p99", "ms", False),
    "max": FigureKind("latency max", "ms", False),
    "late_p99": FigureKind("sender late p99", "ms", False),
    "cpu": FigureKind("server CPU", "s/million", False),
    "rss": FigureKind("server memory", "MB", False),
    "client_cpu": FigureKind("client CPU", "%", False),
    "ready": FigureKind("ready", "s", False),
    "idle": FigureKind("idle memory", "MB", False),
    "peak": FigureKind("peak memory", "MB", False),
}


@dataclass(slots=True)
class Outcome:
    """Threads: one thread."""

    values: dict[Row, dict[str, list[float]]] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def add(self, load: str, peer: str, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.values.setdefault((load, name), {}).setdefault(peer, []).append(value)

    def fail(self, round_number: int, load: str, peer: str, error: object) -> None:
        self.errors.append({"round": round_number, "load": load, "peer": peer, "error": str(error)})

    def median(self, row: Row, peer: str) -> float | None:
        """None where nothing was measured."""
        values = self.values.get(row, {}).get(peer)
        return statistics.median(values) if values else None

    def spread(self, row: Row, peer: str) -> float:
        """Largest less smallest, as a share of the median."""
        values = self.values[row][peer]
        median = statistics.median(values)
        return (max(values) - min(values)) / median if median else 0.0

    def best(self, rows: Iterable[Row], peers: Iterable[str]) -> tuple[str, float] | None:
        """The best median over several rows of one kind, and whose it is."""
        found: list[tuple[str, float]] = []
        more_is_better = True
        peers = list(peers)
        for row in rows:
            more_is_better = FIGURES[row[1]].more_is_better
            found += [(peer, median) for peer in peers if (median := self.median(row, peer)) is not None]
        if not found:
            return None
        return (max if more_is_better else min)(found, key=lambda pair: pair[1])

    def as_json(self) -> dict[str, Any]:
        """Loads, in them figures, in them servers."""
        loads: dict[str, dict[str, Any]] = {}
        for (load, name), peers in self.values.items():
            kind = FIGURES[name]
            loads.setdefault(load, {})[name] = {
                "unit": kind.unit,
                "more_is_better": kind.more_is_better,
                "peers": dict(self._peers_as_json((load, name), peers)),
            }
        return loads

    def _peers_as_json(
        self, row: Row, peers: Mapping[str, list[float]]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for peer, values in peers.items():
            yield peer, {"median": self.median(row, peer), "spread": self.spread(row, peer), "values": values}
