"""quekka.protocols.kafka.api_03_metadata: examples, byte for byte."""

from typing import Any
from uuid import UUID

import pytest

from quekka.protocols.kafka.api_03_metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)

TOPIC_ID = UUID("6f1d3c2a-9b1e-4c55-8d7e-0123456789ab")

EXAMPLES = [
    pytest.param(
        0,
        MetadataRequest(topics=(MetadataRequestTopic(name="logs"),)),
        b"\x00\x00\x00\x01\x00\x04logs",
        id="request-0",
    ),
    pytest.param(
        12,
        MetadataRequest(
            topics=(MetadataRequestTopic(topic_id=TOPIC_ID, name="logs"),),
            include_topic_authorized_operations=True,
        ),
        b"\x02o\x1d<*\x9b\x1eLU\x8d~\x01#Eg\x89\xab\x05logs\x00\x01\x01\x00",
        id="request-12",
    ),
    pytest.param(
        0,
        MetadataResponse(
            brokers=(MetadataResponseBroker(node_id=1, host="localhost", port=9092),),
            topics=(
                MetadataResponseTopic(
                    name="logs",
                    partitions=(
                        MetadataResponsePartition(
                            partition_index=2, leader_id=1, replica_nodes=(1,), isr_nodes=(1,)
                        ),
                    ),
                ),
            ),
        ),
        (
            b"\x00\x00\x00\x01\x00\x00\x00\x01\x00\tlocalhost\x00\x00#\x84\x00\x00\x00\x01\x00\x00"
            b"\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01"
            b"\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01"
        ),
        id="response-0",
    ),
    pytest.param(
        12,
        MetadataResponse(
            brokers=(MetadataResponseBroker(node_id=1, host="localhost", port=9092, rack="r1"),),
            cluster_id="CAFEBABE",
            controller_id=1,
            topics=(
                MetadataResponseTopic(
                    name="logs",
                    topic_id=TOPIC_ID,
                    is_internal=True,
                    partitions=(
                        MetadataResponsePartition(
                            partition_index=2,
                            leader_id=1,
                            leader_epoch=0,
                            replica_nodes=(1,),
                            isr_nodes=(1,),
                            offline_replicas=(1,),
                        ),
                    ),
                ),
            ),
        ),
        (
            b"\x00\x00\x00\x00\x02\x00\x00\x00\x01\nlocalhost\x00\x00#\x84\x03r1\x00\tCAFEBABE\x00"
            b"\x00\x00\x01\x02\x00\x00\x05logso\x1d<*\x9b\x1eLU\x8d~\x01#Eg\x89\xab\x01\x02\x00\x00"
            b"\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00\x02\x00\x00\x00\x01\x02\x00\x00\x00"
            b"\x01\x02\x00\x00\x00\x01\x00\x80\x00\x00\x00\x00\x00"
        ),
        id="response-12",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(3, version, message) == body
    assert wire.decode(3, version, type(message), body) == message
