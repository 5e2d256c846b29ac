"""quekka.protocols.kafka.api_19_create_topics: examples, byte for byte."""

from typing import Any
from uuid import UUID

import pytest

from quekka.protocols.kafka.api_19_create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

TOPIC_ID = UUID("6f1d3c2a-9b1e-4c55-8d7e-0123456789ab")

EXAMPLES = [
    pytest.param(
        2,
        CreateTopicsRequest(
            topics=(
                CreatableTopic(
                    name="logs",
                    num_partitions=3,
                    replication_factor=1,
                    assignments=(CreatableReplicaAssignment(partition_index=2, broker_ids=(1,)),),
                    configs=(CreatableTopicConfig(name="retention.ms", value="60000"),),
                ),
            ),
            timeout_ms=30000,
            validate_only=True,
        ),
        (
            b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02"
            b"\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x0cretention.ms\x00\x0560000\x00"
            b"\x00u0\x01"
        ),
        id="request-2",
    ),
    pytest.param(
        7,
        CreateTopicsRequest(
            topics=(
                CreatableTopic(
                    name="logs",
                    num_partitions=3,
                    replication_factor=1,
                    assignments=(CreatableReplicaAssignment(partition_index=2, broker_ids=(1,)),),
                    configs=(CreatableTopicConfig(name="retention.ms", value="60000"),),
                ),
            ),
            timeout_ms=30000,
            validate_only=True,
        ),
        (
            b"\x02\x05logs\x00\x00\x00\x03\x00\x01\x02\x00\x00\x00\x02\x02\x00\x00\x00\x01\x00\x02\r"
            b"retention.ms\x0660000\x00\x00\x00\x00u0\x01\x00"
        ),
        id="request-7",
    ),
    pytest.param(
        2,
        CreateTopicsResponse(topics=(CreatableTopicResult(name="logs", error_message="no such thing"),)),
        b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\rno such thing",
        id="response-2",
    ),
    pytest.param(
        7,
        CreateTopicsResponse(
            topics=(
                CreatableTopicResult(
                    name="logs",
                    topic_id=TOPIC_ID,
                    error_message="no such thing",
                    topic_config_error_code=1,
                    num_partitions=3,
                    replication_factor=1,
                    configs=(
                        CreatableTopicConfigs(
                            name="retention.ms",
                            value="60000",
                            read_only=True,
                            config_source=1,
                            is_sensitive=True,
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x05logso\x1d<*\x9b\x1eLU\x8d~\x01#Eg\x89\xab\x00\x00\x0eno such t"
            b"hing\x00\x00\x00\x03\x00\x01\x02\rretention.ms\x0660000\x01\x01\x01\x00\x01\x00\x02"
            b"\x00\x01\x00"
        ),
        id="response-7",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(19, version, message) == body
    assert wire.decode(19, version, type(message), body) == message
