"""Tests of quekka.servers.kafka_handlers.api_16_list_groups."""

from collections.abc import Sequence

import pytest
from kafka_member import KafkaMember
from kafka_wire import KafkaWire, values
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.protocols.kafka.api_16_list_groups import ListGroupsRequest

LIST_GROUPS = 16


@pytest.fixture(autouse=True)
def groups(broker: Broker, wire: KafkaWire, text_client: WireClient) -> None:
    """One group of each kind."""
    broker.core.topics.create("t")
    broker.core.groups.offsets.commit("committed", {("t", 0): 1})
    KafkaMember(wire, "joined").join()
    KafkaMember(wire, "kafka").join_alone()
    text_client.send("SUBSCRIBE t text")
    assert text_client.read_line() == "+OK 0"


@pytest.mark.parametrize("version", range(6))
def test_all_groups_are_listed(wire: KafkaWire, version: int) -> None:
    response = wire.ask(LIST_GROUPS, version, ListGroupsRequest())
    assert response.error_code == 0
    states = ("Empty", "CompletingRebalance", "Stable", "Stable") if version >= 4 else ("",) * 4
    group_type = "classic" if version >= 5 else ""
    assert values(response.groups) == [
        ("committed", "", states[0], group_type),
        ("joined", "consumer", states[1], group_type),
        ("kafka", "consumer", states[2], group_type),
        ("text", "quekka-text", states[3], group_type),
    ]


FILTERS = [
    pytest.param([], [], ["committed", "joined", "kafka", "text"], id="none"),
    pytest.param(["Stable"], [], ["kafka", "text"], id="state"),
    pytest.param(["stable", "EMPTY"], [], ["committed", "kafka", "text"], id="states-in-any-case"),
    pytest.param(["CompletingRebalance"], ["Classic"], ["joined"], id="state-and-type"),
    pytest.param(["Dead"], [], [], id="state-of-no-group"),
    pytest.param(["nonsense"], [], [], id="no-state"),
    pytest.param([], ["consumer", "share"], [], id="other-types"),
    pytest.param([], ["nonsense", "classic"], ["committed", "joined", "kafka", "text"], id="one-of-types"),
]


@pytest.mark.parametrize(("states", "types", "listed"), FILTERS)
def test_filters_let_through_what_they_name(
    wire: KafkaWire, states: Sequence[str], types: Sequence[str], listed: Sequence[str]
) -> None:
    response = wire.ask(LIST_GROUPS, 5, ListGroupsRequest(states, types))
    assert [group.group_id for group in response.groups] == listed
