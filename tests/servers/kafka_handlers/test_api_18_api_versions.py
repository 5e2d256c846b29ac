"""ApiVersions: exactly what is served, in every version, also for a version that is not."""

import logging
import struct

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_18_api_versions import ApiVersionsRequest, ApiVersionsResponse
from quekka.protocols.kafka.api_keys import APIS
from quekka.protocols.kafka.codec import decode_response
from quekka.servers.kafka_handlers import HANDLER_NAMES

API_VERSIONS = 18
REQUEST = ApiVersionsRequest("a-client", "1.0")


def told(response: ApiVersionsResponse) -> dict[int, tuple[int, int]]:
    return {row.api_key: (row.min_version, row.max_version) for row in response.api_keys}


@pytest.mark.parametrize("version", range(5))
def test_the_table_is_told_and_no_features(wire: KafkaWire, version: int) -> None:
    response = wire.ask(API_VERSIONS, version, REQUEST)
    assert response.error_code == 0
    assert told(response) == {api.key: tuple(api.versions) for api in APIS if api.key in HANDLER_NAMES}
    assert not response.supported_features
    assert not response.finalized_features


def test_no_minimum_is_above_its_maximum(wire: KafkaWire) -> None:
    assert all(low <= high for low, high in told(wire.ask(API_VERSIONS, 0, REQUEST)).values())


def test_produce_is_told_from_version_0_for_the_sake_of_older_librdkafka(wire: KafkaWire) -> None:
    assert told(wire.ask(API_VERSIONS, 0, REQUEST))[0] == (0, 11)


def test_a_version_that_is_not_known_is_answered_in_version_0_with_the_list(
    wire: KafkaWire, caplog: pytest.LogCaptureFixture
) -> None:
    known = told(wire.ask(API_VERSIONS, 0, REQUEST))
    with caplog.at_level(logging.WARNING, "quekka.servers"):
        wire.send_bytes(struct.pack(">ihhiH", 12, API_VERSIONS, 99, 77, 0) + b"??")
        correlation_id, response = decode_response(API_VERSIONS, 0, wire.receive_frame())
    assert (correlation_id, response.error_code) == (77, 35)
    assert told(response) == known
    assert caplog.text == ""
    assert wire.ask(API_VERSIONS, 3, REQUEST).error_code == 0


@pytest.mark.parametrize("name", ["", "-client", "a client", "ä"])
def test_a_software_name_that_kip_511_does_not_allow_is_refused(
    broker: Broker, wire: KafkaWire, name: str
) -> None:
    response = wire.ask(API_VERSIONS, 3, ApiVersionsRequest(name, "1.0"))
    assert (response.error_code, response.api_keys) == (42, ())
