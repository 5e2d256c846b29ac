"""LeaveGroup (key 13): members leave a classic group.

| version | change |
|---|---|
| 1 | throttle_time_ms |
| 2 | responses are sent before throttling |
| 3 | several members at once, each with its group_instance_id (KIP-345) |
| 4 | flexible |
| 5 | reason (KIP-800) |

Source: LeaveGroupRequest.json and LeaveGroupResponse.json of Apache Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int16, int32, nullable_string, string


@dataclass(slots=True)
class MemberIdentity:
    member_id: str = string("3+")
    group_instance_id: str | None = nullable_string("3+", nullable="3+")
    reason: str | None = nullable_string("5+", nullable="5+")


@dataclass(slots=True)
class LeaveGroupRequest:
    group_id: str = string("0+")
    member_id: str = string("0-2")
    members: Sequence[MemberIdentity] = array_of(MemberIdentity, "3+")


@dataclass(slots=True)
class MemberResponse:
    member_id: str = string("3+")
    group_instance_id: str | None = nullable_string("3+", nullable="3+", default="")
    error_code: int = int16("3+")


@dataclass(slots=True)
class LeaveGroupResponse:
    throttle_time_ms: int = int32("1+")
    error_code: int = int16("0+")
    members: Sequence[MemberResponse] = array_of(MemberResponse, "3+")
