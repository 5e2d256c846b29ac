"""DescribeGroups (key 15), versions 0 to 6: state and members of groups.

States are Kafka's: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead. As in Kafka, the assignor
(`protocol_data`) and what members said for it are shown of a stable group only. A group that does not exist
is Dead; from version 6 on that is the error GROUP_ID_NOT_FOUND as well.

A group of the text protocol has the protocol type `quekka-text`; of its members only the names are shown,
which hold their addresses.
"""

from quekka.broker.classic_group import DEAD, STABLE, ClassicGroup
from quekka.broker.classic_member import ClassicMember
from quekka.broker.group import GroupDescription
from quekka.broker.group_coordinator import GroupCoordinator
from quekka.errors import GroupIdNotFoundError
from quekka.protocols.kafka.api_15_describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from quekka.servers.kafka_handlers.authorized_operations import GROUP_OPERATIONS
from quekka.servers.kafka_session import KafkaSession

NOT_FOUND_FROM = 6


def describe_groups(
    session: KafkaSession, request: DescribeGroupsRequest, version: int
) -> DescribeGroupsResponse:
    """Describe every group that was named, in that order."""
    described = [_describe(session.broker.groups, name) for name in request.groups]
    for group in described:
        if request.include_authorized_operations:
            group.authorized_operations = GROUP_OPERATIONS
        if group.group_state == DEAD and version >= NOT_FOUND_FROM:
            error = GroupIdNotFoundError(f"there is no group {group.group_id}")
            group.error_code, group.error_message = session.error_number(error), error.message
    return DescribeGroupsResponse(groups=described)


def _describe(groups: GroupCoordinator, name: str) -> DescribedGroup:
    classic = groups.classic.find(name)
    if classic is None or groups.has_members(name):
        return _describe_text_group(groups.describe(name))
    with classic.mutex:
        return _describe_classic_locked(classic)


def _describe_classic_locked(group: ClassicGroup) -> DescribedGroup:
    protocol_name = group.protocol_name if group.state == STABLE else ""
    return DescribedGroup(
        group_id=group.name,
        group_state=group.state,
        protocol_type=group.protocol_type,
        protocol_data=protocol_name,
        members=[_describe_member(member, protocol_name) for member in group.members.values()],
    )


def _describe_member(member: ClassicMember, protocol_name: str) -> DescribedGroupMember:
    return DescribedGroupMember(
        member_id=member.member_id,
        group_instance_id=member.group_instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        member_metadata=member.metadata(protocol_name) if protocol_name else b"",
        member_assignment=member.assignment,
    )


def _describe_text_group(group: GroupDescription) -> DescribedGroup:
    """A group of the text protocol, or one that has committed offsets only, or none."""
    return DescribedGroup(
        group_id=group.group,
        group_state=group.state,
        protocol_type=group.protocol_type,
        members=[DescribedGroupMember(member_id=member.member_id) for member in group.members],
    )
