"""quekka.protocols.kafka.api_09_offset_fetch: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)

EXAMPLES = [
    pytest.param(
        1,
        OffsetFetchRequest(
            group_id="readers", topics=(OffsetFetchRequestTopic(name="logs", partition_indexes=(1,)),)
        ),
        b"\x00\x07readers\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x01",
        id="request-1",
    ),
    pytest.param(
        9,
        OffsetFetchRequest(
            groups=(
                OffsetFetchRequestGroup(
                    group_id="readers",
                    member_id="m-1",
                    member_epoch=1,
                    topics=(OffsetFetchRequestTopics(name="logs", partition_indexes=(1,)),),
                ),
            ),
            require_stable=True,
        ),
        b"\x02\x08readers\x04m-1\x00\x00\x00\x01\x02\x05logs\x02\x00\x00\x00\x01\x00\x00\x01\x00",
        id="request-9",
    ),
    pytest.param(
        1,
        OffsetFetchResponse(
            topics=(
                OffsetFetchResponseTopic(
                    name="logs",
                    partitions=(
                        OffsetFetchResponsePartition(
                            partition_index=2, committed_offset=1000, metadata="noted"
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00"
            b"\x03\xe8\x00\x05noted\x00\x00"
        ),
        id="response-1",
    ),
    pytest.param(
        9,
        OffsetFetchResponse(
            groups=(
                OffsetFetchResponseGroup(
                    group_id="readers",
                    topics=(
                        OffsetFetchResponseTopics(
                            name="logs",
                            partitions=(
                                OffsetFetchResponsePartitions(
                                    partition_index=2,
                                    committed_offset=1000,
                                    committed_leader_epoch=0,
                                    metadata="noted",
                                ),
                            ),
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x08readers\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00"
            b"\x00\x03\xe8\x00\x00\x00\x00\x06noted\x00\x00\x00\x00\x00\x00\x00\x00"
        ),
        id="response-9",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(9, version, message) == body
    assert wire.decode(9, version, type(message), body) == message
