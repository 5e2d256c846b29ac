"""quekka.protocols.kafka.api_11_join_group: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_11_join_group import (
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
    JoinGroupResponseMember,
)

EXAMPLES = [
    pytest.param(
        0,
        JoinGroupRequest(
            group_id="readers",
            session_timeout_ms=45000,
            member_id="m-1",
            protocol_type="consumer",
            protocols=(JoinGroupRequestProtocol(name="range", metadata=b"\x00\x01logs"),),
        ),
        (
            b"\x00\x07readers\x00\x00\xaf\xc8\x00\x03m-1\x00\x08consumer\x00\x00\x00\x01\x00\x05rang"
            b"e\x00\x00\x00\x06\x00\x01logs"
        ),
        id="request-0",
    ),
    pytest.param(
        9,
        JoinGroupRequest(
            group_id="readers",
            session_timeout_ms=45000,
            rebalance_timeout_ms=300000,
            member_id="m-1",
            group_instance_id="i-1",
            protocol_type="consumer",
            protocols=(JoinGroupRequestProtocol(name="range", metadata=b"\x00\x01logs"),),
            reason="bye",
        ),
        (
            b"\x08readers\x00\x00\xaf\xc8\x00\x04\x93\xe0\x04m-1\x04i-1\tconsumer\x02\x06range\x07"
            b"\x00\x01logs\x00\x04bye\x00"
        ),
        id="request-9",
    ),
    pytest.param(
        0,
        JoinGroupResponse(
            generation_id=3,
            protocol_name="range",
            leader="m-1",
            member_id="m-1",
            members=(JoinGroupResponseMember(member_id="m-1", metadata=b"\x00\x01logs"),),
        ),
        (
            b"\x00\x00\x00\x00\x00\x03\x00\x05range\x00\x03m-1\x00\x03m-1\x00\x00\x00\x01\x00\x03m-1"
            b"\x00\x00\x00\x06\x00\x01logs"
        ),
        id="response-0",
    ),
    pytest.param(
        9,
        JoinGroupResponse(
            generation_id=3,
            protocol_type="consumer",
            protocol_name="range",
            leader="m-1",
            skip_assignment=True,
            member_id="m-1",
            members=(
                JoinGroupResponseMember(member_id="m-1", group_instance_id="i-1", metadata=b"\x00\x01logs"),
            ),
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\tconsumer\x06range\x04m-1\x01\x04m-1\x02\x04m"
            b"-1\x04i-1\x07\x00\x01logs\x00\x00"
        ),
        id="response-9",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(11, version, message) == body
    assert wire.decode(11, version, type(message), body) == message
