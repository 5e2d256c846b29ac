"""quekka.protocols.kafka.api_14_sync_group: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_14_sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)

EXAMPLES = [
    pytest.param(
        0,
        SyncGroupRequest(
            group_id="readers",
            generation_id=3,
            member_id="m-1",
            assignments=(SyncGroupRequestAssignment(member_id="m-1", assignment=b"\x00\x01logs"),),
        ),
        (
            b"\x00\x07readers\x00\x00\x00\x03\x00\x03m-1\x00\x00\x00\x01\x00\x03m-1\x00\x00\x00\x06"
            b"\x00\x01logs"
        ),
        id="request-0",
    ),
    pytest.param(
        5,
        SyncGroupRequest(
            group_id="readers",
            generation_id=3,
            member_id="m-1",
            group_instance_id="i-1",
            protocol_type="consumer",
            protocol_name="range",
            assignments=(SyncGroupRequestAssignment(member_id="m-1", assignment=b"\x00\x01logs"),),
        ),
        b"\x08readers\x00\x00\x00\x03\x04m-1\x04i-1\tconsumer\x06range\x02\x04m-1\x07\x00\x01logs\x00\x00",
        id="request-5",
    ),
    pytest.param(
        0,
        SyncGroupResponse(assignment=b"\x00\x01logs"),
        b"\x00\x00\x00\x00\x00\x06\x00\x01logs",
        id="response-0",
    ),
    pytest.param(
        5,
        SyncGroupResponse(protocol_type="consumer", protocol_name="range", assignment=b"\x00\x01logs"),
        b"\x00\x00\x00\x00\x00\x00\tconsumer\x06range\x07\x00\x01logs\x00",
        id="response-5",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(14, version, message) == body
    assert wire.decode(14, version, type(message), body) == message
