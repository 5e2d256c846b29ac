"""OffsetDelete (key 47), version 0: forget committed offsets of a group.

Offsets of a topic that members of the group read, or may read, are kept with GROUP_SUBSCRIBED_TO_TOPIC. Of
members that are no consumers nobody knows what they read: a group that has some is NON_EMPTY_GROUP, as a
whole. An unknown group is GROUP_ID_NOT_FOUND. To forget what was never committed is no error.
"""

from collections.abc import Sequence

from quekka.broker.classic_group import DEAD, EMPTY
from quekka.broker.group_coordinator import PROTOCOL_TYPE as TEXT_PROTOCOL_TYPE
from quekka.broker.group_coordinator import GroupCoordinator
from quekka.broker.offset_store import TopicPartition
from quekka.errors import GroupIdNotFoundError, NonEmptyGroupError, QuekkaError
from quekka.formats.consumer_protocol import PROTOCOL_TYPE as CONSUMER_PROTOCOL_TYPE
from quekka.protocols.kafka.api_47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from quekka.servers.kafka_errors import NO_ERROR, GroupSubscribedToTopicError
from quekka.servers.kafka_handlers.group_id import check_group_id
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import KafkaSession

TRANSPARENT_TYPES = (CONSUMER_PROTOCOL_TYPE, TEXT_PROTOCOL_TYPE)
"""Protocol types of members of which the broker knows the topics that they read."""


def offset_delete(session: KafkaSession, request: OffsetDeleteRequest, _version: int) -> OffsetDeleteResponse:
    """Forget what can be forgotten, all in one append."""
    groups = session.broker.groups
    group_id = check_group_id(request.group_id)
    _check_group(groups, group_id)
    topics_in_use = groups.topics_in_use(group_id)
    committed = groups.offsets.committed_by(group_id)
    places: list[TopicPartition] = []
    topics: list[OffsetDeleteResponseTopic] = []
    for topic in request.topics:
        numbers = [partition.partition_index for partition in topic.partitions]
        is_used = topics_in_use is None or topic.name in topics_in_use
        if not is_used:
            places += [(topic.name, number) for number in numbers if (topic.name, number) in committed]
        topics.append(_answer(session, topic.name, numbers, is_used))
    groups.offsets.forget(group_id, places)
    return OffsetDeleteResponse(topics=topics)


def _check_group(groups: GroupCoordinator, group_id: str) -> None:
    described = groups.describe(group_id)
    if described.state == DEAD:
        raise GroupIdNotFoundError(f"there is no group {group_id}")
    if described.state != EMPTY and described.protocol_type not in TRANSPARENT_TYPES:
        raise NonEmptyGroupError(f"group {group_id} has members of type {described.protocol_type}")


def _answer(
    session: KafkaSession, name: str, numbers: Sequence[int], is_used: bool
) -> OffsetDeleteResponseTopic:
    return OffsetDeleteResponseTopic(
        name,
        [OffsetDeleteResponsePartition(number, _error(session, name, number, is_used)) for number in numbers],
    )


def _error(session: KafkaSession, name: str, number: int, is_used: bool) -> int:
    try:
        find_partition(session, name, number)
        if is_used:
            raise GroupSubscribedToTopicError(f"members of the group read topic {name}")
    except QuekkaError as error:
        return session.error_number(error)
    return NO_ERROR
