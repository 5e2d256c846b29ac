"""quekka.protocols.kafka.api_37_create_partitions: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_37_create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)

EXAMPLES = [
    pytest.param(
        0,
        CreatePartitionsRequest(
            topics=(
                CreatePartitionsTopic(
                    name="logs", count=6, assignments=(CreatePartitionsAssignment(broker_ids=(1,)),)
                ),
            ),
            timeout_ms=30000,
            validate_only=True,
        ),
        (
            b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00"
            b"\x00\x01\x00\x00u0\x01"
        ),
        id="request-0",
    ),
    pytest.param(
        3,
        CreatePartitionsRequest(
            topics=(
                CreatePartitionsTopic(
                    name="logs", count=6, assignments=(CreatePartitionsAssignment(broker_ids=(1,)),)
                ),
            ),
            timeout_ms=30000,
            validate_only=True,
        ),
        b"\x02\x05logs\x00\x00\x00\x06\x02\x02\x00\x00\x00\x01\x00\x00\x00\x00u0\x01\x00",
        id="request-3",
    ),
    pytest.param(
        0,
        CreatePartitionsResponse(
            results=(CreatePartitionsTopicResult(name="logs", error_message="no such thing"),)
        ),
        b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\rno such thing",
        id="response-0",
    ),
    pytest.param(
        3,
        CreatePartitionsResponse(
            results=(CreatePartitionsTopicResult(name="logs", error_message="no such thing"),)
        ),
        b"\x00\x00\x00\x00\x02\x05logs\x00\x00\x0eno such thing\x00\x00",
        id="response-3",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(37, version, message) == body
    assert wire.decode(37, version, type(message), body) == message
