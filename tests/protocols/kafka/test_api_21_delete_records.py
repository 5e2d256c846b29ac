"""quekka.protocols.kafka.api_21_delete_records: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
    DeleteRecordsTopicResult,
)

EXAMPLES = [
    pytest.param(
        0,
        DeleteRecordsRequest(
            topics=(
                DeleteRecordsTopic(
                    name="logs", partitions=(DeleteRecordsPartition(partition_index=2, offset=1000),)
                ),
            ),
            timeout_ms=30000,
        ),
        (
            b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00"
            b"\x03\xe8\x00\x00u0"
        ),
        id="request-0",
    ),
    pytest.param(
        2,
        DeleteRecordsRequest(
            topics=(
                DeleteRecordsTopic(
                    name="logs", partitions=(DeleteRecordsPartition(partition_index=2, offset=1000),)
                ),
            ),
            timeout_ms=30000,
        ),
        b"\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00u0\x00",
        id="request-2",
    ),
    pytest.param(
        0,
        DeleteRecordsResponse(
            topics=(
                DeleteRecordsTopicResult(
                    name="logs",
                    partitions=(DeleteRecordsPartitionResult(partition_index=2, low_watermark=10),),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00"
            b"\x00\x00\x00\x00\x00\n\x00\x00"
        ),
        id="response-0",
    ),
    pytest.param(
        2,
        DeleteRecordsResponse(
            topics=(
                DeleteRecordsTopicResult(
                    name="logs",
                    partitions=(DeleteRecordsPartitionResult(partition_index=2, low_watermark=10),),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\n\x00\x00"
            b"\x00\x00\x00"
        ),
        id="response-2",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(21, version, message) == body
    assert wire.decode(21, version, type(message), body) == message
