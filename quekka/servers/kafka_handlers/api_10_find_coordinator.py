"""FindCoordinator (key 10), versions 0 to 5: which broker coordinates a group or a transactional id.

There is one broker, and it is this one, at the address that the client has reached it by. From version 4 on
several keys are asked for at once. Key types beyond groups (0) and transactions (1) are refused with
INVALID_REQUEST.
"""

from quekka.errors import InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_10_find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from quekka.servers.kafka_handlers.group_id import check_group_id
from quekka.servers.kafka_session import KafkaSession

SEVERAL_KEYS_FROM = 4
GROUP, TRANSACTION = 0, 1
NO_NODE_ID = -1


def find_coordinator(
    session: KafkaSession, request: FindCoordinatorRequest, version: int
) -> FindCoordinatorResponse:
    """This broker, for whatever it coordinates."""
    if version < SEVERAL_KEYS_FROM:
        found = _find(session, request.key, request.key_type)
        return FindCoordinatorResponse(
            error_code=found.error_code,
            error_message=found.error_message,
            node_id=found.node_id,
            host=found.host,
            port=found.port,
        )
    return FindCoordinatorResponse(
        coordinators=[_find(session, key, request.key_type) for key in request.coordinator_keys]
    )


def _find(session: KafkaSession, key: str, key_type: int) -> Coordinator:
    try:
        _check_key(key, key_type)
    except QuekkaError as error:
        number = session.error_number(error)
        return Coordinator(key, NO_NODE_ID, "", -1, number, error.message)
    return Coordinator(key, session.broker.broker_id, session.host, session.port)


def _check_key(key: str, key_type: int) -> None:
    if key_type == GROUP:
        check_group_id(key)
    elif key_type != TRANSACTION:
        raise InvalidRequestError(f"key type {key_type} is neither that of groups nor of transactional ids")
    elif not key:
        raise InvalidRequestError("a transactional id needs a name")
