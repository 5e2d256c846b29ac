"""quekka.protocols.kafka.api_02_list_offsets: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
    ListOffsetsTopicResponse,
)

EXAMPLES = [
    pytest.param(
        1,
        ListOffsetsRequest(
            replica_id=-1,
            topics=(
                ListOffsetsTopic(
                    name="logs",
                    partitions=(ListOffsetsPartition(partition_index=2, timestamp=1700000000123),),
                ),
            ),
        ),
        (
            b"\xff\xff\xff\xff\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00"
            b"\x01\x8b\xcf\xe5h{"
        ),
        id="request-1",
    ),
    pytest.param(
        9,
        ListOffsetsRequest(
            replica_id=-1,
            isolation_level=1,
            topics=(
                ListOffsetsTopic(
                    name="logs",
                    partitions=(
                        ListOffsetsPartition(
                            partition_index=2, current_leader_epoch=0, timestamp=1700000000123
                        ),
                    ),
                ),
            ),
        ),
        (
            b"\xff\xff\xff\xff\x01\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x01\x8b"
            b"\xcf\xe5h{\x00\x00\x00"
        ),
        id="request-9",
    ),
    pytest.param(
        1,
        ListOffsetsResponse(
            topics=(
                ListOffsetsTopicResponse(
                    name="logs",
                    partitions=(
                        ListOffsetsPartitionResponse(partition_index=2, timestamp=1700000000123, offset=1000),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x01\x8b"
            b"\xcf\xe5h{\x00\x00\x00\x00\x00\x00\x03\xe8"
        ),
        id="response-1",
    ),
    pytest.param(
        9,
        ListOffsetsResponse(
            topics=(
                ListOffsetsTopicResponse(
                    name="logs",
                    partitions=(
                        ListOffsetsPartitionResponse(
                            partition_index=2, timestamp=1700000000123, offset=1000, leader_epoch=0
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x01\x8b\xcf\xe5h{\x00"
            b"\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00"
        ),
        id="response-9",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(2, version, message) == body
    assert wire.decode(2, version, type(message), body) == message
