"""quekka.protocols.kafka.api_20_delete_topics: examples, byte for byte."""

from typing import Any
from uuid import UUID

import pytest

from quekka.protocols.kafka.api_20_delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)

TOPIC_ID = UUID("6f1d3c2a-9b1e-4c55-8d7e-0123456789ab")

EXAMPLES = [
    pytest.param(
        1,
        DeleteTopicsRequest(topic_names=("logs",), timeout_ms=30000),
        b"\x00\x00\x00\x01\x00\x04logs\x00\x00u0",
        id="request-1",
    ),
    pytest.param(
        6,
        DeleteTopicsRequest(topics=(DeleteTopicState(name="logs", topic_id=TOPIC_ID),), timeout_ms=30000),
        b"\x02\x05logso\x1d<*\x9b\x1eLU\x8d~\x01#Eg\x89\xab\x00\x00\x00u0\x00",
        id="request-6",
    ),
    pytest.param(
        1,
        DeleteTopicsResponse(responses=(DeletableTopicResult(name="logs"),)),
        b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x04logs\x00\x00",
        id="response-1",
    ),
    pytest.param(
        6,
        DeleteTopicsResponse(
            responses=(DeletableTopicResult(name="logs", topic_id=TOPIC_ID, error_message="no such thing"),)
        ),
        (
            b"\x00\x00\x00\x00\x02\x05logso\x1d<*\x9b\x1eLU\x8d~\x01#Eg\x89\xab\x00\x00\x0eno such t"
            b"hing\x00\x00"
        ),
        id="response-6",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(20, version, message) == body
    assert wire.decode(20, version, type(message), body) == message
