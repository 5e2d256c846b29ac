"""quekka.protocols.kafka.api_22_init_producer_id: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_22_init_producer_id import InitProducerIdRequest, InitProducerIdResponse

EXAMPLES = [
    pytest.param(
        0,
        InitProducerIdRequest(transactional_id="t-1", transaction_timeout_ms=1),
        b"\x00\x03t-1\x00\x00\x00\x01",
        id="request-0",
    ),
    pytest.param(
        5,
        InitProducerIdRequest(
            transactional_id="t-1", transaction_timeout_ms=1, producer_id=4000, producer_epoch=1
        ),
        b"\x04t-1\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0f\xa0\x00\x01\x00",
        id="request-5",
    ),
    pytest.param(
        0,
        InitProducerIdResponse(producer_id=4000, producer_epoch=1),
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0f\xa0\x00\x01",
        id="response-0",
    ),
    pytest.param(
        5,
        InitProducerIdResponse(producer_id=4000, producer_epoch=1),
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0f\xa0\x00\x01\x00",
        id="response-5",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(22, version, message) == body
    assert wire.decode(22, version, type(message), body) == message
