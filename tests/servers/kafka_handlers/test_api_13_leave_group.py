"""Tests of quekka.servers.kafka_handlers.api_13_leave_group."""

from collections.abc import Callable

import pytest
from kafka_member import KafkaMember
from kafka_wire import KafkaWire, values

from quekka.embedded import Broker
from quekka.protocols.kafka.api_13_leave_group import LeaveGroupRequest, MemberIdentity

LEAVE_GROUP = 13


def members(broker: Broker, group: str = "g") -> list[str]:
    return [member.member_id for member in broker.core.groups.describe(group).members]


@pytest.mark.parametrize("version", range(3))
def test_one_member_leaves(broker: Broker, wire: KafkaWire, version: int) -> None:
    member = KafkaMember(wire).join_alone()
    response = wire.ask(LEAVE_GROUP, version, LeaveGroupRequest("g", "stranger"))
    assert values(response) == (0, 25, [])
    assert members(broker) == [member.member_id]
    assert values(wire.ask(LEAVE_GROUP, version, LeaveGroupRequest("g", member.member_id))) == (0, 0, [])
    assert members(broker) == []


@pytest.mark.parametrize("version", range(3, 6))
def test_several_members_leave_each_with_an_answer_of_its_own(
    broker: Broker, wire: KafkaWire, open_wire: Callable[..., KafkaWire], version: int
) -> None:
    first, second = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker), instance="i")
    first.let_in(second)
    asked = [
        MemberIdentity(first.member_id, None, "done"),
        MemberIdentity("stranger", None),
        MemberIdentity("", "i"),
        MemberIdentity("", "unknown"),
    ]
    response = wire.ask(LEAVE_GROUP, version, LeaveGroupRequest("g", members=asked))
    assert values(response) == (
        0,
        0,
        [(first.member_id, None, 0), ("stranger", None, 25), ("", "i", 0), ("", "unknown", 25)],
    )
    assert members(broker) == []


def test_a_static_member_that_was_replaced_takes_nobody_with_it(
    broker: Broker, wire: KafkaWire, open_wire: Callable[..., KafkaWire]
) -> None:
    old = KafkaMember(wire, instance="i").join_alone()
    new = KafkaMember(open_wire(broker), instance="i")
    new.join()
    asked = [MemberIdentity(old.member_id, "i")]
    assert values(wire.ask(LEAVE_GROUP, 3, LeaveGroupRequest("g", members=asked)).members) == [
        (old.member_id, "i", 82)
    ]
    assert members(broker) == [new.member_id]


def test_the_others_rebalance_at_once(
    broker: Broker, wire: KafkaWire, open_wire: Callable[..., KafkaWire]
) -> None:
    first, second = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker))
    first.let_in(second)
    wire.ask(LEAVE_GROUP, 1, LeaveGroupRequest("g", first.member_id))
    assert second.heartbeat() == 27
    assert second.join().leader == second.member_id


@pytest.mark.parametrize("version", [0, 5])
def test_a_group_needs_a_name(wire: KafkaWire, version: int) -> None:
    assert wire.ask(LEAVE_GROUP, version, LeaveGroupRequest("")).error_code == 24


def test_of_an_unknown_group_nobody_is_a_member(wire: KafkaWire) -> None:
    assert wire.ask(LEAVE_GROUP, 0, LeaveGroupRequest("nobody", "m")).error_code == 25
    asked = LeaveGroupRequest("nobody", members=[MemberIdentity("m", None)])
    assert values(wire.ask(LEAVE_GROUP, 5, asked)) == (0, 0, [("m", None, 25)])
