"""Tests of quekka.servers.kafka_handlers.api_42_delete_groups."""

import pytest
from kafka_member import KafkaMember
from kafka_wire import KafkaWire, values
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.protocols.kafka.api_42_delete_groups import DeleteGroupsRequest

DELETE_GROUPS = 42


@pytest.mark.parametrize("version", range(3))
def test_each_group_is_deleted_or_refused_for_itself(
    broker: Broker, wire: KafkaWire, text_client: WireClient, version: int
) -> None:
    broker.core.topics.create("t")
    for name in ("one", "two"):
        broker.core.groups.offsets.commit(name, {("t", 0): 1})
    KafkaMember(wire, "kafka").join_alone()
    text_client.send("SUBSCRIBE t text")
    assert text_client.read_line() == "+OK 0"
    request = DeleteGroupsRequest(["one", "kafka", "text", "nobody", "", "two"])
    assert values(wire.ask(DELETE_GROUPS, version, request).results) == [
        ("one", 0), ("kafka", 68), ("text", 68), ("nobody", 69), ("", 69), ("two", 0),
    ]  # fmt: skip
    assert broker.core.groups.names() == ["kafka", "text"]


def test_a_group_that_has_lost_its_members_goes_with_its_offsets(broker: Broker, wire: KafkaWire) -> None:
    member = KafkaMember(wire).join_alone()
    broker.core.topics.create("t")
    broker.core.groups.offsets.commit("g", {("t", 0): 1})
    broker.core.groups.classic.leave("g", member.member_id, None)
    assert values(wire.ask(DELETE_GROUPS, 2, DeleteGroupsRequest(["g", "g"])).results) == [
        ("g", 0),
    ]
    assert broker.core.groups.offsets.committed_by("g") == {}
