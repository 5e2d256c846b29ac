"""SyncGroup (key 14): the leader of a classic group hands in the assignment, and every member gets its part.

| version | change |
|---|---|
| 1 | throttle_time_ms |
| 2 | responses are sent before throttling |
| 3 | group_instance_id (KIP-345) |
| 4 | flexible |
| 5 | protocol_type and protocol_name (KIP-559) |

Source: SyncGroupRequest.json and SyncGroupResponse.json of Apache Kafka.
"""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.formats import Buffer
from quekka.protocols.kafka.fields import array_of, binary, int16, int32, nullable_string, string


@dataclass(slots=True)
class SyncGroupRequestAssignment:
    member_id: str = string("0+")
    assignment: Buffer = binary("0+")


@dataclass(slots=True)
class SyncGroupRequest:
    group_id: str = string("0+")
    generation_id: int = int32("0+")
    member_id: str = string("0+")
    group_instance_id: str | None = nullable_string("3+", nullable="3+")
    protocol_type: str | None = nullable_string("5+", nullable="5+")
    protocol_name: str | None = nullable_string("5+", nullable="5+")
    assignments: Sequence[SyncGroupRequestAssignment] = array_of(SyncGroupRequestAssignment, "0+")


@dataclass(slots=True)
class SyncGroupResponse:
    throttle_time_ms: int = int32("1+")
    error_code: int = int16("0+")
    protocol_type: str | None = nullable_string("5+", nullable="5+")
    protocol_name: str | None = nullable_string("5+", nullable="5+")
    assignment: Buffer = binary("0+")
