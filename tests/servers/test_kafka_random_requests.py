"""Random requests of every API key, whole and damaged: the broker answers or hangs up, and never fails."""

import logging
import random

import pytest
from kafka_wire import KafkaWire
from random_requests import random_request

from quekka.embedded import Broker
from quekka.protocols.kafka.api_keys import APIS, PRODUCE, Api
from quekka.protocols.kafka.codec import encode_request
from quekka.protocols.kafka.framing import RequestHeader

REQUESTS = 60
"""Of each API key."""
HEADER_BYTES = 12

WAITING = (0, 1, 11, 14)
"""Keys whose requests are not damaged: a damaged time limit would be waited for, and damaged acks too."""


def frames(api: Api, chance: random.Random) -> list[tuple[bytearray, bool]]:
    """Requests as bytes, a third of them damaged, and whether each has a response."""
    made = []
    for _ in range(REQUESTS):
        version = chance.randint(*api.versions)
        request = random_request(chance, api, version)
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
