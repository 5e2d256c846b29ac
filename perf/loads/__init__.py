"""All loads by name. A name holds its parameter: `append-64k`, `latency-2000`, `open-10g`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from perf.batches import parse_size
from perf.bench import Load
from perf.errors import UnknownLoadError
from perf.loads.append import AppendLoad
from perf.loads.connections import ConnectionsLoad
from perf.loads.groups import GroupsLoad
from perf.loads.idle_connections import IdleConnectionsLoad
from perf.loads.idle_topics import IdleTopicsLoad
from perf.loads.latency import LatencyLoad
from perf.loads.lookup import LookupLoad
from perf.loads.memory import MemoryLoad
from perf.loads.open_log import OpenLoad
from perf.loads.partitions import PartitionsLoad
from perf.loads.poll import PollLoad
from perf.loads.publish_pipelined import PublishPipelinedLoad
from perf.loads.publish_sync import PublishSyncLoad
from perf.loads.read import ReadLoad
from perf.loads.recovery import RecoveryLoad
from perf.loads.startup import StartupLoad

NAME_PATTERN = re.compile(r"(?P<family>[a-z-]+?)(?:-(?P<parameter>\d+[kmg]?))?")


@dataclass(frozen=True, slots=True)
class Family:
    """Loads that differ in their parameter only: `make(name, parameter)`, and those that `all` runs."""

    make: Callable[[str, int], Load]
    default: str
    in_all: tuple[str, ...]
    parameter: str
    minimum: int = 1


FAMILIES: dict[str, Family] = {
    "publish-sync": Family(
        PublishSyncLoad, "1", ("publish-sync", "publish-sync-8"), "connections, each waiting for every reply"
    ),
    "publish-pipelined": Family(
        PublishPipelinedLoad, "1", ("publish-pipelined",), "connections, sending without waiting"
    ),
    "append": Family(AppendLoad, "1m", ("append-64k", "append-1m"), "bytes of a record batch"),
    "poll": Family(PollLoad, "1000", ("poll",), "messages asked for by one POLL"),
    "read": Family(ReadLoad, "1m", ("read-64k", "read-1m"), "bytes of a record batch and of one READ"),
    "latency": Family(LatencyLoad, "2000", ("latency-2000", "latency-10000"), "messages published a second"),
    "startup": Family(StartupLoad, "0", ("startup",), "topics that exist at the start", minimum=0),
    "open": Family(OpenLoad, "10g", ("open-10g",), "bytes of log, closed cleanly before the start"),
    "recovery": Family(RecoveryLoad, "1g", ("recovery",), "bytes of log, flushed before the kill -9"),
    "idle-connections": Family(IdleConnectionsLoad, "1000", ("idle-connections-1000",), "connections"),
    "idle-topics": Family(IdleTopicsLoad, "1000", ("idle-topics-1000",), "topics with one record each"),
    "connections": Family(ConnectionsLoad, "100", (), "connections, each waiting, and one thread for all"),
    "partitions": Family(PartitionsLoad, "100", (), "partitions of one topic"),
    "groups": Family(GroupsLoad, "100", (), "groups with committed offsets"),
    "lookup": Family(LookupLoad, "1g", (), "bytes of log, mostly holes, in which places are looked up"),
    "memory": Family(MemoryLoad, "10g", ("memory-10g",), "bytes written and read while memory is watched"),
}


def find_load(name: str) -> Load:
    """The load called `name`, with or without a parameter; raises UnknownLoadError."""
    match = NAME_PATTERN.fullmatch(name)
    if match is None or match["family"] not in FAMILIES:
        raise UnknownLoadError(f"{name}: no such load; there are {', '.join(FAMILIES)}")
    family = FAMILIES[match["family"]]
    parameter = parse_size(match["parameter"] or family.default)
    if parameter < family.minimum:
        raise UnknownLoadError(f"{name}: at least {family.minimum} of: {family.parameter}")
    return family.make(name, parameter)


def names_in_all() -> list[str]:
    """What `all` runs, in its order."""
    return [name for family in FAMILIES.values() for name in family.in_all]
