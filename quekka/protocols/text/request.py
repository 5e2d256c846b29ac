"""What a line asks for, as values: one class for each command, its fields already checked and decoded.

NamedTuples, because they are immutable, cheap to make and cheap to compare.
"""

from collections.abc import Mapping
from typing import NamedTuple

from quekka.formats.record import Header
from quekka.offset_spec import OffsetSpec

ACKS_NONE = 0
"""The client wants no reply at all, not even an error."""
ACKS_ALL = -1


class Publish(NamedTuple):
    """`PUBLISH`: one record; its value is the payload."""

    topic: str
    length: int
    partition: int | None = None
    key: bytes | None = None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None
    acks: int = ACKS_ALL


class Append(NamedTuple):
    """`APPEND`: record batches in Kafka's format; they are the payload."""

    topic: str
    partition: int
    length: int
    acks: int = ACKS_ALL


class Subscribe(NamedTuple):
    topic: str
    group: str
    start: OffsetSpec


class Unsubscribe(NamedTuple):
    topic: str
    group: str


class Poll(NamedTuple):
    topic: str
    group: str
    max_messages: int
    timeout_ms: int
    max_bytes: int


class Fetch(NamedTuple):
    topic: str
    partition: int
    offset: int
    max_messages: int
    timeout_ms: int
    max_bytes: int


class Read(NamedTuple):
    topic: str
    partition: int
    offset: int
    timeout_ms: int
    max_bytes: int


class Commit(NamedTuple):
    topic: str
    group: str
    offset: int | None
    """None: the group's present position in every partition."""
    partition: int | None


class Seek(NamedTuple):
    topic: str
    group: str
    where: OffsetSpec
    partition: int | None


class ListOffsets(NamedTuple):
    topic: str
    partition: int
    where: OffsetSpec


class Create(NamedTuple):
    topic: str
    partitions: int | None
    settings: Mapping[str, str]


class Config(NamedTuple):
    topic: str
    partitions: int | None
    settings: Mapping[str, str]


class Delete(NamedTuple):
    topic: str


class DeleteRecords(NamedTuple):
    topic: str
    partition: int
    before_offset: int


class Topics(NamedTuple):
    pass


class Info(NamedTuple):
    topic: str
    partition: int | None


class Groups(NamedTuple):
    pass


class Group(NamedTuple):
    group: str
    topic: str | None


class DeleteGroup(NamedTuple):
    group: str


class Stats(NamedTuple):
    pass


class Ping(NamedTuple):
    pass


class Help(NamedTuple):
    command: str | None


class Quit(NamedTuple):
    pass


Request = (
    Publish | Append | Subscribe | Unsubscribe | Poll | Fetch | Read | Commit | Seek | ListOffsets | Create
    | Config | Delete | DeleteRecords | Topics | Info | Groups | Group | DeleteGroup | Stats | Ping | Help
    | Quit
)  # fmt: skip
