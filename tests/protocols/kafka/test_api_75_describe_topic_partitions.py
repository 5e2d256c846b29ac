"""quekka.protocols.kafka.api_75_describe_topic_partitions: examples, byte for byte."""

from typing import Any
from uuid import UUID

import pytest

from quekka.protocols.kafka.api_75_describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
    TopicRequest,
)

TOPIC_ID = UUID("6f1d3c2a-9b1e-4c55-8d7e-0123456789ab")

EXAMPLES = [
    pytest.param(
        0,
        DescribeTopicPartitionsRequest(
            topics=(TopicRequest(name="logs"),),
            response_partition_limit=1,
            cursor=Cursor(topic_name="logs", partition_index=2),
        ),
        b"\x02\x05logs\x00\x00\x00\x00\x01\x01\x05logs\x00\x00\x00\x02\x00\x00",
        id="request-0",
    ),
    pytest.param(
        0,
        DescribeTopicPartitionsResponse(
            topics=(
                DescribeTopicPartitionsResponseTopic(
                    name="logs",
                    topic_id=TOPIC_ID,
                    is_internal=True,
                    partitions=(
                        DescribeTopicPartitionsResponsePartition(
                            partition_index=2,
                            leader_id=1,
                            leader_epoch=0,
                            replica_nodes=(1,),
                            isr_nodes=(1,),
                            eligible_leader_replicas=(1,),
                            last_known_elr=(1,),
                            offline_replicas=(1,),
                        ),
                    ),
                ),
            ),
            next_cursor=Cursor(topic_name="logs", partition_index=2),
        ),
        (
            b"\x00\x00\x00\x00\x02\x00\x00\x05logso\x1d<*\x9b\x1eLU\x8d~\x01#Eg\x89\xab\x01\x02\x00"
            b"\x00\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00\x02\x00\x00\x00\x01\x02\x00\x00"
            b"\x00\x01\x02\x00\x00\x00\x01\x02\x00\x00\x00\x01\x02\x00\x00\x00\x01\x00\x80\x00\x00"
            b"\x00\x00\x01\x05logs\x00\x00\x00\x02\x00\x00"
        ),
        id="response-0",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(75, version, message) == body
    assert wire.decode(75, version, type(message), body) == message
