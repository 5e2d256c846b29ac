"""What the tests of the Kafka codec share: random values from the field tables, and messages as bytes."""

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from quekka.protocols.kafka import codec
from quekka.protocols.kafka.api_keys import APIS_BY_KEY
from quekka.protocols.kafka.fields import FieldSpec, Primitive, specs_of
from quekka.protocols.kafka.schema import reader_for, writer_for

INT_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
ERROR_NUMBERS = (0, 1, 3, 16, 25, 35, 79, -1)
MILLISECONDS = (-1, 0, 1, 30_000, 1_700_000_000_123)
"""Numbers that kio can put into the time types it has for these fields."""
TEXTS = ("", "a", "logs", "größe", "x" * 126, "y" * 127, "z" * 300)


class RandomMessages:
    """Values of any message, with the fields of a version and no others."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def make(self, kind: Any, version: int) -> Any:
        values = {
            field.name: self.field(field.name, spec, version)
            for field, spec in specs_of(kind)
            if version in spec.versions
        }
        return kind(**values)

    def field(self, name: str, spec: FieldSpec, version: int) -> Any:
        if self.random.random() < 0.2 and (version in spec.nullable or _is_tagged_struct(spec)):
            return None
        if spec.is_array:
            count = self.random.choice((0, 1, 2, 3))
            return tuple(self.value(name, spec, version) for _ in range(count))
        value = self.value(name, spec, version)
        if _is_tagged_struct(spec) and value == type(value)():
            return None  # kio leaves out a struct with all defaults, and we know none
        return value

    def value(self, name: str, spec: FieldSpec, version: int) -> Any:
        if not isinstance(spec.type, Primitive):
            return self.make(spec.type, version)
        type_name = spec.type.name
        if type_name in INT_BITS:
            return self.number(name, INT_BITS[type_name])
        if type_name in ("bytes", "records"):
            data = self.random.randbytes(self.random.choice((0, 1, 100, 200)))
            return data if type_name == "bytes" else memoryview(data)
        choices = {"string": TEXTS, "bool": (False, True), "uuid": (UUID(int=0), UUID(int=2**127 + 5))}
        return self.random.choice(choices[type_name])

    def number(self, name: str, bits: int) -> int:
        limit = 2 ** (bits - 1)
        if name.endswith("error_code"):
            return self.random.choice(ERROR_NUMBERS)
        if name.endswith(("_ms", "timestamp")):
            return self.random.choice([number for number in MILLISECONDS if number < limit])
        return self.random.choice((0, 1, -1, limit - 1, -limit, self.random.randrange(-limit, limit)))


def _is_tagged_struct(spec: FieldSpec) -> bool:
    return spec.tag is not None and not spec.is_array and not isinstance(spec.type, Primitive)


@pytest.fixture
def random_messages() -> Callable[[int], RandomMessages]:
    """Makes a source of random messages from a seed, which is printed."""

    def make(seed: int) -> RandomMessages:
        print("seed", seed)
        return RandomMessages(seed)

    return make


class Wire:
    """The body of a message as bytes, by the compiled writers and readers."""

    def encode(self, api_key: int, version: int, message: Any) -> bytes:
        out = bytearray()
        writer_for(type(message), version, APIS_BY_KEY[api_key].is_flexible(version))(out, message)
        return bytes(out)

    def decode(self, api_key: int, version: int, kind: Any, body: bytes) -> Any:
        """The message; it must take exactly these bytes."""
        if kind is codec.request_type(APIS_BY_KEY[api_key]):
            assert codec.decode_request(api_key, version, body) == self._compiled(
                api_key, version, kind, body
            )
        return self._compiled(api_key, version, kind, body)

    def _compiled(self, api_key: int, version: int, kind: Any, body: bytes) -> Any:
        read = reader_for(kind, version, APIS_BY_KEY[api_key].is_flexible(version))
        message, end = read(body, 0)
        assert end == len(body)
        return message


@pytest.fixture
def wire() -> Wire:
    return Wire()
