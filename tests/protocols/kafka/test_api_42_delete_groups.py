"""quekka.protocols.kafka.api_42_delete_groups: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_42_delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)

EXAMPLES = [
    pytest.param(
        0,
        DeleteGroupsRequest(groups_names=("readers",)),
        b"\x00\x00\x00\x01\x00\x07readers",
        id="request-0",
    ),
    pytest.param(
        2,
        DeleteGroupsRequest(groups_names=("readers",)),
        b"\x02\x08readers\x00",
        id="request-2",
    ),
    pytest.param(
        0,
        DeleteGroupsResponse(results=(DeletableGroupResult(group_id="readers"),)),
        b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x07readers\x00\x00",
        id="response-0",
    ),
    pytest.param(
        2,
        DeleteGroupsResponse(results=(DeletableGroupResult(group_id="readers"),)),
        b"\x00\x00\x00\x00\x02\x08readers\x00\x00\x00\x00",
        id="response-2",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(42, version, message) == body
    assert wire.decode(42, version, type(message), body) == message
