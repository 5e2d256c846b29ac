"""quekka.protocols.kafka.api_15_describe_groups: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_15_describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)

EXAMPLES = [
    pytest.param(
        0,
        DescribeGroupsRequest(groups=("readers",)),
        b"\x00\x00\x00\x01\x00\x07readers",
        id="request-0",
    ),
    pytest.param(
        6,
        DescribeGroupsRequest(groups=("readers",), include_authorized_operations=True),
        b"\x02\x08readers\x01\x00",
        id="request-6",
    ),
    pytest.param(
        0,
        DescribeGroupsResponse(
            groups=(
                DescribedGroup(
                    group_id="readers",
                    group_state="Stable",
                    protocol_type="consumer",
                    protocol_data="protocol",
                    members=(
                        DescribedGroupMember(
                            member_id="m-1",
                            client_id="me",
                            client_host="/127.0.0.1",
                            member_metadata=b"\x00\x01logs",
                            member_assignment=b"\x00\x01logs",
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x01\x00\x00\x00\x07readers\x00\x06Stable\x00\x08consumer\x00\x08protocol"
            b"\x00\x00\x00\x01\x00\x03m-1\x00\x02me\x00\n/127.0.0.1\x00\x00\x00\x06\x00\x01logs\x00"
            b"\x00\x00\x06\x00\x01logs"
        ),
        id="response-0",
    ),
    pytest.param(
        6,
        DescribeGroupsResponse(
            groups=(
                DescribedGroup(
                    error_message="no such thing",
                    group_id="readers",
                    group_state="Stable",
                    protocol_type="consumer",
                    protocol_data="protocol",
                    members=(
                        DescribedGroupMember(
                            member_id="m-1",
                            group_instance_id="i-1",
                            client_id="me",
                            client_host="/127.0.0.1",
                            member_metadata=b"\x00\x01logs",
                            member_assignment=b"\x00\x01logs",
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x00\x00\x0eno such thing\x08readers\x07Stable\tconsumer\tprotocol"
            b"\x02\x04m-1\x04i-1\x03me\x0b/127.0.0.1\x07\x00\x01logs\x07\x00\x01logs\x00\x80\x00\x00"
            b"\x00\x00\x00"
        ),
        id="response-6",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(15, version, message) == body
    assert wire.decode(15, version, type(message), body) == message
