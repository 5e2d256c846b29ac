"""Random requests of every API key, whole and damaged: the broker answers or hangs up, and never fails."""

import logging
import random
from typing import Any
from uuid import UUID

import pytest
from broker_helpers import batch_of
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_keys import APIS, PRODUCE, Api
from quekka.protocols.kafka.codec import encode_request, request_type
from quekka.protocols.kafka.fields import NEVER, FieldSpec, Primitive, specs_of
from quekka.protocols.kafka.framing import RequestHeader

REQUESTS = 60
"""Of each API key."""
HEADER_BYTES = 12

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
WAITING = (0, 1, 11, 14)
"""Keys whose requests are not damaged: a damaged time limit would be waited for, and damaged acks too."""
WAITS = ("max_wait_ms", "timeout_ms", "rebalance_timeout_ms", "session_timeout_ms")


class Maker:
    """Makes requests from the field tables."""

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


def frames(api: Api, chance: random.Random) -> list[tuple[bytearray, bool]]:
    """Requests as bytes, a third of them damaged, and whether each has a response."""
    made = []
    for _ in range(REQUESTS):
        version = chance.randint(*api.versions)
        request = Maker(chance, version).make(request_type(api))
        for name in WAITS:
            if hasattr(request, name):
                setattr(request, name, 1)
        frame = encode_request(RequestHeader(api.key, version, 0, "random"), request)
        is_answered = api.key != PRODUCE or request.acks != 0
        if chance.random() < 0.33 and len(frame) > HEADER_BYTES and api.key not in WAITING:
            frame[chance.randrange(HEADER_BYTES, len(frame))] = chance.randrange(256)
        made.append((frame, is_answered))
    return made


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_random_requests_are_answered_or_hung_up_on(
    broker: Broker, caplog: pytest.LogCaptureFixture, seed: int, api: Api
) -> None:
    broker.core.topics.create("orders", 2)
    with caplog.at_level(logging.ERROR):
        wire = KafkaWire(broker.host, broker.port)
        for frame, is_answered in frames(api, random.Random(seed)):
            wire.send_bytes(frame)
            if not is_answered or not wire.receive_frame():
                wire.close()
                wire = KafkaWire(broker.host, broker.port)
        wire.close()
    assert [record.getMessage() for record in caplog.records] == []
