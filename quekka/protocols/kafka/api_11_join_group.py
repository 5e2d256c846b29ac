"""JoinGroup (key 11): become, or stay, a member of a classic group; the answer comes when all members have
joined. The leader's answer has every member's metadata.

| version | change |
|---|---|
| 0 | listed for librdkafka before 2.11, which looks for it (KAFKA-19444) |
| 1 | rebalance_timeout_ms |
| 2 | throttle_time_ms |
| 3 | responses are sent before throttling |
| 4 | an empty member_id is answered with MEMBER_ID_REQUIRED and a new id (KIP-394) |
| 5 | group_instance_id (KIP-345) |
| 6 | flexible |
| 7 | protocol_type in the response (KIP-559) |
| 8 | reason (KIP-800) |
| 9 | skip_assignment (KIP-814) |

Source: JoinGroupRequest.json and JoinGroupResponse.json of Apache Kafka.
"""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.formats import Buffer
from quekka.protocols.kafka.fields import array_of, binary, boolean, int16, int32, nullable_string, string


@dataclass(slots=True)
class JoinGroupRequestProtocol:
    name: str = string("0+")
    metadata: Buffer = binary("0+")


@dataclass(slots=True)
class JoinGroupRequest:
    group_id: str = string("0+")
    session_timeout_ms: int = int32("0+")
    rebalance_timeout_ms: int = int32("1+", default=-1)
    member_id: str = string("0+")
    group_instance_id: str | None = nullable_string("5+", nullable="5+")
    protocol_type: str = string("0+")
    protocols: Sequence[JoinGroupRequestProtocol] = array_of(JoinGroupRequestProtocol, "0+")
    reason: str | None = nullable_string("8+", nullable="8+")


@dataclass(slots=True)
class JoinGroupResponseMember:
    member_id: str = string("0+")
    group_instance_id: str | None = nullable_string("5+", nullable="5+")
    metadata: Buffer = binary("0+")


@dataclass(slots=True)
class JoinGroupResponse:
    throttle_time_ms: int = int32("2+")
    error_code: int = int16("0+")
    generation_id: int = int32("0+", default=-1)
    protocol_type: str | None = nullable_string("7+", nullable="7+")
    protocol_name: str | None = nullable_string("0+", nullable="7+", default="")
    leader: str = string("0+")
    skip_assignment: bool = boolean("9+")
    member_id: str = string("0+")
    members: Sequence[JoinGroupResponseMember] = array_of(JoinGroupResponseMember, "0+")
