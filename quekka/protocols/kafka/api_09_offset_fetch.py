"""OffsetFetch (key 9): how far a group has read; -1 where it never committed.

| version | change |
|---|---|
| 2 | null `topics` asks for all; an error_code for the whole group |
| 3 | throttle_time_ms |
| 4 | responses are sent before throttling |
| 5 | committed_leader_epoch (KIP-320) |
| 6 | flexible |
| 7 | require_stable (KIP-447) |
| 8 | several groups at once, in `groups` (KIP-709) |
| 9 | member_id and member_epoch (KIP-848) |

Source: OffsetFetchRequest.json and OffsetFetchResponse.json of Apache Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import (
    INT32,
    array_of,
    boolean,
    int16,
    int32,
    int64,
    nullable_string,
    string,
)


@dataclass(slots=True)
class OffsetFetchRequestTopic:
    name: str = string("0-7")
    partition_indexes: Sequence[int] = array_of(INT32, "0-7")


@dataclass(slots=True)
class OffsetFetchRequestTopics:
    name: str = string("8+")
    partition_indexes: Sequence[int] = array_of(INT32, "8+")


@dataclass(slots=True)
class OffsetFetchRequestGroup:
    group_id: str = string("8+")
    member_id: str | None = nullable_string("9+", nullable="9+")
    member_epoch: int = int32("9+", default=-1)
    topics: Sequence[OffsetFetchRequestTopics] | None = array_of(
        OffsetFetchRequestTopics, "8+", nullable="8+"
    )


@dataclass(slots=True)
class OffsetFetchRequest:
    group_id: str = string("0-7")
    topics: Sequence[OffsetFetchRequestTopic] | None = array_of(
        OffsetFetchRequestTopic, "0-7", nullable="2-7"
    )
    groups: Sequence[OffsetFetchRequestGroup] = array_of(OffsetFetchRequestGroup, "8+")
    require_stable: bool = boolean("7+")


@dataclass(slots=True)
class OffsetFetchResponsePartition:
    partition_index: int = int32("0-7")
    committed_offset: int = int64("0-7")
    committed_leader_epoch: int = int32("5-7", default=-1)
    metadata: str | None = nullable_string("0-7", nullable="0-7", default="")
    error_code: int = int16("0-7")


@dataclass(slots=True)
class OffsetFetchResponseTopic:
    name: str = string("0-7")
    partitions: Sequence[OffsetFetchResponsePartition] = array_of(OffsetFetchResponsePartition, "0-7")


@dataclass(slots=True)
class OffsetFetchResponsePartitions:
    partition_index: int = int32("8+")
    committed_offset: int = int64("8+")
    committed_leader_epoch: int = int32("8+", default=-1)
    metadata: str | None = nullable_string("8+", nullable="8+", default="")
    error_code: int = int16("8+")


@dataclass(slots=True)
class OffsetFetchResponseTopics:
    name: str = string("8+")
    partitions: Sequence[OffsetFetchResponsePartitions] = array_of(OffsetFetchResponsePartitions, "8+")


@dataclass(slots=True)
class OffsetFetchResponseGroup:
    group_id: str = string("8+")
    topics: Sequence[OffsetFetchResponseTopics] = array_of(OffsetFetchResponseTopics, "8+")
    error_code: int = int16("8+")


@dataclass(slots=True)
class OffsetFetchResponse:
    throttle_time_ms: int = int32("3+")
    topics: Sequence[OffsetFetchResponseTopic] = array_of(OffsetFetchResponseTopic, "0-7")
    error_code: int = int16("2-7")
    groups: Sequence[OffsetFetchResponseGroup] = array_of(OffsetFetchResponseGroup, "8+")
