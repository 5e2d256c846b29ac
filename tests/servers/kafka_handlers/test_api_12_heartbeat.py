"""Tests of quekka.servers.kafka_handlers.api_12_heartbeat."""

from typing import Any

import pytest
from kafka_member import KafkaMember
from kafka_wire import KafkaWire

from quekka.protocols.kafka.api_12_heartbeat import HeartbeatRequest

HEARTBEAT = 12


@pytest.mark.parametrize("version", range(5))
def test_a_member_is_heard_in_every_version(wire: KafkaWire, version: int) -> None:
    member = KafkaMember(wire).join_alone()
    assert member.heartbeat(version) == 0


ERRORS = [
    pytest.param({"group_id": ""}, 24, id="group-without-a-name"),
    pytest.param({"group_id": "other"}, 25, id="other-group"),
    pytest.param({"generation_id": 9}, 22, id="generation"),
    pytest.param({"member_id": "stranger", "group_instance_id": None}, 25, id="member"),
    pytest.param({"member_id": "old"}, 82, id="fenced"),
]


@pytest.mark.parametrize(("changes", "error"), ERRORS)
def test_who_is_no_member_is_told_why(wire: KafkaWire, changes: dict[str, Any], error: int) -> None:
    member = KafkaMember(wire, instance="i").join_alone()
    known = {"group_id": "g", "generation_id": 1, "member_id": member.member_id, "group_instance_id": "i"}
    response = wire.ask(HEARTBEAT, 4, HeartbeatRequest(**{**known, **changes}))
    assert response.error_code == error


def test_a_member_learns_of_a_rebalance(wire: KafkaWire, open_wire: Any, broker: Any) -> None:
    first, second = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker))
    first.let_in(second)
    assert (first.generation, second.generation) == (2, 2)
