"""quekka.protocols.kafka.api_61_describe_producers: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_61_describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicRequest,
    TopicResponse,
)

EXAMPLES = [
    pytest.param(
        0,
        DescribeProducersRequest(topics=(TopicRequest(name="logs", partition_indexes=(1,)),)),
        b"\x02\x05logs\x02\x00\x00\x00\x01\x00\x00",
        id="request-0",
    ),
    pytest.param(
        0,
        DescribeProducersResponse(
            topics=(
                TopicResponse(
                    name="logs",
                    partitions=(
                        PartitionResponse(
                            partition_index=2,
                            error_message="no such thing",
                            active_producers=(
                                ProducerState(
                                    producer_id=4000,
                                    producer_epoch=1,
                                    last_sequence=1,
                                    last_timestamp=1,
                                    coordinator_epoch=1,
                                    current_txn_start_offset=1,
                                ),
                            ),
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x0eno such thing\x02\x00\x00"
            b"\x00\x00\x00\x00\x0f\xa0\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"
            b"\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"
        ),
        id="response-0",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(61, version, message) == body
    assert wire.decode(61, version, type(message), body) == message
