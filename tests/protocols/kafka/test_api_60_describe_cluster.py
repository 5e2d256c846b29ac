"""quekka.protocols.kafka.api_60_describe_cluster: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_60_describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

EXAMPLES = [
    pytest.param(
        0,
        DescribeClusterRequest(include_cluster_authorized_operations=True),
        b"\x01\x00",
        id="request-0",
    ),
    pytest.param(
        2,
        DescribeClusterRequest(include_cluster_authorized_operations=True, include_fenced_brokers=True),
        b"\x01\x01\x01\x00",
        id="request-2",
    ),
    pytest.param(
        0,
        DescribeClusterResponse(
            error_message="no such thing",
            cluster_id="CAFEBABE",
            controller_id=1,
            brokers=(DescribeClusterBroker(broker_id=1, host="localhost", port=9092, rack="r1"),),
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x0eno such thing\tCAFEBABE\x00\x00\x00\x01\x02\x00\x00\x00"
            b"\x01\nlocalhost\x00\x00#\x84\x03r1\x00\x80\x00\x00\x00\x00"
        ),
        id="response-0",
    ),
    pytest.param(
        2,
        DescribeClusterResponse(
            error_message="no such thing",
            cluster_id="CAFEBABE",
            controller_id=1,
            brokers=(
                DescribeClusterBroker(broker_id=1, host="localhost", port=9092, rack="r1", is_fenced=True),
            ),
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x0eno such thing\x01\tCAFEBABE\x00\x00\x00\x01\x02\x00\x00"
            b"\x00\x01\nlocalhost\x00\x00#\x84\x03r1\x01\x00\x80\x00\x00\x00\x00"
        ),
        id="response-2",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(60, version, message) == body
    assert wire.decode(60, version, type(message), body) == message
