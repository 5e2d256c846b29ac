"""ElectLeaders (key 43): elect leaders of partitions anew.

| version | change |
|---|---|
| 1 | election_type; an error_code for the whole (KIP-460) |
| 2 | flexible |

Source: ElectLeadersRequest.json and ElectLeadersResponse.json of Apache Kafka; KIP-183.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import INT32, array_of, int8, int16, int32, nullable_string, string


@dataclass(slots=True)
class TopicPartitions:
    topic: str = string("0+")
    partitions: Sequence[int] = array_of(INT32, "0+")


@dataclass(slots=True)
class ElectLeadersRequest:
    election_type: int = int8("1+")
    topic_partitions: Sequence[TopicPartitions] | None = array_of(TopicPartitions, "0+", nullable="0+")
    timeout_ms: int = int32("0+", default=60000)


@dataclass(slots=True)
class PartitionResult:
    partition_id: int = int32("0+")
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+", default="")


@dataclass(slots=True)
class ReplicaElectionResult:
    topic: str = string("0+")
    partition_result: Sequence[PartitionResult] = array_of(PartitionResult, "0+")


@dataclass(slots=True)
class ElectLeadersResponse:
    throttle_time_ms: int = int32("0+")
    error_code: int = int16("1+")
    replica_election_results: Sequence[ReplicaElectionResult] = array_of(ReplicaElectionResult, "0+")
