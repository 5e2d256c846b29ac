"""What Admin says about topics and groups, as values."""

import re
from dataclasses import dataclass

from quekka.client.reply import ReplyFields

_LAG_FIELD = re.compile(r"(?P<topic>[A-Za-z0-9._-]+)/(?P<partition>[0-9]+)\.committed", re.ASCII)
_MEMBER_FIELD = re.compile(r"member\.(?P<number>[0-9]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class PartitionDescription:
    """One partition's log."""

    partition: int
    log_start_offset: int
    log_end_offset: int
    """The offset that the next record will get."""
    size_bytes: int
    segments: int


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic and its partitions, by number."""

    name: str
    topic_id: str
    is_internal: bool
    """One of the broker's own: readable, not writable."""
    size_bytes: int
    segments: int
    partitions: tuple[PartitionDescription, ...]


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """How far a group has come in one partition."""

    topic: str
    partition: int
    committed: int | None
    """The offset to read next, as committed; None: the group has committed nothing here."""
    position: int | None
    """Where POLL of the text protocol stands; None: nowhere yet."""
    end_offset: int
    lag: int | None
    """Records from the committed offset to the end; None where nothing is committed."""


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """A consumer group; one that does not exist has the state Dead, as in Kafka."""

    group: str
    state: str
    """Empty, PreparingRebalance, CompletingRebalance, Stable or Dead."""
    members: tuple[str, ...]
    partitions: tuple[PartitionLag, ...]


def topic_description(fields: ReplyFields) -> TopicDescription:
    """Read the reply to `INFO <topic>`."""
    return TopicDescription(
        name=fields.text("topic"),
        topic_id=fields.text("topic_id"),
        is_internal=fields.text("internal") in ("true", "1"),
        size_bytes=fields.integer("size_bytes"),
        segments=fields.integer("segments"),
        partitions=tuple(_partition(fields, number) for number in range(fields.integer("partitions"))),
    )


def _partition(fields: ReplyFields, number: int) -> PartitionDescription:
    return PartitionDescription(
        partition=number,
        log_start_offset=fields.integer(f"{number}.log_start_offset"),
        log_end_offset=fields.integer(f"{number}.log_end_offset"),
        size_bytes=fields.integer(f"{number}.size_bytes"),
        segments=fields.integer(f"{number}.segments"),
    )


def group_description(fields: ReplyFields) -> GroupDescription:
    """Read the reply to `GROUP <group>`."""
    lags = [match for name in fields if (match := _LAG_FIELD.fullmatch(name))]
    members = [name for name in fields if _MEMBER_FIELD.fullmatch(name)]
    return GroupDescription(
        group=fields.text("group"),
        state=fields.text("state"),
        members=tuple(fields[name] for name in members),
        partitions=tuple(_lag(fields, match["topic"], int(match["partition"])) for match in lags),
    )


def _lag(fields: ReplyFields, topic: str, partition: int) -> PartitionLag:
    name = f"{topic}/{partition}"
    committed = _or_none(fields.integer(f"{name}.committed"))
    return PartitionLag(
        topic=topic,
        partition=partition,
        committed=committed,
        position=_or_none(fields.integer(f"{name}.position")),
        end_offset=fields.integer(f"{name}.end"),
        lag=None if committed is None else fields.integer(f"{name}.lag"),
    )


def _or_none(offset: int) -> int | None:
    return None if offset < 0 else offset
