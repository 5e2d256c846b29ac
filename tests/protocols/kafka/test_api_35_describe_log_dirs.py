"""quekka.protocols.kafka.api_35_describe_log_dirs: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_35_describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)

EXAMPLES = [
    pytest.param(
        1,
        DescribeLogDirsRequest(topics=(DescribableLogDirTopic(topic="logs", partitions=(1,)),)),
        b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x01",
        id="request-1",
    ),
    pytest.param(
        4,
        DescribeLogDirsRequest(topics=(DescribableLogDirTopic(topic="logs", partitions=(1,)),)),
        b"\x02\x05logs\x02\x00\x00\x00\x01\x00\x00",
        id="request-4",
    ),
    pytest.param(
        1,
        DescribeLogDirsResponse(
            results=(
                DescribeLogDirsResult(
                    log_dir="/data",
                    topics=(
                        DescribeLogDirsTopic(
                            name="logs",
                            partitions=(
                                DescribeLogDirsPartition(
                                    partition_index=2, partition_size=4096, offset_lag=1, is_future_key=True
                                ),
                            ),
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x05/data\x00\x00\x00\x01\x00\x04logs\x00"
            b"\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"
            b"\x00\x01\x01"
        ),
        id="response-1",
    ),
    pytest.param(
        4,
        DescribeLogDirsResponse(
            results=(
                DescribeLogDirsResult(
                    log_dir="/data",
                    topics=(
                        DescribeLogDirsTopic(
                            name="logs",
                            partitions=(
                                DescribeLogDirsPartition(
                                    partition_index=2, partition_size=4096, offset_lag=1, is_future_key=True
                                ),
                            ),
                        ),
                    ),
                    total_bytes=1073741824,
                    usable_bytes=536870912,
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x02\x00\x00\x06/data\x02\x05logs\x02\x00\x00\x00\x02\x00\x00"
            b"\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00@"
            b"\x00\x00\x00\x00\x00\x00\x00 \x00\x00\x00\x00\x00"
        ),
        id="response-4",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(35, version, message) == body
    assert wire.decode(35, version, type(message), body) == message
