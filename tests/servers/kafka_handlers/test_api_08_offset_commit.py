"""Tests of quekka.servers.kafka_handlers.api_08_offset_commit."""

from collections.abc import Callable

import pytest
from kafka_member import KafkaMember
from kafka_wire import KafkaWire, values
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.errors import KafkaStorageError, ThrottlingError
from quekka.protocols.kafka.api_08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)

OFFSET_COMMIT = 8
VERSIONS = range(2, 10)

Commit = tuple[str, int, int, int, str | None]
"""Topic, partition, offset, leader epoch, metadata."""


def request(
    *commits: Commit, group: str = "g", generation: int = -1, member_id: str = "", instance: str | None = None
) -> OffsetCommitRequest:
    topics: dict[str, list[OffsetCommitRequestPartition]] = {}
    for topic, *partition in commits:
        topics.setdefault(topic, []).append(OffsetCommitRequestPartition(*partition))  # type: ignore[arg-type]
    return OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=generation,
        member_id=member_id,
        group_instance_id=instance,
        topics=[OffsetCommitRequestTopic(name, partitions) for name, partitions in topics.items()],
    )


def commit(wire: KafkaWire, asked: OffsetCommitRequest, version: int = 7) -> dict[tuple[str, int], int]:
    """The error numbers by (topic, partition)."""
    response = wire.ask(OFFSET_COMMIT, version, asked)
    return {
        (topic.name, partition.partition_index): partition.error_code
        for topic in response.topics
        for partition in topic.partitions
    }


@pytest.fixture(autouse=True)
def topics(broker: Broker) -> None:
    broker.core.topics.create("t", 3)
    broker.core.topics.create("u")


@pytest.mark.parametrize("version", VERSIONS)
def test_who_only_commits_is_served_in_every_version(broker: Broker, wire: KafkaWire, version: int) -> None:
    epoch = 4 if version >= 6 else -1
    asked = request(("t", 0, 5, epoch, "a note"), ("t", 2, 6, -1, ""), ("u", 0, 7, -1, None))
    response = wire.ask(OFFSET_COMMIT, version, asked)
    assert values(response) == (0, [("t", [(0, 0), (2, 0)]), ("u", [(0, 0)])])
    committed = broker.core.groups.offsets.committed_by("g")
    assert {place: kept[:3] for place, kept in committed.items()} == {
        ("t", 0): (5, epoch, "a note"),
        ("t", 2): (6, -1, ""),
        ("u", 0): (7, -1, ""),
    }


def test_all_partitions_of_a_request_are_one_append(broker: Broker, wire: KafkaWire) -> None:
    commit(wire, request(("t", 0, 1, -1, ""), ("t", 1, 2, -1, ""), ("u", 0, 3, -1, "")))
    view = broker.core.topics.get("__consumer_offsets").partition(0).view()
    assert view.log_end_offset == 3
    assert (
        len({kept.commit_timestamp_ms for kept in broker.core.groups.offsets.committed_by("g").values()}) == 1
    )


PARTITION_ERRORS = [
    pytest.param(("nowhere", 0, 1, -1, ""), 3, id="unknown-topic"),
    pytest.param(("no such/name", 0, 1, -1, ""), 3, id="impossible-topic"),
    pytest.param(("t", 3, 1, -1, ""), 3, id="unknown-partition"),
    pytest.param(("t", -1, 1, -1, ""), 3, id="negative-partition"),
    pytest.param(("t", 0, 1, -1, "x" * 4097), 12, id="metadata-too-long"),
]


@pytest.mark.parametrize(("wrong", "error"), PARTITION_ERRORS)
def test_what_is_wrong_with_one_partition_leaves_the_others_committed(
    broker: Broker, wire: KafkaWire, wrong: Commit, error: int
) -> None:
    errors = commit(wire, request(("t", 1, 8, -1, "y" * 4096), wrong, ("u", 0, 9, -1, "")))
    assert errors == {("t", 1): 0, wrong[:2]: error, ("u", 0): 0}
    assert set(broker.core.groups.offsets.committed_by("g")) == {("t", 1), ("u", 0)}


def test_a_member_commits_with_its_generation(broker: Broker, wire: KafkaWire) -> None:
    member = KafkaMember(wire).join_alone()
    asked = request(("t", 0, 5, -1, ""), generation=member.generation, member_id=member.member_id)
    assert commit(wire, asked) == {("t", 0): 0}
    assert broker.core.groups.offsets.committed_by("g")["t", 0].offset == 5


MEMBER_ERRORS = [
    pytest.param(lambda m: {"generation": m.generation + 1, "member_id": m.member_id}, 22, id="generation"),
    pytest.param(lambda m: {"generation": m.generation, "member_id": "stranger"}, 25, id="member"),
    pytest.param(lambda m: {}, 25, id="only-commits"),
    pytest.param(
        lambda m: {"generation": m.generation, "member_id": "old", "instance": m.instance}, 82, id="fenced"
    ),
]


@pytest.mark.parametrize(("who", "error"), MEMBER_ERRORS)
def test_a_group_with_members_takes_commits_from_them_alone(
    broker: Broker, wire: KafkaWire, who: Callable[[KafkaMember], dict[str, object]], error: int
) -> None:
    member = KafkaMember(wire, instance="i").join_alone()
    asked = request(("t", 0, 5, -1, ""), ("nowhere", 0, 5, -1, ""), **who(member))  # type: ignore[arg-type]
    assert commit(wire, asked) == {("t", 0): error, ("nowhere", 0): error}
    assert broker.core.groups.offsets.committed_by("g") == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_group_without_members_has_no_generations(wire: KafkaWire, version: int) -> None:
    asked = request(("t", 0, 5, -1, ""), generation=1, member_id="gone")
    assert commit(wire, asked, version) == {("t", 0): 22}, "nothing is known of it"
    commit(wire, request(("t", 0, 5, -1, "")), version)
    assert commit(wire, asked, version) == {("t", 0): 25}, "it has offsets"


def test_nobody_commits_between_a_new_generation_and_its_assignment(wire: KafkaWire) -> None:
    member = KafkaMember(wire)
    member.join()
    asked = request(("t", 0, 5, -1, ""), generation=member.generation, member_id=member.member_id)
    assert commit(wire, asked) == {("t", 0): 27}


def test_a_group_of_the_text_protocol_takes_no_commits_of_ours(
    wire: KafkaWire, text_client: WireClient
) -> None:
    text_client.send("SUBSCRIBE t g")
    assert text_client.read_line().startswith("+OK")
    assert commit(wire, request(("t", 0, 5, -1, ""))) == {("t", 0): 25}


def test_the_text_protocol_sees_what_was_committed(wire: KafkaWire, text_client: WireClient) -> None:
    commit(wire, request(("t", 1, 0, -1, "")))
    text_client.send("GROUP g")
    assert "t/1.committed=0" in text_client.read_line().split()


def test_a_group_needs_a_name(wire: KafkaWire) -> None:
    assert commit(wire, request(("t", 0, 5, -1, ""), group="")) == {("t", 0): 24}


def test_the_longest_name_that_can_be_sent_can_be_committed_for(broker: Broker, wire: KafkaWire) -> None:
    assert commit(wire, request(("t", 0, 5, -1, ""), group="x" * 32767), 9) == {("t", 0): 0}


def test_groups_are_not_made_without_end(
    start_broker: Callable[..., Broker], open_wire: Callable[..., KafkaWire]
) -> None:
    broker = start_broker({"max.groups": "2"})
    broker.core.topics.create("t")
    wire = open_wire(broker)
    errors = [commit(wire, request(("t", 0, 5, -1, ""), group=name)) for name in ("a", "b", "c", "a")]
    assert [error["t", 0] for error in errors] == [0, 0, 44, 0]


@pytest.mark.parametrize("error", [KafkaStorageError("disk"), ThrottlingError("queue")], ids=lambda e: e.code)
def test_a_broker_that_cannot_store_now_has_the_client_commit_again(
    broker: Broker, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(broker.core.groups.offsets, "commit_with_metadata", fail)
    assert commit(wire, request(("t", 0, 5, -1, ""), ("nowhere", 0, 5, -1, ""))) == {
        ("t", 0): 15,
        ("nowhere", 0): 3,
    }


def test_nothing_to_commit_is_no_error(broker: Broker, wire: KafkaWire) -> None:
    assert commit(wire, request()) == {}
    assert broker.core.groups.names() == []
