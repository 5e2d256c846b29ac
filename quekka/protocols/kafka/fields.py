"""The language in which the messages are written down: one dataclass per struct, one line per field.

    @dataclass(slots=True)
    class HeartbeatResponse:
        throttle_time_ms: int = int32("1+")
        error_code: int = int16("0+")

The class is the field table and the value at once, so a handler writes and reads plain attributes, and mypy
compares the table with the annotations. Each function here says type and versions of a field and returns a
dataclass field with the default that Kafka's own classes have (0, an empty string, an empty array, null
where it says so); what is left out of a constructor takes it. (Named tuples have no room for fields named
`index` and `count`, which Kafka has; dicts would leave mypy blind.)

Versions are written as in Kafka's message definitions: `0+`, `2-4`, `3`. `nullable` are the versions in
which null is allowed, `tag` makes a tagged field. Fields of versions that nobody is offered are left out.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar, overload
from uuid import UUID

from quekka.formats import Buffer
from quekka.protocols.kafka.primitives import ZERO_UUID

T = TypeVar("T")

METADATA_KEY = "kafka"
VERSION_MAX = 32767


class Versions(NamedTuple):
    """A range of API versions, both ends in it."""

    first: int
    last: int

    def __contains__(self, version: object) -> bool:
        return isinstance(version, int) and self.first <= version <= self.last

    @classmethod
    def parse(cls, text: str) -> "Versions":
        """`0+`, `2-4` or `3`."""
        if text.endswith("+"):
            return cls(int(text[:-1]), VERSION_MAX)
        first, _, last = text.partition("-")
        return cls(int(first), int(last or first))


NEVER = Versions(1, 0)


class Primitive(Generic[T]):
    """A type without parts, by Kafka's name of it; `T` is what its values are in Python."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


BOOL = Primitive[bool]("bool")
INT8 = Primitive[int]("int8")
INT16 = Primitive[int]("int16")
INT32 = Primitive[int]("int32")
INT64 = Primitive[int]("int64")
STRING = Primitive[str]("string")
BYTES = Primitive[bytes]("bytes")
RECORDS = Primitive[memoryview]("records")
UUID_TYPE = Primitive[UUID]("uuid")


class FieldSpec(NamedTuple):
    """What the protocol says of a field. Its name and its default are the dataclass field's."""

    type: Primitive[Any] | type
    """A type without parts, or the dataclass of a struct."""
    is_array: bool
    versions: Versions
    nullable: Versions
    tag: int | None


def _field(
    kind: Primitive[Any] | type,
    versions: str,
    default: object,
    *,
    nullable: str | None = None,
    tag: int | None = None,
    is_array: bool = False,
) -> Any:
    nullable_versions = NEVER if nullable is None else Versions.parse(nullable)
    spec = FieldSpec(kind, is_array, Versions.parse(versions), nullable_versions, tag)
    return dataclasses.field(default=default, metadata={METADATA_KEY: spec})


def boolean(versions: str, *, default: bool = False, tag: int | None = None) -> bool:
    field: bool = _field(BOOL, versions, default, tag=tag)
    return field


def int8(versions: str, *, default: int = 0, tag: int | None = None) -> int:
    field: int = _field(INT8, versions, default, tag=tag)
    return field


def int16(versions: str, *, default: int = 0, tag: int | None = None) -> int:
    field: int = _field(INT16, versions, default, tag=tag)
    return field


def int32(versions: str, *, default: int = 0, tag: int | None = None) -> int:
    field: int = _field(INT32, versions, default, tag=tag)
    return field


def int64(versions: str, *, default: int = 0, tag: int | None = None) -> int:
    field: int = _field(INT64, versions, default, tag=tag)
    return field


def uuid(versions: str, *, tag: int | None = None) -> UUID:
    field: UUID = _field(UUID_TYPE, versions, ZERO_UUID, tag=tag)
    return field


def string(versions: str, *, default: str = "", tag: int | None = None) -> str:
    field: str = _field(STRING, versions, default, tag=tag)
    return field


def nullable_string(
    versions: str, *, nullable: str, default: str | None = None, tag: int | None = None
) -> str | None:
    field: str | None = _field(STRING, versions, default, nullable=nullable, tag=tag)
    return field


def binary(versions: str) -> Buffer:
    """Kafka's type `bytes`."""
    field: Buffer = _field(BYTES, versions, b"")
    return field


def record_batches(versions: str, *, nullable: str) -> Any:
    """Kafka's type `records`: a memoryview when read; what is written is up to the message."""
    return _field(RECORDS, versions, None, nullable=nullable)


@overload
def array_of(element: Primitive[T] | type[T], versions: str, *, tag: int | None = None) -> Sequence[T]: ...


@overload
def array_of(
    element: Primitive[T] | type[T],
    versions: str,
    *,
    nullable: str,
    default: Sequence[T] | None = (),
    tag: int | None = None,
) -> Sequence[T] | None: ...


def array_of(
    element: Primitive[T] | type[T],
    versions: str,
    *,
    nullable: str | None = None,
    default: Sequence[T] | None = (),
    tag: int | None = None,
) -> Sequence[T] | None:
    """Any sequence when written, a tuple when read."""
    field: Sequence[T] | None = _field(element, versions, default, nullable=nullable, tag=tag, is_array=True)
    return field


def tagged_struct_of(kind: type[T], versions: str, *, tag: int) -> T | None:
    """A struct in a tagged field, None where it is left out (Kafka's classes put one with all defaults)."""
    field: T | None = _field(kind, versions, None, tag=tag)
    return field


def nullable_struct_of(kind: type[T], versions: str, *, nullable: str) -> T | None:
    """A struct inside, null by default."""
    field: T | None = _field(kind, versions, None, nullable=nullable)
    return field


def specs_of(kind: type) -> list[tuple["dataclasses.Field[Any]", FieldSpec]]:
    """The field table of a struct, in the order of the wire."""
    return [(field, field.metadata[METADATA_KEY]) for field in dataclasses.fields(kind)]
