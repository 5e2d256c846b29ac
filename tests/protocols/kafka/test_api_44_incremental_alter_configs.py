"""quekka.protocols.kafka.api_44_incremental_alter_configs: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_44_incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)

EXAMPLES = [
    pytest.param(
        0,
        IncrementalAlterConfigsRequest(
            resources=(
                AlterConfigsResource(
                    resource_type=2,
                    resource_name="logs",
                    configs=(AlterableConfig(name="retention.ms", config_operation=1, value="60000"),),
                ),
            ),
            validate_only=True,
        ),
        b"\x00\x00\x00\x01\x02\x00\x04logs\x00\x00\x00\x01\x00\x0cretention.ms\x01\x00\x0560000\x01",
        id="request-0",
    ),
    pytest.param(
        1,
        IncrementalAlterConfigsRequest(
            resources=(
                AlterConfigsResource(
                    resource_type=2,
                    resource_name="logs",
                    configs=(AlterableConfig(name="retention.ms", config_operation=1, value="60000"),),
                ),
            ),
            validate_only=True,
        ),
        b"\x02\x02\x05logs\x02\rretention.ms\x01\x0660000\x00\x00\x01\x00",
        id="request-1",
    ),
    pytest.param(
        0,
        IncrementalAlterConfigsResponse(
            responses=(
                AlterConfigsResourceResponse(
                    error_message="no such thing", resource_type=2, resource_name="logs"
                ),
            )
        ),
        b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\rno such thing\x02\x00\x04logs",
        id="response-0",
    ),
    pytest.param(
        1,
        IncrementalAlterConfigsResponse(
            responses=(
                AlterConfigsResourceResponse(
                    error_message="no such thing", resource_type=2, resource_name="logs"
                ),
            )
        ),
        b"\x00\x00\x00\x00\x02\x00\x00\x0eno such thing\x02\x05logs\x00\x00",
        id="response-1",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(44, version, message) == body
    assert wire.decode(44, version, type(message), body) == message
