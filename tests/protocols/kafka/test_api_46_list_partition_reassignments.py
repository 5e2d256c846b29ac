"""quekka.protocols.kafka.api_46_list_partition_reassignments: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_46_list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    ListPartitionReassignmentsTopics,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)

EXAMPLES = [
    pytest.param(
        0,
        ListPartitionReassignmentsRequest(
            timeout_ms=30000, topics=(ListPartitionReassignmentsTopics(name="logs", partition_indexes=(1,)),)
        ),
        b"\x00\x00u0\x02\x05logs\x02\x00\x00\x00\x01\x00\x00",
        id="request-0",
    ),
    pytest.param(
        0,
        ListPartitionReassignmentsResponse(
            error_message="no such thing",
            topics=(
                OngoingTopicReassignment(
                    name="logs",
                    partitions=(
                        OngoingPartitionReassignment(
                            partition_index=2, replicas=(1,), adding_replicas=(1,), removing_replicas=(1,)
                        ),
                    ),
                ),
            ),
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x0eno such thing\x02\x05logs\x02\x00\x00\x00\x02\x02\x00\x00"
            b"\x00\x01\x02\x00\x00\x00\x01\x02\x00\x00\x00\x01\x00\x00\x00"
        ),
        id="response-0",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(46, version, message) == body
    assert wire.decode(46, version, type(message), body) == message
