"""Tests of quekka.servers.kafka_handlers.api_14_sync_group."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from kafka_member import SYNC_GROUP, KafkaMember
from kafka_wire import KafkaWire, values

from quekka.embedded import Broker
from quekka.protocols.kafka.api_12_heartbeat import HeartbeatRequest

HEARTBEAT = 12


@pytest.mark.parametrize("version", range(6))
def test_the_leader_hands_in_the_assignment_and_gets_its_part(wire: KafkaWire, version: int) -> None:
    member = KafkaMember(wire)
    member.join()
    response = member.sync({member.member_id: b"mine", "nobody": b"lost"}, version)
    names = ("consumer", "range") if version >= 5 else (None, None)
    assert values(response) == (0, 0, *names, b"mine")


def test_the_others_wait_for_the_leader_and_are_answered_before_they_wait(
    broker: Broker, wire: KafkaWire, open_wire: Callable[..., KafkaWire]
) -> None:
    leader, other = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker))
    leader.let_in(other)
    assert leader.leader == leader.member_id
    other.wire.send(HEARTBEAT, 3, HeartbeatRequest("g", other.generation, other.member_id))
    other.wire.send(SYNC_GROUP, 3, other.sync_request({}))
    assert other.wire.receive().error_code == 0
    assert leader.sync({leader.member_id: b"A", other.member_id: b"B"}).assignment == b"A"
    assert other.wire.receive().assignment == b"B"


def test_a_client_that_hangs_up_while_it_waits_for_the_leader_is_not_waited_for_and_stays_a_member(
    broker: Broker, wire: KafkaWire, open_wire: Callable[..., KafkaWire]
) -> None:
    leader, other = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker))
    leader.let_in(other)
    other.wire.send(SYNC_GROUP, 3, other.sync_request({}))
    other.wire.socket.shutdown(socket.SHUT_WR)
    assert other.wire.is_closed()
    assert leader.sync({leader.member_id: b"A", other.member_id: b"B"}).assignment == b"A"
    other.wire = open_wire(broker)
    assert other.sync().assignment == b"B"


ERRORS = [
    pytest.param({"group_id": ""}, 24, id="group-without-a-name"),
    pytest.param({"group_id": "other"}, 25, id="other-group"),
    pytest.param({"generation_id": 9}, 22, id="generation"),
    pytest.param({"member_id": "stranger", "group_instance_id": None}, 25, id="member"),
    pytest.param({"member_id": "old"}, 82, id="fenced"),
    pytest.param({"protocol_type": "connect"}, 23, id="protocol-type"),
    pytest.param({"protocol_name": "sticky"}, 23, id="protocol-name"),
    pytest.param({"protocol_type": None}, 23, id="no-protocol-type"),
    pytest.param({"protocol_name": None}, 23, id="no-protocol-name"),
]


@pytest.mark.parametrize(("changes", "error"), ERRORS)
def test_a_request_that_does_not_fit_the_group_is_refused(
    wire: KafkaWire, changes: dict[str, Any], error: int
) -> None:
    member = KafkaMember(wire, instance="i")
    member.join()
    request = member.sync_request({member.member_id: b"mine"})
    for name, value in changes.items():
        setattr(request, name, value)
    response = wire.ask(SYNC_GROUP, 5, request)
    assert values(response) == (0, error, None, None, b"")


def test_old_versions_need_not_name_the_protocol(wire: KafkaWire) -> None:
    member = KafkaMember(wire)
    member.join()
    request = member.sync_request({member.member_id: b"mine"})
    request.protocol_type = request.protocol_name = None
    assert wire.ask(SYNC_GROUP, 4, request).assignment == b"mine"


def test_an_assignment_can_be_asked_for_again(wire: KafkaWire) -> None:
    member = KafkaMember(wire).join_alone()
    assert member.sync({}).assignment == b"all"
