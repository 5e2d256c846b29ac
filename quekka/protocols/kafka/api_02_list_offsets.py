"""ListOffsets (key 2): the offset of a partition at a time: -1 is the latest, -2 the earliest.

| version | change |
|---|---|
| 1 | one offset with its timestamp, not a list |
| 2 | isolation_level; throttle_time_ms |
| 3 | responses are sent before throttling |
| 4 | leader epochs (KIP-320) |
| 5 | OFFSET_NOT_AVAILABLE may be answered |
| 6 | flexible |
| 7 | timestamp -3: the record with the highest timestamp (KIP-734) |
| 8 | timestamp -4: the earliest local offset (KIP-405) |
| 9 | timestamp -5: the latest tiered offset (KIP-1005) |

Source: ListOffsetsRequest.json and ListOffsetsResponse.json of Apache Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int8, int16, int32, int64, string


@dataclass(slots=True)
class ListOffsetsPartition:
    partition_index: int = int32("0+")
    current_leader_epoch: int = int32("4+", default=-1)
    timestamp: int = int64("0+")


@dataclass(slots=True)
class ListOffsetsTopic:
    name: str = string("0+")
    partitions: Sequence[ListOffsetsPartition] = array_of(ListOffsetsPartition, "0+")


@dataclass(slots=True)
class ListOffsetsRequest:
    replica_id: int = int32("0+")
    isolation_level: int = int8("2+")
    topics: Sequence[ListOffsetsTopic] = array_of(ListOffsetsTopic, "0+")


@dataclass(slots=True)
class ListOffsetsPartitionResponse:
    partition_index: int = int32("0+")
    error_code: int = int16("0+")
    timestamp: int = int64("1+", default=-1)
    offset: int = int64("1+", default=-1)
    leader_epoch: int = int32("4+", default=-1)


@dataclass(slots=True)
class ListOffsetsTopicResponse:
    name: str = string("0+")
    partitions: Sequence[ListOffsetsPartitionResponse] = array_of(ListOffsetsPartitionResponse, "0+")


@dataclass(slots=True)
class ListOffsetsResponse:
    throttle_time_ms: int = int32("2+")
    topics: Sequence[ListOffsetsTopicResponse] = array_of(ListOffsetsTopicResponse, "0+")
