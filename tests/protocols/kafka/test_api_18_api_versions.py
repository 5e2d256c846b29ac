"""quekka.protocols.kafka.api_18_api_versions: examples, byte for byte."""

from typing import Any

import pytest

from quekka.protocols.kafka import codec
from quekka.protocols.kafka.api_18_api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
    api_versions,
)
from quekka.protocols.kafka.api_keys import APIS

EXAMPLES = [
    pytest.param(
        0,
        ApiVersionsRequest(),
        b"",
        id="request-0",
    ),
    pytest.param(
        4,
        ApiVersionsRequest(client_software_name="apache-kafka-java", client_software_version="4.0.0"),
        b"\x12apache-kafka-java\x064.0.0\x00",
        id="request-4",
    ),
    pytest.param(
        0,
        ApiVersionsResponse(api_keys=(ApiVersion(api_key=1, min_version=1, max_version=1),)),
        b"\x00\x00\x00\x00\x00\x01\x00\x01\x00\x01\x00\x01",
        id="response-0",
    ),
    pytest.param(
        4,
        ApiVersionsResponse(
            api_keys=(ApiVersion(api_key=1, min_version=1, max_version=1),),
            supported_features=(SupportedFeatureKey(name="logs", min_version=1, max_version=1),),
            finalized_features_epoch=1,
            finalized_features=(FinalizedFeatureKey(name="logs", max_version_level=1, min_version_level=1),),
            zk_migration_ready=True,
        ),
        (
            b"\x00\x00\x02\x00\x01\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x00\x0b\x02\x05logs\x00"
            b"\x01\x00\x01\x00\x01\x08\x00\x00\x00\x00\x00\x00\x00\x01\x02\x0b\x02\x05logs\x00\x01"
            b"\x00\x01\x00\x03\x01\x01"
        ),
        id="response-4",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(18, version, message) == body
    assert wire.decode(18, version, type(message), body) == message


def test_every_served_key_is_listed_with_its_versions() -> None:
    listed = {row.api_key: (row.min_version, row.max_version) for row in api_versions()}
    assert listed == {api.key: tuple(api.versions) for api in APIS}
    assert listed[0] == (0, 11)


def test_the_response_header_never_has_tagged_fields() -> None:
    frame = codec.encode_response(18, 4, 7, ApiVersionsResponse(35))
    assert frame[4:10] == b"\x00\x00\x00\x07\x00\x23"
