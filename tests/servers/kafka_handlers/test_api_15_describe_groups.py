"""Tests of quekka.servers.kafka_handlers.api_15_describe_groups."""

from collections.abc import Callable

import pytest
from kafka_member import SUBSCRIPTION, KafkaMember
from kafka_wire import KafkaWire, values
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.protocols.kafka.api_15_describe_groups import (
    DescribedGroup,
    DescribeGroupsRequest,
)

DESCRIBE_GROUPS = 15
VERSIONS = range(7)
NOT_TOLD = -(2**31)


def describe(wire: KafkaWire, *groups: str, version: int = 5) -> list[DescribedGroup]:
    return list(wire.ask(DESCRIBE_GROUPS, version, DescribeGroupsRequest(list(groups))).groups)


def brief(group: DescribedGroup) -> tuple[str, str, str]:
    return group.group_state, group.protocol_type, group.protocol_data


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stable_group_is_described_with_all_of_its_members(
    broker: Broker, wire: KafkaWire, open_wire: Callable[..., KafkaWire], version: int
) -> None:
    member = KafkaMember(open_wire(broker, "me"), instance="i").join_alone()
    (group,) = describe(wire, "g", version=version)
    instance = "i" if version >= 4 else None
    assert values(group) == (
        0, None, "g", "Stable", "consumer", "range",
        [(member.member_id, instance, "me", "/127.0.0.1", SUBSCRIPTION, b"all")], NOT_TOLD,
    )  # fmt: skip


def test_states_are_kafkas(broker: Broker, wire: KafkaWire, open_wire: Callable[..., KafkaWire]) -> None:
    member = KafkaMember(open_wire(broker))
    member.join()
    (group,) = describe(wire, "g")
    assert brief(group) == ("CompletingRebalance", "consumer", "")
    assert group.members[0].member_metadata == b""
    member.sync({member.member_id: b"all"})
    other = KafkaMember(open_wire(broker))
    other.begin_join()
    member.await_rebalance()
    (group,) = describe(wire, "g")
    assert brief(group) == ("PreparingRebalance", "consumer", "")
    assert {described.member_id for described in group.members} == {member.member_id, other.member_id}
    member.join()
    other.end_join()


def test_a_group_that_has_committed_only_is_empty(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("t")
    broker.core.groups.offsets.commit("g", {("t", 0): 1})
    (group,) = describe(wire, "g")
    assert brief(group) == ("Empty", "", "")


def test_a_group_that_has_lost_its_members_keeps_its_type(wire: KafkaWire, broker: Broker) -> None:
    member = KafkaMember(wire).join_alone()
    broker.core.groups.classic.leave("g", member.member_id, None)
    (group,) = describe(wire, "g")
    assert brief(group) == ("Empty", "consumer", "")
    assert group.members == ()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_group_is_dead(wire: KafkaWire, version: int) -> None:
    (group,) = describe(wire, "nobody", version=version)
    error = (69, "there is no group nobody") if version >= 6 else (0, None)
    assert (group.error_code, group.error_message) == error
    assert brief(group) == ("Dead", "", "")


def test_groups_of_the_text_protocol_have_a_type_of_their_own(
    broker: Broker, wire: KafkaWire, text_client: WireClient
) -> None:
    broker.core.topics.create("t")
    text_client.send("SUBSCRIBE t g")
    assert text_client.read_line() == "+OK 0"
    (group,) = describe(wire, "g")
    assert brief(group) == ("Stable", "quekka-text", "")
    (member,) = group.members
    assert member.member_id.startswith("text-127.0.0.1:")
    assert values(member)[1:] == (None, "", "", b"", b"")


def test_a_group_that_came_over_from_kafka_to_text_shows_its_present_members(
    broker: Broker, wire: KafkaWire, text_client: WireClient
) -> None:
    broker.core.topics.create("t")
    member = KafkaMember(wire).join_alone()
    broker.core.groups.classic.leave("g", member.member_id, None)
    text_client.send("SUBSCRIBE t g")
    assert text_client.read_line() == "+OK 0"
    (group,) = describe(wire, "g")
    assert brief(group) == ("Stable", "quekka-text", "")


def test_groups_are_answered_in_the_order_in_which_they_were_named(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("t")
    broker.core.groups.offsets.commit("g", {("t", 0): 1})
    groups = describe(wire, "nobody", "g", "", version=6)
    assert [(group.group_id, group.error_code) for group in groups] == [("nobody", 69), ("g", 0), ("", 69)]


@pytest.mark.parametrize("version", range(3, 7))
def test_operations_are_told_to_who_asks(broker: Broker, wire: KafkaWire, version: int) -> None:
    broker.core.topics.create("t")
    broker.core.groups.offsets.commit("g", {("t", 0): 1})
    request = DescribeGroupsRequest(["g"], include_authorized_operations=True)
    (group,) = wire.ask(DESCRIBE_GROUPS, version, request).groups
    read, delete, describe_it = 3, 6, 8
    assert group.authorized_operations == 1 << read | 1 << delete | 1 << describe_it
