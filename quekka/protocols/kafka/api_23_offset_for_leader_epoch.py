"""OffsetForLeaderEpoch (key 23): where a leader epoch ended, so that a consumer notices a truncated log.

| version | change |
|---|---|
| 2 | current_leader_epoch; throttle_time_ms (KIP-320) |
| 3 | replica_id |
| 4 | flexible |

Source: OffsetForLeaderEpochRequest.json and OffsetForLeaderEpochResponse.json of Apache Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int16, int32, int64, string


@dataclass(slots=True)
class OffsetForLeaderPartition:
    partition: int = int32("0+")
    current_leader_epoch: int = int32("2+", default=-1)
    leader_epoch: int = int32("0+")


@dataclass(slots=True)
class OffsetForLeaderTopic:
    topic: str = string("0+")
    partitions: Sequence[OffsetForLeaderPartition] = array_of(OffsetForLeaderPartition, "0+")


@dataclass(slots=True)
class OffsetForLeaderEpochRequest:
    replica_id: int = int32("3+", default=-2)
    topics: Sequence[OffsetForLeaderTopic] = array_of(OffsetForLeaderTopic, "0+")


@dataclass(slots=True)
class EpochEndOffset:
    error_code: int = int16("0+")
    partition: int = int32("0+")
    leader_epoch: int = int32("1+", default=-1)
    end_offset: int = int64("0+", default=-1)


@dataclass(slots=True)
class OffsetForLeaderTopicResult:
    topic: str = string("0+")
    partitions: Sequence[EpochEndOffset] = array_of(EpochEndOffset, "0+")


@dataclass(slots=True)
class OffsetForLeaderEpochResponse:
    throttle_time_ms: int = int32("2+")
    topics: Sequence[OffsetForLeaderTopicResult] = array_of(OffsetForLeaderTopicResult, "0+")
