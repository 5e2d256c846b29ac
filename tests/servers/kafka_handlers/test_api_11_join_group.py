"""Tests of quekka.servers.kafka_handlers.api_11_join_group."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from kafka_member import JOIN_GROUP, SUBSCRIPTION, KafkaMember
from kafka_wire import KafkaWire, values
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.protocols.kafka.api_12_heartbeat import HeartbeatRequest

HEARTBEAT = 12
OpenWire = Callable[..., KafkaWire]


@pytest.mark.parametrize("version", range(10))
def test_the_first_member_leads_and_hears_of_itself(wire: KafkaWire, version: int) -> None:
    member = KafkaMember(wire, join_version=version)
    response = member.join()
    assert response.generation_id == 1
    assert response.protocol_type == ("consumer" if version >= 7 else None)
    assert response.protocol_name == "range"
    assert response.leader == response.member_id
    assert values(response.members) == [(response.member_id, None, SUBSCRIPTION)]
    assert not response.skip_assignment


@pytest.mark.parametrize("version", range(4))
def test_old_clients_need_no_member_id_to_join(wire: KafkaWire, version: int) -> None:
    response = wire.ask(JOIN_GROUP, version, KafkaMember(wire, join_version=version).join_request())
    assert response.error_code == 0
    assert response.member_id.startswith("wire-")


@pytest.mark.parametrize("version", range(4, 10))
def test_new_clients_are_given_a_member_id_to_come_again_with(wire: KafkaWire, version: int) -> None:
    response = wire.ask(JOIN_GROUP, version, KafkaMember(wire, join_version=version).join_request())
    assert (response.error_code, response.generation_id, response.members) == (79, -1, ())
    assert response.member_id.startswith("wire-")


def test_without_a_rebalance_timeout_the_session_timeout_is_taken(broker: Broker, wire: KafkaWire) -> None:
    KafkaMember(wire, join_version=0).join()
    group = broker.core.groups.classic.find("g")
    assert group is not None
    (member,) = group.members.values()
    assert (member.session_timeout_ms, member.rebalance_timeout_ms) == (10_000, 10_000)


@pytest.mark.parametrize("client_id", ["me", "", None], ids=["name", "empty", "null"])
def test_the_group_knows_who_its_members_are(
    broker: Broker, open_wire: OpenWire, client_id: str | None
) -> None:
    KafkaMember(open_wire(broker, client_id)).join()
    group = broker.core.groups.classic.find("g")
    assert group is not None
    (member,) = group.members.values()
    assert (member.client_id, member.client_host) == (client_id or "", "/127.0.0.1")
    assert member.rebalance_timeout_ms == 20_000


ERRORS = [
    pytest.param({"group_id": ""}, 24, id="group-without-a-name"),
    pytest.param({"session_timeout_ms": 5_999}, 26, id="session-too-short"),
    pytest.param({"session_timeout_ms": 1_800_001}, 26, id="session-too-long"),
    pytest.param({"member_id": "stranger"}, 25, id="member"),
    pytest.param({"protocol_type": ""}, 23, id="no-protocol-type"),
    pytest.param({"protocol_type": "connect"}, 23, id="other-protocol-type"),
    pytest.param({"protocols": []}, 23, id="no-protocols"),
]


@pytest.mark.parametrize("version", [0, 6, 7, 9])
@pytest.mark.parametrize(("changes", "error"), ERRORS)
def test_a_request_that_cannot_join_is_refused(
    broker: Broker, wire: KafkaWire, open_wire: OpenWire, changes: dict[str, Any], error: int, version: int
) -> None:
    KafkaMember(open_wire(broker)).join_alone()
    request = KafkaMember(wire, join_version=version).join_request()
    for name, value in changes.items():
        setattr(request, name, value)
    response = wire.ask(JOIN_GROUP, version, request)
    protocol_name = None if version >= 7 else ""
    assert values(response) == (0, error, -1, None, protocol_name, "", False, request.member_id, [])


@pytest.mark.parametrize("instance", ["", "x" * 250], ids=["empty", "too-long"])
def test_an_instance_id_is_bounded(wire: KafkaWire, instance: str) -> None:
    request = KafkaMember(wire, instance=instance).join_request()
    assert wire.ask(JOIN_GROUP, 5, request).error_code == 42


def test_of_a_long_client_id_the_beginning_counts(broker: Broker, open_wire: OpenWire) -> None:
    response = KafkaMember(open_wire(broker, "x" * 32767)).join()
    assert response.member_id.startswith("x" * 249 + "-")


def test_a_group_of_the_text_protocol_takes_no_members_of_ours(
    broker: Broker, wire: KafkaWire, text_client: WireClient
) -> None:
    broker.core.topics.create("t")
    text_client.send("SUBSCRIBE t g")
    assert text_client.read_line().startswith("+OK")
    assert wire.ask(JOIN_GROUP, 3, KafkaMember(wire, join_version=3).join_request()).error_code == 23


def test_the_leader_hears_of_all_and_the_others_of_none(
    broker: Broker, wire: KafkaWire, open_wire: OpenWire
) -> None:
    first, second = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker), metadata=b"other")
    second.begin_join()
    first.await_rebalance()
    heard_by_first, heard_by_second = first.join(), second.end_join()
    assert values(heard_by_first.members) == [
        (first.member_id, None, SUBSCRIPTION),
        (second.member_id, None, b"other"),
    ]
    assert heard_by_second.members == ()
    assert heard_by_second.leader == first.member_id


def test_what_was_asked_before_is_answered_before_the_wait(
    broker: Broker, wire: KafkaWire, open_wire: OpenWire
) -> None:
    first, second = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker), join_version=3)
    second.wire.send(HEARTBEAT, 3, HeartbeatRequest("g", 1, "stranger"))
    second.begin_join()
    assert second.wire.receive().error_code == 25
    first.await_rebalance()
    first.join()
    assert second.end_join().generation_id == 2


@pytest.mark.parametrize("version", range(5, 10))
def test_a_static_member_comes_back_without_a_rebalance(
    broker: Broker, wire: KafkaWire, open_wire: OpenWire, version: int
) -> None:
    old = KafkaMember(wire, instance="i", join_version=version).join_alone()
    again = KafkaMember(open_wire(broker), instance="i", join_version=version)
    response = again.join()
    assert response.generation_id == old.generation
    assert response.member_id != old.member_id
    assert response.skip_assignment == (version >= 9)
    assert (response.leader == response.member_id) == (version >= 9)
    assert again.sync().assignment == b"all"
    assert old.heartbeat() == 82


def test_a_member_that_went_away_while_it_waits_harms_nobody(
    broker: Broker, wire: KafkaWire, open_wire: OpenWire
) -> None:
    first, second = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker))
    second.begin_join()
    first.await_rebalance()
    second.wire.close()
    assert first.join().generation_id == 2
    assert first.sync({first.member_id: b"mine"}).assignment == b"mine"


def test_who_waits_is_answered_when_the_broker_stops(
    broker: Broker, wire: KafkaWire, open_wire: OpenWire
) -> None:
    first, second = KafkaMember(wire).join_alone(), KafkaMember(open_wire(broker))
    second.begin_join()
    first.await_rebalance()
    broker.stop()
    assert second.wire.receive().error_code == 15
    assert second.wire.is_closed()


def test_a_client_that_hangs_up_while_its_group_rebalances_is_not_waited_for(
    start_broker: Callable[..., Broker], open_wire: OpenWire
) -> None:
    broker = start_broker({"group.initial.rebalance.delay.ms": "2000000000"})
    wire = open_wire(broker)
    wire.send(JOIN_GROUP, 3, KafkaMember(wire, join_version=3).join_request())
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.is_closed()
    assert broker.core.groups.classic.has_members("g")
