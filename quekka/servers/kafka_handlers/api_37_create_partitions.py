"""CreatePartitions (key 37), versions 0 to 3: more partitions for topics, each made or refused by itself.

`count` is the number that a topic has afterwards. A topic that is named twice is INVALID_REQUEST, once. An
assignment must name broker 1 for every new partition.
With `validate_only` all is checked and nothing made.
"""

from quekka.broker.broker import BrokerCore
from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_37_create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)
from quekka.servers.kafka_errors import InvalidReplicaAssignmentError
from quekka.servers.kafka_handlers.places import find_topic
from quekka.servers.kafka_handlers.repeated import check_once, named_twice
from quekka.servers.kafka_session import KafkaSession
from quekka.topic_name import check_writable


def create_partitions(
    session: KafkaSession, request: CreatePartitionsRequest, _version: int
) -> CreatePartitionsResponse:
    twice = named_twice(asked.name for asked in request.topics)
    once = {asked.name: asked for asked in request.topics}
    return CreatePartitionsResponse(
        results=[_create(session, asked, twice, request.validate_only) for asked in once.values()]
    )


def _create(
    session: KafkaSession, asked: CreatePartitionsTopic, twice: frozenset[str], validate_only: bool
) -> CreatePartitionsTopicResult:
    topics = session.broker.topics
    try:
        check_once(asked.name, twice)
        check_writable(asked.name)
        find_topic(session, asked.name)
        topics.check_create_partitions(asked.name, asked.count)
        _check_assignments(session.broker, asked)
        if not validate_only:
            topics.create_partitions(asked.name, asked.count)
    except QuekkaError as error:
        return CreatePartitionsTopicResult(asked.name, session.error_number(error), error.message)
    return CreatePartitionsTopicResult(asked.name)


def _check_assignments(broker: BrokerCore, asked: CreatePartitionsTopic) -> None:
    """Raises InvalidReplicaAssignmentError."""
    if asked.assignments is None:
        return
    added = asked.count - len(broker.topics.get(asked.name).partitions)
    brokers = [[*assignment.broker_ids] for assignment in asked.assignments]
    if brokers != [[broker.broker_id]] * added:
        raise InvalidReplicaAssignmentError(
            f"topic {asked.name}: {added} new partitions, to be on brokers {brokers}; "
            f"there is only {broker.broker_id}"
        )
