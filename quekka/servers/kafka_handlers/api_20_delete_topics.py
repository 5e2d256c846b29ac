"""DeleteTopics (key 20), versions 1 to 6: topics with all their records; by name, since version 6 also by id.

The broker's own topics stay: TOPIC_AUTHORIZATION_FAILED.
"""

from quekka.errors import InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_20_delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from quekka.protocols.kafka.primitives import ZERO_UUID
from quekka.servers.kafka_handlers.places import find_topic_by_id
from quekka.servers.kafka_session import KafkaSession

STATES_FROM = 6


def delete_topics(session: KafkaSession, request: DeleteTopicsRequest, version: int) -> DeleteTopicsResponse:
    states = request.topics
    if version < STATES_FROM:
        states = [DeleteTopicState(name) for name in request.topic_names]
    return DeleteTopicsResponse(responses=[_delete(session, state) for state in states])


def _delete(session: KafkaSession, asked: DeleteTopicState) -> DeletableTopicResult:
    topics = session.broker.topics
    name, topic_id = asked.name, asked.topic_id
    try:
        if name is None:
            name = find_topic_by_id(session, topic_id).name
        elif topic_id != ZERO_UUID:
            raise InvalidRequestError(f"topic {name}: by name or by id, not both")
        else:
            topic_id = topics.get(name).topic_id
        topics.delete(name)
    except QuekkaError as error:
        return DeletableTopicResult(name, topic_id, session.error_number(error), error.message)
    return DeletableTopicResult(name, topic_id)
