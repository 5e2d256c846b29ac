"""DescribeTopicPartitions: topics by name, page by page."""

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_75_describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    TopicRequest,
)


@pytest.fixture
def filled(broker: Broker) -> Broker:
    """The broker with topics a, b and c, of 1, 3 and 2 partitions."""
    for name, partitions in (("b", 3), ("a", 1), ("c", 2)):
        broker.core.topics.create(name, partitions)
    return broker


def ask(
    wire: KafkaWire, *names: str, limit: int = 2000, cursor: Cursor | None = None
) -> DescribeTopicPartitionsResponse:
    topics = [TopicRequest(name) for name in names]
    response: DescribeTopicPartitionsResponse = wire.ask(
        75, 0, DescribeTopicPartitionsRequest(topics, limit, cursor)
    )
    return response


def told(response: DescribeTopicPartitionsResponse) -> list[tuple[str | None, list[int]]]:
    return [(topic.name, [row.partition_index for row in topic.partitions]) for topic in response.topics]


def test_topics_come_sorted_with_their_leader(filled: Broker, wire: KafkaWire) -> None:
    response = ask(wire, "c", "a", "a")
    assert told(response) == [("a", [0]), ("c", [0, 1])]
    assert response.next_cursor is None
    topic = response.topics[1]
    assert (topic.error_code, topic.topic_id) == (0, filled.core.topics.get("c").topic_id)
    row = topic.partitions[1]
    assert (row.error_code, row.leader_id, row.leader_epoch) == (0, 1, 0)
    assert (row.replica_nodes, row.isr_nodes) == ((1,), (1,))
    assert (row.eligible_leader_replicas, row.last_known_elr, row.offline_replicas) == ((), (), ())


def test_no_names_ask_for_all(filled: Broker, wire: KafkaWire) -> None:
    assert told(ask(wire)) == [("a", [0]), ("b", [0, 1, 2]), ("c", [0, 1])]


def test_a_topic_that_is_not_there_is_told_in_its_place(filled: Broker, wire: KafkaWire) -> None:
    response = ask(wire, "a", "ab", "no topic", "c")
    codes = [(topic.name, topic.error_code) for topic in response.topics]
    assert codes == [("a", 0), ("ab", 3), ("c", 0), ("no topic", 17)]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_the_pages_together_are_all(filled: Broker, wire: KafkaWire, limit: int) -> None:
    pages = [ask(wire, limit=limit)]
    while pages[-1].next_cursor is not None:
        pages.append(ask(wire, limit=limit, cursor=pages[-1].next_cursor))
    rows = [(name, index) for page in pages for name, indexes in told(page) for index in indexes]
    assert rows == [("a", 0), ("b", 0), ("b", 1), ("b", 2), ("c", 0), ("c", 1)]
    assert all(sum(len(indexes) for _, indexes in told(page)) <= limit for page in pages)


@pytest.mark.parametrize("cursor", [Cursor("a", -1), Cursor("c", 0)], ids=["before all", "not asked for"])
def test_a_cursor_that_cannot_be_is_refused_for_every_topic(
    filled: Broker, wire: KafkaWire, cursor: Cursor
) -> None:
    request = DescribeTopicPartitionsRequest([TopicRequest("a"), TopicRequest("b")], 10, cursor)
    answer = wire.ask(75, 0, request)
    assert [(topic.error_code, topic.name) for topic in answer.topics] == [(42, "a"), (42, "b")]


def test_a_page_has_room_for_one_partition_at_least(filled: Broker, wire: KafkaWire) -> None:
    assert told(ask(wire, limit=0)) == told(ask(wire, limit=1))
