"""quekka.protocols.kafka.api_29_describe_acls: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_29_describe_acls import (
    AclDescription,
    DescribeAclsRequest,
    DescribeAclsResource,
    DescribeAclsResponse,
)

EXAMPLES = [
    pytest.param(
        1,
        DescribeAclsRequest(
            resource_type_filter=1,
            resource_name_filter="logs",
            principal_filter="User:ada",
            host_filter="*",
            operation=3,
            permission_type=3,
        ),
        b"\x01\x00\x04logs\x03\x00\x08User:ada\x00\x01*\x03\x03",
        id="request-1",
    ),
    pytest.param(
        3,
        DescribeAclsRequest(
            resource_type_filter=1,
            resource_name_filter="logs",
            principal_filter="User:ada",
            host_filter="*",
            operation=3,
            permission_type=3,
        ),
        b"\x01\x05logs\x03\tUser:ada\x02*\x03\x03\x00",
        id="request-3",
    ),
    pytest.param(
        1,
        DescribeAclsResponse(
            error_message="no such thing",
            resources=(
                DescribeAclsResource(
                    resource_type=2,
                    resource_name="logs",
                    acls=(
                        AclDescription(
                            principal="User:ada", host="localhost", operation=3, permission_type=3
                        ),
                    ),
                ),
            ),
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\rno such thing\x00\x00\x00\x01\x02\x00\x04logs\x03\x00"
            b"\x00\x00\x01\x00\x08User:ada\x00\tlocalhost\x03\x03"
        ),
        id="response-1",
    ),
    pytest.param(
        3,
        DescribeAclsResponse(
            error_message="no such thing",
            resources=(
                DescribeAclsResource(
                    resource_type=2,
                    resource_name="logs",
                    acls=(
                        AclDescription(
                            principal="User:ada", host="localhost", operation=3, permission_type=3
                        ),
                    ),
                ),
            ),
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x0eno such thing\x02\x02\x05logs\x03\x02\tUser:ada\nlocalhost"
            b"\x03\x03\x00\x00\x00"
        ),
        id="response-3",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(29, version, message) == body
    assert wire.decode(29, version, type(message), body) == message
