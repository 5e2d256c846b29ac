"""What quekkad is held against: other servers in the same run, this machine's limits, or a number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perf.comparison.outcome import FIGURES, Outcome, Row
from perf.figures import show_number

QUEKKA = ("quekka-text", "quekka-kafka")
OTHERS = ("redis", "nats", "rabbitmq", "beanstalkd", "kafka")
GB_PER_MB = 1e-3


@dataclass(frozen=True, slots=True)
class ComparedGoal:
    """The best median of `peers` in `row` is held against a bound; exactly one of the last three makes it.

    `than` names servers, whose best median in `row` or one of `than_rows` counts `factor` times; `limit` a
    figure of limits.py in GB/s, `factor` times; `bound` a number in the row's own unit.
    """

    words: str
    row: Row
    peers: Sequence[str]
    than: Sequence[str] = ()
    than_rows: Sequence[Row] = ()
    limit: str = ""
    bound: float | None = None
    factor: float = 1.0

    def judge(self, outcome: Outcome, limits: Mapping[str, float]) -> "Verdict":
        found = outcome.best([self.row], self.peers)
        reference, bound = self._bound(outcome, limits)
        met = None
        if found is not None and bound is not None:
            met = found[1] >= bound if FIGURES[self.row[1]].more_is_better else found[1] <= bound
        return Verdict(self, found, reference, bound, met)

    def _bound(self, outcome: Outcome, limits: Mapping[str, float]) -> tuple[str, float | None]:
        if self.bound is not None:
            return "", self.bound
        if self.limit:
            limit = limits.get(self.limit)
            return self.limit, None if limit is None else self.factor * limit / GB_PER_MB
        best = outcome.best(self.than_rows or [self.row], self.than)
        return (best[0], best[1] * self.factor) if best else (", ".join(self.than), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal with what was found; `met` is None where one of the two was not measured."""

    goal: ComparedGoal
    found: tuple[str, float] | None
    reference: str
    bound: float | None
    met: bool | None

    @property
    def word(self) -> str:
        return {True: "met", False: "missed", None: "not measured"}[self.met]

    def cells(self) -> tuple[str, ...]:
        """Under HEADINGS."""
        kind = FIGURES[self.goal.row[1]]
        sign = ">=" if kind.more_is_better else "<="
        return (
            self.goal.words,
            " ".join(self.goal.row),
            "" if self.found is None else f"{show_number(self.found[1])} ({self.found[0]})",
            "" if self.bound is None else f"{sign} {show_number(self.bound)}",
            kind.unit,
            self.reference if self.goal.factor == 1 else f"{self.goal.factor:g} x {self.reference}",
            self.word,
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "goal": self.goal.words,
            "load": self.goal.row[0],
            "figure": self.goal.row[1],
            "found": self.found and {"peer": self.found[0], "median": self.found[1]},
            "bound": self.bound,
            "reference": self.reference,
            "factor": self.goal.factor,
            "met": self.met,
        }


HEADINGS = ("goal", "figure", "found", "bound", "unit", "of", "")

TEXT, KAFKA_PROTOCOL = ("quekka-text",), ("quekka-kafka",)
STORED = (("pipelined", "records"), ("batched", "records"))

GOALS: Sequence[ComparedGoal] = (
    ComparedGoal("synchronous produce no slower than Redis", ("sync", "records"), TEXT, ("redis",)),
    ComparedGoal("pipelined PUBLISH ahead of every peer", ("pipelined", "records"), TEXT, OTHERS),
    ComparedGoal(
        "batched produce, Kafka's protocol: 4 times the best peer",
        ("batched", "records"),
        KAFKA_PROTOCOL,
        OTHERS,
        STORED,
        factor=4,
    ),
    ComparedGoal(
        "batched produce: half of loopback",
        ("batched", "payload"),
        KAFKA_PROTOCOL,
        limit="loopback",
        factor=0.5,
    ),
    ComparedGoal("reading from the start ahead of every peer", ("read", "records"), QUEKKA, OTHERS),
    ComparedGoal(
        "reading from the start: 0.8 of pread and send",
        ("read", "payload"),
        QUEKKA,
        limit="pread_send",
        factor=0.8,
    ),
    ComparedGoal(
        "POLL ahead of NATS and beanstalkd",
        ("poll", "records"),
        TEXT,
        ("nats", "beanstalkd"),
        (("read", "records"),),
    ),
    ComparedGoal("end to end at 2,000/s, p50", ("latency-2000", "p50"), TEXT, bound=0.15),
    ComparedGoal("end to end at 2,000/s, p99", ("latency-2000", "p99"), TEXT, bound=1.0),
    ComparedGoal("end to end at 10,000/s, p50", ("latency-10000", "p50"), TEXT, bound=0.2),
    ComparedGoal("end to end at 10,000/s, p99", ("latency-10000", "p99"), TEXT, bound=1.0),
    ComparedGoal("fsync before the answer ahead of Redis", ("fsync", "records"), TEXT, ("redis",)),
    ComparedGoal("fsync before the answer ahead of Kafka", ("fsync", "records"), KAFKA_PROTOCOL, ("kafka",)),
    ComparedGoal(
        "CPU a million records in, batched, under Kafka's", ("batched", "cpu"), KAFKA_PROTOCOL, ("kafka",)
    ),
    ComparedGoal("CPU a million records out, under Kafka's", ("read", "cpu"), KAFKA_PROTOCOL, ("kafka",)),
    ComparedGoal("start-up", ("startup", "ready"), TEXT, bound=0.25),
    ComparedGoal("idle memory", ("startup", "idle"), TEXT, bound=40.0),
    ComparedGoal(
        "librdkafka produces no slower than to Kafka", ("confluent", "produced"), KAFKA_PROTOCOL, ("kafka",)
    ),
    ComparedGoal(
        "librdkafka consumes no slower than from Kafka", ("confluent", "consumed"), KAFKA_PROTOCOL, ("kafka",)
    ),
    ComparedGoal("one record by Kafka's protocol, acknowledged", ("sync", "p50"), KAFKA_PROTOCOL, bound=0.15),
)


def judge_all(loads: Iterable[str], outcome: Outcome, limits: Mapping[str, float]) -> list[Verdict]:
    """The goals about `loads`."""
    chosen = set(loads)
    return [goal.judge(outcome, limits) for goal in GOALS if goal.row[0] in chosen]
