"""quekka.protocols.kafka.fields: versions, defaults, and that all tables are sound."""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

import dataclasses
import keyword
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from quekka.protocols.kafka import codec, fields
from quekka.protocols.kafka.api_keys import APIS
from quekka.protocols.kafka.fields import NEVER, Primitive, Versions, specs_of

TAKEN = {"buf", "pos", "at", "length", "tag", "end", "error"}
"""Local names of the compiled readers, beside those of the fields."""


@pytest.mark.parametrize(
    ("text", "first", "last"), [("0+", 0, 32767), ("2-4", 2, 4), ("3", 3, 3), ("10-10", 10, 10)]
)
def test_versions_are_written_as_kafka_writes_them(text: str, first: int, last: int) -> None:
    versions = Versions.parse(text)
    assert versions == (first, last)
    assert first in versions
    assert last in versions
    assert first - 1 not in versions
    assert last + 1 not in versions


def test_no_version_is_in_never() -> None:
    assert not any(version in NEVER for version in range(-1, 20))


def test_what_is_left_out_takes_its_default() -> None:
    @dataclasses.dataclass(slots=True)
    class Inner:
        number: int = fields.int64("0+", default=7)

    @dataclasses.dataclass(slots=True)
    class Everything:
        flag: bool = fields.boolean("0+")
        count: int = fields.int32("0+")
        epoch: int = fields.int32("0+", default=-1)
        name: str = fields.string("0+")
        key: str | None = fields.nullable_string("0+", nullable="0+")
        data: Any = fields.binary("0+")
        records: Any = fields.record_batches("0+", nullable="0+")
        topic_id: UUID = fields.uuid("0+")
        inner: Any = fields.array_of(Inner, "0+")
        others: Any = fields.array_of(fields.INT32, "0+", nullable="0+", default=None)
        tagged: Any = fields.tagged_struct_of(Inner, "0+", tag=0)
        cursor: Any = fields.nullable_struct_of(Inner, "0+", nullable="0+")

    expected = (False, 0, -1, "", None, b"", None, UUID(int=0), (), None, None, None)
    assert dataclasses.astuple(Everything()) == expected
    assert Inner() == Inner(7)


def structs(kind: Any) -> Iterator[Any]:
    yield kind
    for _, spec in specs_of(kind):
        if not isinstance(spec.type, Primitive):
            yield from structs(spec.type)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_a_table_is_sound(api: Any) -> None:
    for message in (codec.request_type(api), codec.response_type(api)):
        names = {kind.__name__: kind for kind in structs(message)}
        for kind in structs(message):
            assert names[kind.__name__] is kind, "two structs of one name"
            tags = [spec.tag for _, spec in specs_of(kind) if spec.tag is not None]
            assert len(set(tags)) == len(tags)
            for field, spec in specs_of(kind):
                assert field.name not in TAKEN
                assert not keyword.iskeyword(field.name)
                assert not field.name.startswith("_")
                assert spec.tag is None or spec.versions.first >= api.flexible_from >= 0


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_every_field_is_in_a_version_that_is_offered(api: Any) -> None:
    offered = range(api.versions.first, api.versions.last + 1)
    for message in (codec.request_type(api), codec.response_type(api)):
        for kind in structs(message):
            for field, spec in specs_of(kind):
                assert any(version in spec.versions for version in offered), f"{kind.__name__}.{field.name}"
