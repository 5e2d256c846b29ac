"""JoinGroup (key 11), versions 0 to 9: become, or stay, a member of a classic group.

The answer comes when the rebalance is over, so whatever is ready for this connection is sent before the wait.

| version | what it changes here |
|---|---|
| 0 | there is no rebalance timeout: the session timeout is taken for it |
| 4 | who has no member id, and no group instance id, is given one with MEMBER_ID_REQUIRED and comes again |
| 5 | a group instance id makes a static member, which a restart does not cost its place |
| 7 | where there is no protocol name, it is null instead of empty |
| 9 | a static leader that came back is told to skip the assignment |

A member id begins with the group instance id, or else with the client id, so an instance id that is too long
is refused, and of a client id only the beginning counts.
"""

from quekka.broker.caller import CallerGoneError
from quekka.broker.classic_member import JoinRequest
from quekka.errors import InvalidRequestError, MemberIdRequiredError, QuekkaError
from quekka.protocols.kafka.api_11_join_group import (
    JoinGroupRequest,
    JoinGroupResponse,
    JoinGroupResponseMember,
)
from quekka.servers.kafka_handlers.group_id import check_group_id
from quekka.servers.kafka_session import KafkaSession
from quekka.servers.peer import PeerGoneError

MEMBER_ID_REQUIRED_FROM = 4
NULL_PROTOCOL_FROM = 7
SKIPPING_ASSIGNMENT_FROM = 9

NAME_CHARACTERS_MAX = 249
"""What Kafka's clients allow an instance id to have."""


def join_group(session: KafkaSession, request: JoinGroupRequest, version: int) -> JoinGroupResponse:
    """Join and wait for the others; the leader hears of all members. Raises PeerGoneError."""
    session.flush()
    try:
        check_group_id(request.group_id)
        _check_instance_id(request.group_instance_id)
        result = session.broker.groups.classic.join(
            _join_request(session, request, version), session.caller()
        )
    except CallerGoneError as gone:
        raise PeerGoneError("it hung up while its JoinGroup waited") from gone
    except QuekkaError as error:
        return _refusal(session, request, version, error)
    return JoinGroupResponse(
        generation_id=result.generation,
        protocol_type=result.protocol_type,
        protocol_name=result.protocol_name,
        leader=result.leader,
        skip_assignment=result.skip_assignment,
        member_id=result.member_id,
        members=[JoinGroupResponseMember(*member) for member in result.members],
    )


def _check_instance_id(instance_id: str | None) -> None:
    if instance_id is not None and not 1 <= len(instance_id) <= NAME_CHARACTERS_MAX:
        raise InvalidRequestError(
            f"a group instance id has 1 to {NAME_CHARACTERS_MAX} characters, not {len(instance_id)}"
        )


def _join_request(session: KafkaSession, request: JoinGroupRequest, version: int) -> JoinRequest:
    rebalance_timeout_ms = request.rebalance_timeout_ms if version > 0 else request.session_timeout_ms
    return JoinRequest(
        group_id=request.group_id,
        member_id=request.member_id,
        group_instance_id=request.group_instance_id,
        client_id=session.client_id[:NAME_CHARACTERS_MAX],
        client_host=_client_host(session.peer.name),
        session_timeout_ms=request.session_timeout_ms,
        rebalance_timeout_ms=rebalance_timeout_ms,
        protocol_type=request.protocol_type,
        protocols=tuple((protocol.name, bytes(protocol.metadata)) for protocol in request.protocols),
        require_known_member_id=version >= MEMBER_ID_REQUIRED_FROM,
        supports_skipping_assignment=version >= SKIPPING_ASSIGNMENT_FROM,
    )


def _client_host(peer_name: str) -> str:
    """The host of `host:port` as Kafka shows it: with a slash, and without brackets."""
    return "/" + peer_name.rpartition(":")[0].strip("[]")


def _refusal(
    session: KafkaSession, request: JoinGroupRequest, version: int, error: QuekkaError
) -> JoinGroupResponse:
    """Every refusal repeats the member id, but that which gives one."""
    member_id = error.member_id if isinstance(error, MemberIdRequiredError) else request.member_id
    return JoinGroupResponse(
        error_code=session.error_number(error),
        member_id=member_id,
        protocol_name=None if version >= NULL_PROTOCOL_FROM else "",
    )
