"""quekka.protocols.kafka.api_10_find_coordinator: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_10_find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)

EXAMPLES = [
    pytest.param(
        0,
        FindCoordinatorRequest(key="readers"),
        b"\x00\x07readers",
        id="request-0",
    ),
    pytest.param(
        5,
        FindCoordinatorRequest(coordinator_keys=("readers",)),
        b"\x00\x02\x08readers\x00",
        id="request-5",
    ),
    pytest.param(
        0,
        FindCoordinatorResponse(node_id=1, host="localhost", port=9092),
        b"\x00\x00\x00\x00\x00\x01\x00\tlocalhost\x00\x00#\x84",
        id="response-0",
    ),
    pytest.param(
        5,
        FindCoordinatorResponse(
            coordinators=(
                Coordinator(
                    key="readers", node_id=1, host="localhost", port=9092, error_message="no such thing"
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x08readers\x00\x00\x00\x01\nlocalhost\x00\x00#\x84\x00\x00\x0eno "
            b"such thing\x00\x00"
        ),
        id="response-5",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(10, version, message) == body
    assert wire.decode(10, version, type(message), body) == message
