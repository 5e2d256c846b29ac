"""Tests of quekka.servers.kafka_handlers.api_10_find_coordinator."""

import pytest
from kafka_wire import KafkaWire, values

from quekka.embedded import Broker
from quekka.protocols.kafka.api_10_find_coordinator import FindCoordinatorRequest

FIND_COORDINATOR = 10
ONE_KEY_VERSIONS = range(4)
SEVERAL_KEYS_VERSIONS = range(4, 6)


@pytest.mark.parametrize("version", ONE_KEY_VERSIONS)
@pytest.mark.parametrize("key_type", [0, 1], ids=["group", "transactional-id"])
def test_this_broker_coordinates(broker: Broker, wire: KafkaWire, version: int, key_type: int) -> None:
    request = FindCoordinatorRequest("any", key_type if version > 0 else 0)
    found = wire.ask(FIND_COORDINATOR, version, request)
    assert found.error_code == 0
    assert (found.node_id, found.host, found.port) == (broker.core.broker_id, broker.host, broker.port)


@pytest.mark.parametrize("version", SEVERAL_KEYS_VERSIONS)
@pytest.mark.parametrize("key_type", [0, 1], ids=["group", "transactional-id"])
def test_several_keys_are_answered_one_by_one(
    broker: Broker, wire: KafkaWire, version: int, key_type: int
) -> None:
    request = FindCoordinatorRequest(key_type=key_type, coordinator_keys=["a", "b"])
    here = (broker.core.broker_id, broker.host, broker.port)
    response = wire.ask(FIND_COORDINATOR, version, request)
    assert values(response.coordinators) == [("a", *here, 0, ""), ("b", *here, 0, "")]


REFUSED = [
    pytest.param("", 0, 24, "a group needs a name", id="group-without-a-name"),
    pytest.param("", 1, 42, "a transactional id needs a name", id="transactional-id-without-a-name"),
    pytest.param("g:t:0", 2, 42, "key type 2", id="share-group"),
    pytest.param("any", -1, 42, "key type -1", id="no-key-type"),
]


@pytest.mark.parametrize("version", [*ONE_KEY_VERSIONS[1:], *SEVERAL_KEYS_VERSIONS])
@pytest.mark.parametrize(("key", "key_type", "error", "message"), REFUSED)
def test_what_is_not_coordinated_is_refused(
    wire: KafkaWire, version: int, key: str, key_type: int, error: int, message: str
) -> None:
    request = (
        FindCoordinatorRequest(key, key_type)
        if version < 4
        else FindCoordinatorRequest(key_type=key_type, coordinator_keys=[key])
    )
    response = wire.ask(FIND_COORDINATOR, version, request)
    found = response if version < 4 else response.coordinators[0]
    assert (found.error_code, found.node_id, found.host, found.port) == (error, -1, "", -1)
    assert message in found.error_message


def test_a_key_that_is_refused_leaves_the_others_answered(wire: KafkaWire) -> None:
    request = FindCoordinatorRequest(key_type=0, coordinator_keys=["a", "", "b"])
    response = wire.ask(FIND_COORDINATOR, 5, request)
    assert [(found.key, found.error_code) for found in response.coordinators] == [
        ("a", 0),
        ("", 24),
        ("b", 0),
    ]
