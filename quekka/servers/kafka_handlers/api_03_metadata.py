"""Metadata (key 3), versions 0 to 12: the one broker, and topics with the leader of their partitions.

The address that is told is `advertised.listeners`, or else the one that this client reached. A topic that
does not exist is made on the way where the client (version 4 and above) and `auto.create.topics.enable` both
want it, and is answered at once. All topics are told, internal ones among them, when the client asks for all:
null, or in version 0 an empty list. A topic that is named twice is told once.
"""

from collections.abc import Iterable, Iterator

from quekka.broker.topic import Topic
from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_03_metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from quekka.servers.kafka_handlers.authorized_operations import (
    CLUSTER_OPERATIONS,
    NOT_ASKED_FOR,
    TOPIC_OPERATIONS,
)
from quekka.servers.kafka_handlers.places import LEADER_EPOCH, find_topic_by_id
from quekka.servers.kafka_session import KafkaSession
from quekka.topic_name import is_internal

NULL_NAMES_FROM = 12


def metadata(session: KafkaSession, request: MetadataRequest, version: int) -> MetadataResponse:
    broker = session.broker
    asked_cluster = request.include_cluster_authorized_operations
    return MetadataResponse(
        brokers=[MetadataResponseBroker(broker.broker_id, session.host, session.port)],
        cluster_id=broker.cluster_id,
        controller_id=broker.broker_id,
        topics=[*_topics(session, request, version)],
        cluster_authorized_operations=CLUSTER_OPERATIONS if asked_cluster else NOT_ASKED_FOR,
    )


def _topics(session: KafkaSession, request: MetadataRequest, version: int) -> Iterator[MetadataResponseTopic]:
    operations = TOPIC_OPERATIONS if request.include_topic_authorized_operations else NOT_ASKED_FOR
    asked = request.topics
    if asked is None or (version == 0 and not asked):
        for topic in _by_name(session.broker.topics.all()):
            yield _describe(session, topic, operations)
        return
    for wanted in {(wanted.name, wanted.topic_id): wanted for wanted in asked}.values():
        try:
            topic = _find(session, wanted, request.allow_auto_topic_creation)
        except QuekkaError as error:
            name = wanted.name if version >= NULL_NAMES_FROM else wanted.name or ""
            yield MetadataResponseTopic(session.error_number(error), name, wanted.topic_id)
        else:
            yield _describe(session, topic, operations)


def _by_name(topics: Iterable[Topic]) -> list[Topic]:
    return sorted(topics, key=lambda topic: topic.name)


def _find(session: KafkaSession, wanted: MetadataRequestTopic, may_create: bool) -> Topic:
    topics = session.broker.topics
    if wanted.name is None:
        return find_topic_by_id(session, wanted.topic_id)
    if may_create and not is_internal(wanted.name):
        return topics.get_or_create(wanted.name)
    return topics.get(wanted.name)


def _describe(session: KafkaSession, topic: Topic, operations: int) -> MetadataResponseTopic:
    replicas = (session.broker.broker_id,)
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.is_internal,
        partitions=[
            MetadataResponsePartition(
                partition_index=partition.index,
                leader_id=session.broker.broker_id,
                leader_epoch=LEADER_EPOCH,
                replica_nodes=replicas,
                isr_nodes=replicas,
            )
            for partition in topic.partitions
        ],
        topic_authorized_operations=operations,
    )
