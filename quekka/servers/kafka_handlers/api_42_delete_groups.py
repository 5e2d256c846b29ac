"""DeleteGroups (key 42), versions 0 to 2: remove groups and their committed offsets.

A group with members, of either protocol, is left alone with NON_EMPTY_GROUP; one that does not exist is
GROUP_ID_NOT_FOUND. One that is named twice is answered once. Each has an error of its own, and the others are
deleted all the same.
"""

from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_42_delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)
from quekka.servers.kafka_errors import NO_ERROR
from quekka.servers.kafka_session import KafkaSession


def delete_groups(session: KafkaSession, request: DeleteGroupsRequest, _version: int) -> DeleteGroupsResponse:
    """Delete every group that was named and can go."""
    names = dict.fromkeys(request.groups_names)
    return DeleteGroupsResponse(results=[_delete(session, name) for name in names])


def _delete(session: KafkaSession, name: str) -> DeletableGroupResult:
    number = NO_ERROR
    try:
        session.broker.groups.delete(name)
    except QuekkaError as error:
        number = session.error_number(error)
    return DeletableGroupResult(name, number)
