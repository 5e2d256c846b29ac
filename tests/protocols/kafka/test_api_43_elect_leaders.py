"""quekka.protocols.kafka.api_43_elect_leaders: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_43_elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
    TopicPartitions,
)

EXAMPLES = [
    pytest.param(
        0,
        ElectLeadersRequest(
            topic_partitions=(TopicPartitions(topic="logs", partitions=(1,)),), timeout_ms=30000
        ),
        b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00u0",
        id="request-0",
    ),
    pytest.param(
        2,
        ElectLeadersRequest(
            election_type=1,
            topic_partitions=(TopicPartitions(topic="logs", partitions=(1,)),),
            timeout_ms=30000,
        ),
        b"\x01\x02\x05logs\x02\x00\x00\x00\x01\x00\x00\x00u0\x00",
        id="request-2",
    ),
    pytest.param(
        0,
        ElectLeadersResponse(
            replica_election_results=(
                ReplicaElectionResult(
                    topic="logs",
                    partition_result=(PartitionResult(partition_id=1, error_message="no such thing"),),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00"
            b"\x00\rno such thing"
        ),
        id="response-0",
    ),
    pytest.param(
        2,
        ElectLeadersResponse(
            replica_election_results=(
                ReplicaElectionResult(
                    topic="logs",
                    partition_result=(PartitionResult(partition_id=1, error_message="no such thing"),),
                ),
            )
        ),
        b"\x00\x00\x00\x00\x00\x00\x02\x05logs\x02\x00\x00\x00\x01\x00\x00\x0eno such thing\x00\x00\x00",
        id="response-2",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(43, version, message) == body
    assert wire.decode(43, version, type(message), body) == message
