"""SyncGroup (key 14), versions 0 to 5: the leader hands in the assignment, and every member gets its part.

Members other than the leader wait for it, so whatever is ready for this connection is sent before. From
version 5 on a client says what it takes for the group's protocol type and protocol name, and is refused with
INCONSISTENT_GROUP_PROTOCOL where it does not say or is wrong (KIP-559).
"""

from quekka.broker.caller import CallerGoneError
from quekka.errors import InconsistentGroupProtocolError
from quekka.protocols.kafka.api_14_sync_group import SyncGroupRequest, SyncGroupResponse
from quekka.servers.kafka_handlers.group_id import check_group_id
from quekka.servers.kafka_session import KafkaSession
from quekka.servers.peer import PeerGoneError

PROTOCOL_FROM = 5


def sync_group(session: KafkaSession, request: SyncGroupRequest, version: int) -> SyncGroupResponse:
    """Wait for this member's assignment. Raises PeerGoneError."""
    check_group_id(request.group_id)
    if version >= PROTOCOL_FROM and None in (request.protocol_type, request.protocol_name):
        raise InconsistentGroupProtocolError("a member has to name the group's protocol type and name")
    session.flush()
    try:
        result = session.broker.groups.classic.sync(
            request.group_id,
            request.generation_id,
            request.member_id,
            request.group_instance_id,
            {part.member_id: bytes(part.assignment) for part in request.assignments},
            protocol_type=request.protocol_type,
            protocol_name=request.protocol_name,
            caller=session.caller(),
        )
    except CallerGoneError as gone:
        raise PeerGoneError("it hung up while its SyncGroup waited") from gone
    return SyncGroupResponse(
        protocol_type=result.protocol_type,
        protocol_name=result.protocol_name,
        assignment=result.assignment,
    )
