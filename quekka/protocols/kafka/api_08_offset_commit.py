"""OffsetCommit (key 8): store how far a group has read.

| version | change |
|---|---|
| 2 | retention_time_ms of the offsets |
| 3 | throttle_time_ms |
| 4 | responses are sent before throttling |
| 5 | no retention_time_ms any more (KIP-211) |
| 6 | committed_leader_epoch (KIP-320) |
| 7 | group_instance_id (KIP-345) |
| 8 | flexible |
| 9 | the generation may be a member epoch (KIP-848); GROUP_ID_NOT_FOUND may be answered |

Source: OffsetCommitRequest.json and OffsetCommitResponse.json of Apache Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int16, int32, int64, nullable_string, string


@dataclass(slots=True)
class OffsetCommitRequestPartition:
    partition_index: int = int32("0+")
    committed_offset: int = int64("0+")
    committed_leader_epoch: int = int32("6+", default=-1)
    committed_metadata: str | None = nullable_string("0+", nullable="0+", default="")


@dataclass(slots=True)
class OffsetCommitRequestTopic:
    name: str = string("0+")
    partitions: Sequence[OffsetCommitRequestPartition] = array_of(OffsetCommitRequestPartition, "0+")


@dataclass(slots=True)
class OffsetCommitRequest:
    group_id: str = string("0+")
    generation_id_or_member_epoch: int = int32("1+", default=-1)
    member_id: str = string("1+")
    group_instance_id: str | None = nullable_string("7+", nullable="7+")
    retention_time_ms: int = int64("2-4", default=-1)
    topics: Sequence[OffsetCommitRequestTopic] = array_of(OffsetCommitRequestTopic, "0+")


@dataclass(slots=True)
class OffsetCommitResponsePartition:
    partition_index: int = int32("0+")
    error_code: int = int16("0+")


@dataclass(slots=True)
class OffsetCommitResponseTopic:
    name: str = string("0+")
    partitions: Sequence[OffsetCommitResponsePartition] = array_of(OffsetCommitResponsePartition, "0+")


@dataclass(slots=True)
class OffsetCommitResponse:
    throttle_time_ms: int = int32("3+")
    topics: Sequence[OffsetCommitResponseTopic] = array_of(OffsetCommitResponseTopic, "0+")
