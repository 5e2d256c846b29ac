"""quekka.protocols.kafka.api_30_create_acls: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_30_create_acls import (
    AclCreation,
    AclCreationResult,
    CreateAclsRequest,
    CreateAclsResponse,
)

EXAMPLES = [
    pytest.param(
        1,
        CreateAclsRequest(
            creations=(
                AclCreation(
                    resource_type=2,
                    resource_name="logs",
                    resource_pattern_type=1,
                    principal="User:ada",
                    host="localhost",
                    operation=3,
                    permission_type=3,
                ),
            )
        ),
        b"\x00\x00\x00\x01\x02\x00\x04logs\x01\x00\x08User:ada\x00\tlocalhost\x03\x03",
        id="request-1",
    ),
    pytest.param(
        3,
        CreateAclsRequest(
            creations=(
                AclCreation(
                    resource_type=2,
                    resource_name="logs",
                    resource_pattern_type=1,
                    principal="User:ada",
                    host="localhost",
                    operation=3,
                    permission_type=3,
                ),
            )
        ),
        b"\x02\x02\x05logs\x01\tUser:ada\nlocalhost\x03\x03\x00\x00",
        id="request-3",
    ),
    pytest.param(
        1,
        CreateAclsResponse(results=(AclCreationResult(error_message="no such thing"),)),
        b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\rno such thing",
        id="response-1",
    ),
    pytest.param(
        3,
        CreateAclsResponse(results=(AclCreationResult(error_message="no such thing"),)),
        b"\x00\x00\x00\x00\x02\x00\x00\x0eno such thing\x00\x00",
        id="response-3",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(30, version, message) == body
    assert wire.decode(30, version, type(message), body) == message
