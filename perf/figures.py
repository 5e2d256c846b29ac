"""Numbers measured over rounds, and the goals that they are held against."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PERCENTILES: Mapping[str, float] = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a figure's median should keep."""

    bound: float
    at_least: bool

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {show_number(self.bound)}"


def at_least(bound: float) -> Goal:
    """More is better."""
    return Goal(bound, at_least=True)


def at_most(bound: float) -> Goal:
    """Less is better."""
    return Goal(bound, at_least=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity, one value per round."""

    name: str
    unit: str
    values: Sequence[float]
    goal: Goal | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Largest less smallest, as a share of the median."""
        return (max(self.values) - min(self.values)) / abs(self.median) if self.median else 0.0

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing where there is no goal."""
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.median) else "missed"

    def as_json(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "median": self.median,
            "spread": self.spread,
            "values": list(self.values),
            "goal": None if self.goal is None else {"bound": self.goal.bound, "at_least": self.goal.at_least},
            "met": None if self.goal is None else self.goal.is_met(self.median),
        }


@dataclass(slots=True)
class LoadResult:
    """What one load found: its figures, with what it was run on and what the broker used meanwhile."""

    name: str
    parameters: dict[str, Any]
    figures: list[Figure]
    usage: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "parameters": self.parameters,
            "figures": {figure.name: figure.as_json() for figure in self.figures},
            "broker": self.usage,
        }


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of `ordered`, which ascends, the value that `share` of them do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latency_figures(rounds: Iterable[Sequence[float]], goals: Mapping[str, Goal]) -> list[Figure]:
    """A figure in milliseconds for each row of PERCENTILES, from seconds; `goals` go by percentile."""
    ordered_rounds = [sorted(latencies) for latencies in rounds]
    return [
        Figure(f"latency_{name}", "ms", [percentile(o, share) * 1e3 for o in ordered_rounds], goals.get(name))
        for name, share in PERCENTILES.items()
    ]


def show_number(value: float) -> str:
    """Three digits that count, or whole thousands with commas."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
