"""DeleteTopics (key 20), versions 1 to 6: topics with all their records; by name, since version 6 also by id.

The broker's own topics stay: TOPIC_AUTHORIZATION_FAILED. What is named twice stays too, and is answered once,
with INVALID_REQUEST. A name that no topic can have is that of an unknown topic.
"""

from uuid import UUID

from quekka.errors import InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_20_delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from quekka.protocols.kafka.primitives import ZERO_UUID
from quekka.servers.kafka_handlers.places import find_topic, find_topic_by_id
from quekka.servers.kafka_handlers.repeated import check_once, named_twice
from quekka.servers.kafka_session import KafkaSession

STATES_FROM = 6


def delete_topics(session: KafkaSession, request: DeleteTopicsRequest, version: int) -> DeleteTopicsResponse:
    states = request.topics
    if version < STATES_FROM:
        states = [DeleteTopicState(name) for name in request.topic_names]
    places = [(state.name, state.topic_id) for state in states]
    twice = named_twice(places)
    return DeleteTopicsResponse(
        responses=[_delete(session, *place, twice) for place in dict.fromkeys(places)]
    )


def _delete(
    session: KafkaSession, name: str | None, topic_id: UUID, twice: frozenset[tuple[str | None, UUID]]
) -> DeletableTopicResult:
    try:
        check_once((name, topic_id), twice)
        if name is None:
            if topic_id == ZERO_UUID:
                raise InvalidRequestError("neither a name nor an id")
            name = find_topic_by_id(session, topic_id).name
        elif topic_id != ZERO_UUID:
            raise InvalidRequestError(f"topic {name}: by name or by id, not both")
        else:
            topic_id = find_topic(session, name).topic_id
        session.broker.topics.delete(name)
    except QuekkaError as error:
        return DeletableTopicResult(name, topic_id, session.error_number(error), error.message)
    return DeletableTopicResult(name, topic_id)
