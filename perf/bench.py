"""What a load is given: its options, brokers in a temporary directory, and rounds that are watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from perf.broker_process import PROGRAM, BrokerProcess
from perf.figures import LoadResult
from perf.remote_client import RemoteClient, Round
from perf.sampler import Sampler, Usage


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; None leaves it to the load."""

    rounds: int = 5
    count: int | None = None
    seconds: float | None = None
    size_bytes: int = 1024
    settings: Mapping[str, str] = field(default_factory=dict)
    program: Path = PROGRAM


@dataclass(slots=True)
class Bench:
    """One run of one load: `directory` is its own, empty, and removed after it.

    Threads: one thread.
    """

    directory: Path
    options: Options

    def broker(self, data: str = "data", **settings: str) -> BrokerProcess:
        """A broker not yet started; `_` in a setting's name stands for `.`, and the command line wins."""
        named = {name.replace("_", "."): value for name, value in settings.items()}
        return BrokerProcess(self.directory / data, {**named, **self.options.settings}, self.options.program)

    def measure(self, broker: BrokerProcess, client: RemoteClient, count: int) -> tuple[list[Round], Usage]:
        """A round to warm up, then the rounds that count, with what the broker used during these."""
        count = self.warm_up(client, count)
        with Sampler(broker.pid) as sampler:
            rounds = [client.run(count) for _ in range(self.options.rounds)]
        return rounds, sampler.usage

    def warm_up(self, client: RemoteClient, count: int) -> int:
        """One round; returns the count for the next: with --seconds, the rate found times the seconds."""
        count = self.options.count or count
        warm = client.run(count)
        return count if self.options.seconds is None else max(1, int(warm.per_s * self.options.seconds))


class Load(Protocol):
    """A named way to press on a broker. The name holds its parameter."""

    @property
    def name(self) -> str: ...

    def run(self, bench: Bench) -> LoadResult: ...


def usage_of(usage: Usage, rounds: list[Round]) -> dict[str, float]:
    """The broker's use, with the client's CPU beside it: a client at 100 % measures itself."""
    busy_s = sum(done.elapsed_s for done in rounds)
    client_cpu_s = sum(done.cpu_s for done in rounds)
    return {
        **usage.as_json(),
        "cpu_percent": 100 * usage.cpu_s / usage.elapsed_s if usage.elapsed_s else 0.0,
        "client_cpu_percent": 100 * client_cpu_s / busy_s if busy_s else 0.0,
    }


def parameters_of(options: Options, rounds: list[Round], **more: Any) -> dict[str, Any]:
    return {"rounds": len(rounds), "count": rounds[0].count, "size_bytes": options.size_bytes, **more}
