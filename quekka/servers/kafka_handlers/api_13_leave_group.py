"""LeaveGroup (key 13), versions 0 to 5: members leave a classic group, and the others rebalance at once.

Up to version 2 one member leaves, and what is wrong with it is the response's error. From version 3 on
several leave, each with an error of its own; an administrator names static members by their group instance
id, without a member id (KIP-345).
"""

from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_13_leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
    MemberResponse,
)
from quekka.servers.kafka_errors import NO_ERROR
from quekka.servers.kafka_handlers.group_id import check_group_id
from quekka.servers.kafka_session import KafkaSession

SEVERAL_MEMBERS_FROM = 3


def leave_group(session: KafkaSession, request: LeaveGroupRequest, version: int) -> LeaveGroupResponse:
    """End memberships."""
    group_id = check_group_id(request.group_id)
    if version < SEVERAL_MEMBERS_FROM:
        session.broker.groups.classic.leave(group_id, request.member_id, None)
        return LeaveGroupResponse()
    return LeaveGroupResponse(members=[_leave(session, group_id, member) for member in request.members])


def _leave(session: KafkaSession, group_id: str, member: MemberIdentity) -> MemberResponse:
    number = NO_ERROR
    try:
        session.broker.groups.classic.leave(group_id, member.member_id, member.group_instance_id)
    except QuekkaError as error:
        number = session.error_number(error)
    return MemberResponse(member.member_id, member.group_instance_id, number)
