"""DescribeTopicPartitions (key 75), version 0: topics and their partitions, sorted by name, page by page.

A page has `response_partition_limit` partitions at most, and a cursor where it ends before all is told; the
next request begins there. Without topics all are meant. The lists of replicas that could lead are empty, not
null: Java's admin client cannot read null. A cursor that cannot be, before the first partition or at a topic
that is not asked for, is INVALID_REQUEST for every topic; a page has room for one partition at least.
"""

from collections.abc import Iterator

from quekka.broker.topic import Topic
from quekka.errors import InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_75_describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)
from quekka.servers.kafka_handlers.authorized_operations import TOPIC_OPERATIONS
from quekka.servers.kafka_handlers.places import LEADER_EPOCH
from quekka.servers.kafka_session import KafkaSession

PARTITIONS_MAX = 2000
"""Of one page, as Kafka's max.request.partition.size.limit."""


def describe_topic_partitions(
    session: KafkaSession, request: DescribeTopicPartitionsRequest, _version: int
) -> DescribeTopicPartitionsResponse:
    if not _is_good_cursor(request):
        return DescribeTopicPartitionsResponse(
            topics=[
                DescribeTopicPartitionsResponseTopic(InvalidRequestError.number, topic.name)
                for topic in request.topics
            ]
        )
    start = request.cursor or Cursor()
    room = max(1, min(request.response_partition_limit, PARTITIONS_MAX))
    topics: list[DescribeTopicPartitionsResponseTopic] = []
    for name in _names(session, request, start):
        if room == 0:
            return DescribeTopicPartitionsResponse(topics=topics, next_cursor=Cursor(name, 0))
        first = start.partition_index if name == start.topic_name else 0
        described, total = _describe(session, name, first, room)
        topics.append(described)
        room -= len(described.partitions)
        end = first + len(described.partitions)
        if end < total:
            return DescribeTopicPartitionsResponse(topics=topics, next_cursor=Cursor(name, end))
    return DescribeTopicPartitionsResponse(topics=topics)


def _is_good_cursor(request: DescribeTopicPartitionsRequest) -> bool:
    cursor = request.cursor
    if cursor is None:
        return True
    is_asked = not request.topics or any(topic.name == cursor.topic_name for topic in request.topics)
    return is_asked and cursor.partition_index >= 0


def _names(session: KafkaSession, request: DescribeTopicPartitionsRequest, start: Cursor) -> Iterator[str]:
    """The topics that are left to describe."""
    asked = [topic.name for topic in request.topics] or session.broker.topics.names(internal=True)
    yield from (name for name in sorted(set(asked)) if name >= start.topic_name)


def _describe(
    session: KafkaSession, name: str, first: int, room: int
) -> tuple[DescribeTopicPartitionsResponseTopic, int]:
    """Up to `room` partitions of a topic, from the `first` on, and how many it has in all."""
    try:
        topic = session.broker.topics.get(name)
    except QuekkaError as error:
        return DescribeTopicPartitionsResponseTopic(session.error_number(error), name), 0
    described = DescribeTopicPartitionsResponseTopic(
        name=name,
        topic_id=topic.topic_id,
        is_internal=topic.is_internal,
        partitions=_partitions(topic, session.broker.broker_id)[first : first + room],
        topic_authorized_operations=TOPIC_OPERATIONS,
    )
    return described, len(topic.partitions)


def _partitions(topic: Topic, broker_id: int) -> list[DescribeTopicPartitionsResponsePartition]:
    return [
        DescribeTopicPartitionsResponsePartition(
            partition_index=partition.index,
            leader_id=broker_id,
            leader_epoch=LEADER_EPOCH,
            replica_nodes=(broker_id,),
            isr_nodes=(broker_id,),
        )
        for partition in topic.partitions
    ]
