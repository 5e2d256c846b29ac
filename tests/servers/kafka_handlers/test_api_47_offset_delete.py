"""Tests of quekka.servers.kafka_handlers.api_47_offset_delete."""

from collections.abc import Callable

import pytest
from kafka_member import KafkaMember
from kafka_wire import KafkaWire, values
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.protocols.kafka.api_47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)

OFFSET_DELETE = 47
PLACES = {("t", 0): 1, ("t", 1): 2, ("u", 0): 3}


@pytest.fixture(autouse=True)
def committed(broker: Broker) -> None:
    broker.core.topics.create("t", 3)
    broker.core.topics.create("u")
    broker.core.groups.offsets.commit("g", PLACES)


def delete(wire: KafkaWire, topics: dict[str, list[int]], group: str = "g") -> OffsetDeleteResponse:
    asked = [
        OffsetDeleteRequestTopic(name, [OffsetDeleteRequestPartition(number) for number in numbers])
        for name, numbers in topics.items()
    ]
    response: OffsetDeleteResponse = wire.ask(OFFSET_DELETE, 0, OffsetDeleteRequest(group, asked))
    return response


def left(broker: Broker) -> set[tuple[str, int]]:
    return set(broker.core.groups.offsets.committed_by("g"))


def test_what_was_named_is_forgotten(broker: Broker, wire: KafkaWire) -> None:
    response = delete(wire, {"t": [1], "u": [0]})
    assert values(response) == (0, 0, [("t", [(1, 0)]), ("u", [(0, 0)])])
    assert left(broker) == {("t", 0)}


def test_what_does_not_exist_is_told_and_what_was_not_committed_is_no_error(
    broker: Broker, wire: KafkaWire
) -> None:
    response = delete(wire, {"t": [2, 3, 0], "nowhere": [0]})
    assert values(response.topics) == [("t", [(2, 0), (3, 3), (0, 0)]), ("nowhere", [(0, 3)])]
    assert left(broker) == {("t", 1), ("u", 0)}


def test_topics_that_members_read_keep_their_offsets(broker: Broker, wire: KafkaWire) -> None:
    KafkaMember(wire).join_alone()
    response = delete(wire, {"t": [0, 1], "u": [0]})
    assert values(response) == (0, 0, [("t", [(0, 86), (1, 86)]), ("u", [(0, 0)])])
    assert left(broker) == {("t", 0), ("t", 1)}


def test_topics_that_members_of_the_text_protocol_read_keep_their_offsets(
    broker: Broker, wire: KafkaWire, text_client: WireClient
) -> None:
    text_client.send("SUBSCRIBE t g")
    assert text_client.read_line().startswith("+OK")
    response = delete(wire, {"t": [0], "u": [0]})
    assert values(response.topics) == [("t", [(0, 86)]), ("u", [(0, 0)])]


def test_while_it_is_not_known_what_members_read_nothing_is_forgotten(
    broker: Broker, wire: KafkaWire
) -> None:
    KafkaMember(wire, metadata=b"?").join_alone()
    assert values(delete(wire, {"u": [0]}).topics) == [("u", [(0, 86)])]
    assert left(broker) == set(PLACES)


def _of_other_members(broker: Broker, wire: KafkaWire) -> str:
    KafkaMember(wire, protocol_type="connect").join_alone()
    return "g"


REFUSED: list[tuple[Callable[[Broker, KafkaWire], str], int]] = [
    pytest.param(_of_other_members, 68, id="members-that-are-no-consumers"),
    pytest.param(lambda broker, wire: "nobody", 69, id="unknown"),
    pytest.param(lambda broker, wire: "", 24, id="without-a-name"),
]  # type: ignore[list-item]


@pytest.mark.parametrize(("group", "error"), REFUSED)
def test_some_groups_are_refused_as_a_whole(
    broker: Broker, wire: KafkaWire, group: Callable[[Broker, KafkaWire], str], error: int
) -> None:
    assert values(delete(wire, {"t": [0]}, group(broker, wire))) == (error, 0, [])
    assert left(broker) == set(PLACES)
