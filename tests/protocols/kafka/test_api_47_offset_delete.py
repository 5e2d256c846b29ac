"""quekka.protocols.kafka.api_47_offset_delete: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)

EXAMPLES = [
    pytest.param(
        0,
        OffsetDeleteRequest(
            group_id="readers",
            topics=(
                OffsetDeleteRequestTopic(
                    name="logs", partitions=(OffsetDeleteRequestPartition(partition_index=2),)
                ),
            ),
        ),
        b"\x00\x07readers\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02",
        id="request-0",
    ),
    pytest.param(
        0,
        OffsetDeleteResponse(
            topics=(
                OffsetDeleteResponseTopic(
                    name="logs", partitions=(OffsetDeleteResponsePartition(partition_index=2),)
                ),
            )
        ),
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00",
        id="response-0",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(47, version, message) == body
    assert wire.decode(47, version, type(message), body) == message
