"""DescribeProducers (key 61), version 0: the producers whose sequences a partition remembers.

A name that no topic can have is INVALID_TOPIC_EXCEPTION.
"""

from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_61_describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import KafkaSession
from quekka.storage.producer_state import ProducerEntry
from quekka.topic_name import check_topic_name

NO_TIMESTAMP = -1


def describe_producers(
    session: KafkaSession, request: DescribeProducersRequest, _version: int
) -> DescribeProducersResponse:
    return DescribeProducersResponse(
        topics=[
            TopicResponse(
                topic.name, [_describe(session, topic.name, index) for index in topic.partition_indexes]
            )
            for topic in request.topics
        ]
    )


def _describe(session: KafkaSession, topic: str, index: int) -> PartitionResponse:
    try:
        check_topic_name(topic)
        partition = find_partition(session, topic, index)
    except QuekkaError as error:
        return PartitionResponse(index, session.error_number(error), error.message)
    producers = partition.log.writer.producers.all()
    return PartitionResponse(index, active_producers=[_show(*producer) for producer in producers])


def _show(producer_id: int, entry: ProducerEntry) -> ProducerState:
    return ProducerState(
        producer_id,
        entry.producer_epoch,
        entry.last_sequence,
        entry.batches[-1].timestamp_ms if entry.batches else NO_TIMESTAMP,
        entry.coordinator_epoch,
        entry.current_txn_first_offset,
    )
