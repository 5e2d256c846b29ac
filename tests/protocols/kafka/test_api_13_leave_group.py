"""quekka.protocols.kafka.api_13_leave_group: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_13_leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
    MemberResponse,
)

EXAMPLES = [
    pytest.param(
        0,
        LeaveGroupRequest(group_id="readers", member_id="m-1"),
        b"\x00\x07readers\x00\x03m-1",
        id="request-0",
    ),
    pytest.param(
        5,
        LeaveGroupRequest(
            group_id="readers",
            members=(MemberIdentity(member_id="m-1", group_instance_id="i-1", reason="bye"),),
        ),
        b"\x08readers\x02\x04m-1\x04i-1\x04bye\x00\x00",
        id="request-5",
    ),
    pytest.param(
        0,
        LeaveGroupResponse(),
        b"\x00\x00",
        id="response-0",
    ),
    pytest.param(
        5,
        LeaveGroupResponse(members=(MemberResponse(member_id="m-1", group_instance_id="i-1"),)),
        b"\x00\x00\x00\x00\x00\x00\x02\x04m-1\x04i-1\x00\x00\x00\x00",
        id="response-5",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(13, version, message) == body
    assert wire.decode(13, version, type(message), body) == message
