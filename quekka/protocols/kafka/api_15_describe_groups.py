"""DescribeGroups (key 15): state and members of groups.

| version | change |
|---|---|
| 1 | throttle_time_ms |
| 2 | responses are sent before throttling |
| 3 | authorized operations (KIP-430) |
| 4 | group_instance_id (KIP-345) |
| 5 | flexible |
| 6 | error_message; an unknown group is answered with GROUP_ID_NOT_FOUND (KIP-1043) |

Source: DescribeGroupsRequest.json and DescribeGroupsResponse.json of Apache Kafka.
"""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.formats import Buffer
from quekka.protocols.kafka.fields import (
    STRING,
    array_of,
    binary,
    boolean,
    int16,
    int32,
    nullable_string,
    string,
)


@dataclass(slots=True)
class DescribeGroupsRequest:
    groups: Sequence[str] = array_of(STRING, "0+")
    include_authorized_operations: bool = boolean("3+")


@dataclass(slots=True)
class DescribedGroupMember:
    member_id: str = string("0+")
    group_instance_id: str | None = nullable_string("4+", nullable="4+")
    client_id: str = string("0+")
    client_host: str = string("0+")
    member_metadata: Buffer = binary("0+")
    member_assignment: Buffer = binary("0+")


@dataclass(slots=True)
class DescribedGroup:
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("6+", nullable="6+")
    group_id: str = string("0+")
    group_state: str = string("0+")
    protocol_type: str = string("0+")
    protocol_data: str = string("0+")
    members: Sequence[DescribedGroupMember] = array_of(DescribedGroupMember, "0+")
    authorized_operations: int = int32("3+", default=-(2**31))


@dataclass(slots=True)
class DescribeGroupsResponse:
    throttle_time_ms: int = int32("1+")
    groups: Sequence[DescribedGroup] = array_of(DescribedGroup, "0+")
