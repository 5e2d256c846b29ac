"""CreateTopics (key 19), versions 2 to 7: topics with one replica, each made or refused by itself.

-1 partitions or replicas mean the broker's defaults (`num.partitions`, and 1). There is one broker, so a
replication factor above 1 is INVALID_REPLICATION_FACTOR, or taken for 1 with
`replication.factor.clamp.enable`; an assignment must name broker 1 for every partition. With `validate_only`
all is checked and nothing made; the topic id of the answer is then one that no topic will have, as in Kafka.
A name that is in the request more than once is answered once, with INVALID_REQUEST. From version 5 on the
response tells what the topic came to be: partitions, replication factor and every setting (an empty list
would make Java's admin client fail).
"""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID, uuid4

from quekka.broker.broker import BrokerCore
from quekka.errors import (
    InvalidConfigError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    InvalidRequestError,
    QuekkaError,
)
from quekka.protocols.kafka.api_19_create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from quekka.servers.kafka_errors import InvalidReplicaAssignmentError
from quekka.servers.kafka_handlers.config_entries import topic_entries
from quekka.servers.kafka_session import KafkaSession

BROKERS_DEFAULT = -1
REPLICATION_FACTOR = 1


def create_topics(session: KafkaSession, request: CreateTopicsRequest, _version: int) -> CreateTopicsResponse:
    counts = Counter(topic.name for topic in request.topics)
    by_name = {topic.name: topic for topic in request.topics}
    return CreateTopicsResponse(
        topics=[
            _create(session, asked, counts[name], request.validate_only) for name, asked in by_name.items()
        ]
    )


def _create(
    session: KafkaSession, asked: CreatableTopic, times_named: int, validate_only: bool
) -> CreatableTopicResult:
    broker = session.broker
    try:
        if times_named > 1:
            raise InvalidRequestError(f"topic {asked.name} is in the request {times_named} times")
        _check_replicas(broker, asked)
        partitions = _partitions(broker, asked)
        settings = _settings(asked)
        if validate_only:
            broker.topics.check_create(asked.name, partitions, settings)
            return _created(broker, asked.name, uuid4(), partitions, settings)
        topic = broker.topics.create(asked.name, partitions, settings)
    except QuekkaError as error:
        return CreatableTopicResult(
            asked.name, error_code=session.error_number(error), error_message=error.message
        )
    return _created(broker, topic.name, topic.topic_id, partitions, topic.own_settings)


def _created(
    broker: BrokerCore, name: str, topic_id: UUID, partitions: int, own_settings: Mapping[str, str]
) -> CreatableTopicResult:
    return CreatableTopicResult(
        name,
        topic_id,
        error_message=None,
        num_partitions=partitions,
        replication_factor=REPLICATION_FACTOR,
        configs=[
            CreatableTopicConfigs(entry.name, entry.value, entry.is_read_only, entry.source)
            for entry in topic_entries(broker.config, own_settings)
        ],
    )


def _check_replicas(broker: BrokerCore, asked: CreatableTopic) -> None:
    """Raises InvalidReplicationFactorError, InvalidReplicaAssignmentError, InvalidRequestError."""
    if asked.assignments:
        _check_assignments(broker, asked)
        return
    factor = asked.replication_factor
    if factor in (BROKERS_DEFAULT, REPLICATION_FACTOR):
        return
    if factor < 1 or not broker.config.replication_factor_clamp_enable:
        raise InvalidReplicationFactorError(
            f"topic {asked.name}: replication factor {factor}, and there is 1 broker "
            "(replication.factor.clamp.enable=true takes more than 1 for 1)"
        )


def _check_assignments(broker: BrokerCore, asked: CreatableTopic) -> None:
    if asked.num_partitions != BROKERS_DEFAULT or asked.replication_factor != BROKERS_DEFAULT:
        raise InvalidRequestError(f"topic {asked.name}: an assignment leaves no room for other numbers")
    indexes = sorted(assignment.partition_index for assignment in asked.assignments)
    if indexes != [*range(len(indexes))]:
        raise InvalidReplicaAssignmentError(
            f"topic {asked.name}: partitions {indexes} do not follow each other"
        )
    for assignment in asked.assignments:
        if tuple(assignment.broker_ids) != (broker.broker_id,):
            raise InvalidReplicaAssignmentError(
                f"topic {asked.name}: partition {assignment.partition_index} on brokers "
                f"{[*assignment.broker_ids]}, there is only {broker.broker_id}"
            )


def _partitions(broker: BrokerCore, asked: CreatableTopic) -> int:
    if asked.assignments:
        return len(asked.assignments)
    if asked.num_partitions == BROKERS_DEFAULT:
        return broker.config.num_partitions
    if asked.num_partitions < 1:
        raise InvalidPartitionsError(
            f"topic {asked.name} needs at least 1 partition, not {asked.num_partitions}"
        )
    return asked.num_partitions


def _settings(asked: CreatableTopic) -> dict[str, str]:
    settings = {}
    for config in asked.configs:
        if config.value is None:
            raise InvalidConfigError(f"{config.name}: null is no value")
        settings[config.name] = config.value
    return settings
