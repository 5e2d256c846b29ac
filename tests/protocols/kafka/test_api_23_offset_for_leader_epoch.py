"""quekka.protocols.kafka.api_23_offset_for_leader_epoch: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_23_offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
    OffsetForLeaderTopicResult,
)

EXAMPLES = [
    pytest.param(
        2,
        OffsetForLeaderEpochRequest(
            topics=(
                OffsetForLeaderTopic(
                    topic="logs", partitions=(OffsetForLeaderPartition(partition=2, current_leader_epoch=0),)
                ),
            )
        ),
        b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00",
        id="request-2",
    ),
    pytest.param(
        4,
        OffsetForLeaderEpochRequest(
            replica_id=-1,
            topics=(
                OffsetForLeaderTopic(
                    topic="logs", partitions=(OffsetForLeaderPartition(partition=2, current_leader_epoch=0),)
                ),
            ),
        ),
        b"\xff\xff\xff\xff\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        id="request-4",
    ),
    pytest.param(
        2,
        OffsetForLeaderEpochResponse(
            topics=(
                OffsetForLeaderTopicResult(
                    topic="logs", partitions=(EpochEndOffset(partition=2, leader_epoch=0, end_offset=77),)
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x00\x00\x02"
            b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00M"
        ),
        id="response-2",
    ),
    pytest.param(
        4,
        OffsetForLeaderEpochResponse(
            topics=(
                OffsetForLeaderTopicResult(
                    topic="logs", partitions=(EpochEndOffset(partition=2, leader_epoch=0, end_offset=77),)
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x05logs\x02\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"
            b"\x00\x00\x00\x00M\x00\x00\x00"
        ),
        id="response-4",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(23, version, message) == body
    assert wire.decode(23, version, type(message), body) == message
