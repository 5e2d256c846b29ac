"""Random Kafka requests of any API key and version, made from the field tables, for tests of both kinds:
those that ask a broker and those that only read bytes."""

import random
from typing import Any
from uuid import UUID

from broker_helpers import batch_of

from quekka.protocols.kafka.api_keys import Api
from quekka.protocols.kafka.codec import encode_request, request_type
from quekka.protocols.kafka.fields import NEVER, FieldSpec, Primitive, specs_of
from quekka.protocols.kafka.framing import RequestHeader

BATCH = bytes(batch_of([b"a", b"b"], 1_700_000_000_000))
NUMBERS = (0, 0, 1, 1, -1, -2, 2, 3, 7, 100)
STRINGS = (
    "orders",
    "orders",
    "",
    "__consumer_offsets",
    "no topic",
    "1",
    "retention.ms",
    "compact",
    "x" * 300,
)
RECORDS = (BATCH, BATCH, b"", BATCH[:30], BATCH * 2, b"\0" * 70)
WAITS = ("max_wait_ms", "timeout_ms", "rebalance_timeout_ms", "session_timeout_ms")
"""Fields that say how long the broker may wait: no test waits for what a random number says."""


class RequestMaker:
    """Makes requests of one version from the field tables."""

    def __init__(self, chance: random.Random, version: int) -> None:
        self._chance = chance
        self._version = version

    def make(self, kind: type) -> Any:
        values = {
            field.name: self._value(spec) for field, spec in specs_of(kind) if self._version in spec.versions
        }
        return kind(**values)

    def _value(self, spec: FieldSpec) -> Any:
        if self._version in spec.nullable and self._chance.random() < 0.2:
            return None
        if spec.is_array:
            element = spec._replace(is_array=False, nullable=NEVER)
            return [self._value(element) for _ in range(self._chance.choice((0, 1, 1, 2, 3)))]
        if not isinstance(spec.type, Primitive):
            return self.make(spec.type)
        return self._primitive(spec.type.name)

    def _primitive(self, name: str) -> Any:
        choose = self._chance.choice
        others = {"bool": (False, True), "string": STRINGS, "bytes": (b"", b"x" * 50)}
        if name == "uuid":
            return choose((UUID(int=0), UUID(int=77)))
        if name == "records":
            return memoryview(choose(RECORDS))
        return choose(others.get(name, NUMBERS))


def random_request(chance: random.Random, api: Api, version: int) -> Any:
    """A request that makes nobody wait for more than a millisecond."""
    request = RequestMaker(chance, version).make(request_type(api))
    for name in WAITS:
        if hasattr(request, name):
            setattr(request, name, 1)
    return request


def random_frame(chance: random.Random, api: Api, version: int) -> bytearray:
    """Such a request as bytes, its size before it."""
    return encode_request(RequestHeader(api.key, version, 0, "random"), random_request(chance, api, version))
