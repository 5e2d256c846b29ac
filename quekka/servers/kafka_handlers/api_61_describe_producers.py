"""DescribeProducers (key 61), version 0: the producers whose sequences a partition keeps."""

from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_61_describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    TopicResponse,
)
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import KafkaSession


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
        find_partition(session, topic, index)
    except QuekkaError as error:
        return PartitionResponse(index, session.error_number(error), error.message)
    return PartitionResponse(index)
