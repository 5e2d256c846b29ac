"""Tests of quekka.servers.kafka_handlers.api_09_offset_fetch."""

import pytest
from kafka_wire import KafkaWire, values

from quekka.broker.offset_store import OffsetAndMetadata
from quekka.embedded import Broker
from quekka.protocols.kafka.api_09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)

OFFSET_FETCH = 9
ONE_GROUP_VERSIONS = range(1, 8)
GROUPS_VERSIONS = range(8, 10)
NOTHING = (-1, -1, "", 0)

Wanted = dict[str, list[int]] | None


@pytest.fixture(autouse=True)
def committed(broker: Broker) -> None:
    for topic in ("t", "u"):
        broker.core.topics.create(topic, 2)
    for group, offset in (("g", 5), ("h", 50)):
        broker.core.groups.offsets.commit_with_metadata(
            group,
            {
                ("u", 0): OffsetAndMetadata(offset + 2),
                ("t", 1): OffsetAndMetadata(offset + 1, -1, ""),
                ("t", 0): OffsetAndMetadata(offset, 3, "a note"),
            },
        )


def fetch(wire: KafkaWire, version: int, wanted: dict[str, Wanted]) -> dict[str, object]:
    """What each group is answered, whatever the layout of the version."""
    if version >= 8:
        request = OffsetFetchRequest(
            groups=[
                OffsetFetchRequestGroup(
                    group,
                    topics=None
                    if topics is None
                    else [OffsetFetchRequestTopics(*topic) for topic in topics.items()],
                )
                for group, topics in wanted.items()
            ]
        )
        response = wire.ask(OFFSET_FETCH, version, request)
        assert all(group.error_code == 0 for group in response.groups)
        return {group.group_id: dict(values(group.topics)) for group in response.groups}
    ((group, topics),) = wanted.items()
    asked = None if topics is None else [OffsetFetchRequestTopic(*topic) for topic in topics.items()]
    response = wire.ask(OFFSET_FETCH, version, OffsetFetchRequest(group, asked))
    assert response.error_code == 0
    return {group: dict(values(response.topics))}


def epoch(version: int) -> int:
    """The leader epoch of the one partition that has some, where the version tells it."""
    return 3 if version >= 5 else -1


@pytest.mark.parametrize("version", [*ONE_GROUP_VERSIONS, *GROUPS_VERSIONS])
def test_the_partitions_asked_for_are_answered_in_that_order(wire: KafkaWire, version: int) -> None:
    assert fetch(wire, version, {"g": {"u": [0], "t": [1, 0]}}) == {
        "g": {"u": [(0, 7, -1, "", 0)], "t": [(1, 6, -1, "", 0), (0, 5, epoch(version), "a note", 0)]}
    }


@pytest.mark.parametrize("version", [*ONE_GROUP_VERSIONS, *GROUPS_VERSIONS])
@pytest.mark.parametrize(
    ("group", "topic", "partition"),
    [
        pytest.param("nobody", "t", 0, id="group"),
        pytest.param("g", "nowhere", 0, id="topic"),
        pytest.param("g", "t", 9, id="partition"),
        pytest.param("", "t", 0, id="group-without-a-name"),
    ],
)
def test_what_is_unknown_has_no_offset_and_no_error(
    wire: KafkaWire, version: int, group: str, topic: str, partition: int
) -> None:
    assert fetch(wire, version, {group: {topic: [partition]}}) == {group: {topic: [(partition, *NOTHING)]}}


@pytest.mark.parametrize("version", [*range(2, 8), *GROUPS_VERSIONS])
def test_null_topics_mean_all_that_the_group_has_committed(wire: KafkaWire, version: int) -> None:
    assert fetch(wire, version, {"g": None}) == {
        "g": {"t": [(0, 5, epoch(version), "a note", 0), (1, 6, -1, "", 0)], "u": [(0, 7, -1, "", 0)]}
    }
    assert fetch(wire, version, {"nobody": None}) == {"nobody": {}}


@pytest.mark.parametrize("version", [*range(2, 8), *GROUPS_VERSIONS])
def test_no_topics_mean_none(wire: KafkaWire, version: int) -> None:
    assert fetch(wire, version, {"g": {}}) == {"g": {}}


@pytest.mark.parametrize("version", GROUPS_VERSIONS)
def test_several_groups_are_answered_at_once(wire: KafkaWire, version: int) -> None:
    assert fetch(wire, version, {"h": {"u": [0]}, "nobody": {"u": [0]}, "g": {"u": [0]}}) == {
        "h": {"u": [(0, 52, -1, "", 0)]},
        "nobody": {"u": [(0, *NOTHING)]},
        "g": {"u": [(0, 7, -1, "", 0)]},
    }


@pytest.mark.parametrize("version", [7, 9])
def test_requiring_stable_offsets_makes_no_difference(wire: KafkaWire, version: int) -> None:
    topics = [OffsetFetchRequestTopics("u", [0])]
    request = OffsetFetchRequest(
        "g", topics, [OffsetFetchRequestGroup("g", "some-member", 3, topics)], require_stable=True
    )  # type: ignore[arg-type]
    response = wire.ask(OFFSET_FETCH, version, request)
    (answered,) = response.groups or [response]
    assert values(answered.topics) == [("u", [(0, 7, -1, "", 0)])]


def test_offsets_are_there_after_a_restart(broker: Broker, open_wire: object) -> None:
    broker.stop()
    broker.start()
    with KafkaWire(broker.host, broker.port) as wire:
        assert fetch(wire, 8, {"g": {"t": [0]}}) == {"g": {"t": [(0, 5, 3, "a note", 0)]}}
