"""quekka.protocols.kafka.api_12_heartbeat: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_12_heartbeat import HeartbeatRequest, HeartbeatResponse

EXAMPLES = [
    pytest.param(
        0,
        HeartbeatRequest(group_id="readers", generation_id=3, member_id="m-1"),
        b"\x00\x07readers\x00\x00\x00\x03\x00\x03m-1",
        id="request-0",
    ),
    pytest.param(
        4,
        HeartbeatRequest(group_id="readers", generation_id=3, member_id="m-1", group_instance_id="i-1"),
        b"\x08readers\x00\x00\x00\x03\x04m-1\x04i-1\x00",
        id="request-4",
    ),
    pytest.param(
        0,
        HeartbeatResponse(),
        b"\x00\x00",
        id="response-0",
    ),
    pytest.param(
        4,
        HeartbeatResponse(),
        b"\x00\x00\x00\x00\x00\x00\x00",
        id="response-4",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(12, version, message) == body
    assert wire.decode(12, version, type(message), body) == message
