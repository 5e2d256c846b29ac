"""quekka.protocols.kafka.api_08_offset_commit: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)

EXAMPLES = [
    pytest.param(
        2,
        OffsetCommitRequest(
            group_id="readers",
            generation_id_or_member_epoch=3,
            member_id="m-1",
            retention_time_ms=1,
            topics=(
                OffsetCommitRequestTopic(
                    name="logs",
                    partitions=(
                        OffsetCommitRequestPartition(
                            partition_index=2, committed_offset=1000, committed_metadata="noted"
                        ),
                    ),
                ),
            ),
        ),
        (
            b"\x00\x07readers\x00\x00\x00\x03\x00\x03m-1\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"
            b"\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x03\xe8\x00"
            b"\x05noted"
        ),
        id="request-2",
    ),
    pytest.param(
        9,
        OffsetCommitRequest(
            group_id="readers",
            generation_id_or_member_epoch=3,
            member_id="m-1",
            group_instance_id="i-1",
            topics=(
                OffsetCommitRequestTopic(
                    name="logs",
                    partitions=(
                        OffsetCommitRequestPartition(
                            partition_index=2,
                            committed_offset=1000,
                            committed_leader_epoch=0,
                            committed_metadata="noted",
                        ),
                    ),
                ),
            ),
        ),
        (
            b"\x08readers\x00\x00\x00\x03\x04m-1\x04i-1\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00"
            b"\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x06noted\x00\x00\x00"
        ),
        id="request-9",
    ),
    pytest.param(
        2,
        OffsetCommitResponse(
            topics=(
                OffsetCommitResponseTopic(
                    name="logs", partitions=(OffsetCommitResponsePartition(partition_index=2),)
                ),
            )
        ),
        b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00",
        id="response-2",
    ),
    pytest.param(
        9,
        OffsetCommitResponse(
            topics=(
                OffsetCommitResponseTopic(
                    name="logs", partitions=(OffsetCommitResponsePartition(partition_index=2),)
                ),
            )
        ),
        b"\x00\x00\x00\x00\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00",
        id="response-9",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(8, version, message) == body
    assert wire.decode(8, version, type(message), body) == message
