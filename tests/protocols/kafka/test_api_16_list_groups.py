"""quekka.protocols.kafka.api_16_list_groups: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka.api_16_list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse

EXAMPLES = [
    pytest.param(
        0,
        ListGroupsRequest(),
        b"",
        id="request-0",
    ),
    pytest.param(
        5,
        ListGroupsRequest(states_filter=("Stable",), types_filter=("classic",)),
        b"\x02\x07Stable\x02\x08classic\x00",
        id="request-5",
    ),
    pytest.param(
        0,
        ListGroupsResponse(groups=(ListedGroup(group_id="readers", protocol_type="consumer"),)),
        b"\x00\x00\x00\x00\x00\x01\x00\x07readers\x00\x08consumer",
        id="response-0",
    ),
    pytest.param(
        5,
        ListGroupsResponse(
            groups=(
                ListedGroup(
                    group_id="readers", protocol_type="consumer", group_state="Stable", group_type="classic"
                ),
            )
        ),
        b"\x00\x00\x00\x00\x00\x00\x02\x08readers\tconsumer\x07Stable\x08classic\x00\x00",
        id="response-5",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(16, version, message) == body
    assert wire.decode(16, version, type(message), body) == message
