"""From names, ids and epochs in a request to the partition they mean.

One broker leads every partition from its beginning to its end, so the leader epoch of all of them is 0.
"""

from uuid import UUID

from quekka.broker.partition import Partition
from quekka.broker.topic import Topic
from quekka.errors import InvalidTopicError, UnknownTopicOrPartitionError
from quekka.servers.kafka_errors import FencedLeaderEpochError, UnknownLeaderEpochError, UnknownTopicIdError
from quekka.servers.kafka_session import KafkaSession

LEADER_EPOCH = 0
ANY_EPOCH = -1
"""What a client sends that knows of no epoch."""


def find_partition(
    session: KafkaSession, topic: str, index: int, current_leader_epoch: int = ANY_EPOCH
) -> Partition:
    """Raises UnknownTopicOrPartitionError, KafkaStorageError for a topic that could not be loaded, and
    FencedLeaderEpochError or UnknownLeaderEpochError for a client that knows of another epoch.
    """
    topics = session.broker.topics
    found = topics.find(topic)
    if found is None:
        topics.check_served(topic)
        raise UnknownTopicOrPartitionError(f"there is no topic {topic!r}")
    partition = found.partition(index)
    if current_leader_epoch not in (LEADER_EPOCH, ANY_EPOCH):
        kind = UnknownLeaderEpochError if current_leader_epoch > LEADER_EPOCH else FencedLeaderEpochError
        raise kind(f"{topic}/{index}: leader epoch {current_leader_epoch}, it is {LEADER_EPOCH}")
    return partition


def find_topic(session: KafkaSession, name: str) -> Topic:
    """The topic; a name that no topic can have is that of an unknown topic, as in Kafka.

    Raises UnknownTopicOrPartitionError, KafkaStorageError for a topic that could not be loaded.
    """
    try:
        return session.broker.topics.get(name)
    except InvalidTopicError as error:
        raise UnknownTopicOrPartitionError(error.message) from error


def find_topic_by_id(session: KafkaSession, topic_id: UUID) -> Topic:
    """Raises UnknownTopicIdError."""
    for topic in session.broker.topics.all():
        if topic.topic_id == topic_id:
            return topic
    raise UnknownTopicIdError(f"no topic has the id {topic_id}")
