"""quekka.protocols.kafka.api_32_describe_configs: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_32_describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)

EXAMPLES = [
    pytest.param(
        1,
        DescribeConfigsRequest(
            resources=(
                DescribeConfigsResource(
                    resource_type=2, resource_name="logs", configuration_keys=("retention.ms",)
                ),
            ),
            include_synonyms=True,
        ),
        b"\x00\x00\x00\x01\x02\x00\x04logs\x00\x00\x00\x01\x00\x0cretention.ms\x01",
        id="request-1",
    ),
    pytest.param(
        4,
        DescribeConfigsRequest(
            resources=(
                DescribeConfigsResource(
                    resource_type=2, resource_name="logs", configuration_keys=("retention.ms",)
                ),
            ),
            include_synonyms=True,
            include_documentation=True,
        ),
        b"\x02\x02\x05logs\x02\rretention.ms\x00\x01\x01\x00",
        id="request-4",
    ),
    pytest.param(
        1,
        DescribeConfigsResponse(
            results=(
                DescribeConfigsResult(
                    error_message="no such thing",
                    resource_type=2,
                    resource_name="logs",
                    configs=(
                        DescribeConfigsResourceResult(
                            name="retention.ms",
                            value="60000",
                            read_only=True,
                            config_source=1,
                            is_sensitive=True,
                            synonyms=(DescribeConfigsSynonym(name="retention.ms", value="60000", source=1),),
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\rno such thing\x02\x00\x04logs\x00\x00"
            b"\x00\x01\x00\x0cretention.ms\x00\x0560000\x01\x01\x01\x00\x00\x00\x01\x00\x0cretention"
            b".ms\x00\x0560000\x01"
        ),
        id="response-1",
    ),
    pytest.param(
        4,
        DescribeConfigsResponse(
            results=(
                DescribeConfigsResult(
                    error_message="no such thing",
                    resource_type=2,
                    resource_name="logs",
                    configs=(
                        DescribeConfigsResourceResult(
                            name="retention.ms",
                            value="60000",
                            read_only=True,
                            config_source=1,
                            is_sensitive=True,
                            synonyms=(DescribeConfigsSynonym(name="retention.ms", value="60000", source=1),),
                            config_type=5,
                            documentation="About it.",
                        ),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x00\x02\x00\x00\x0eno such thing\x02\x05logs\x02\rretention.ms\x0660000"
            b"\x01\x01\x01\x02\rretention.ms\x0660000\x01\x00\x05\nAbout it.\x00\x00\x00"
        ),
        id="response-4",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(32, version, message) == body
    assert wire.decode(32, version, type(message), body) == message
