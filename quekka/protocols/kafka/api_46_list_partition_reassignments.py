"""ListPartitionReassignments (key 46): replicas on the move.

Source: ListPartitionReassignmentsRequest.json and ListPartitionReassignmentsResponse.json of Apache Kafka;
KIP-455.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import INT32, array_of, int16, int32, nullable_string, string


@dataclass(slots=True)
class ListPartitionReassignmentsTopics:
    name: str = string("0+")
    partition_indexes: Sequence[int] = array_of(INT32, "0+")


@dataclass(slots=True)
class ListPartitionReassignmentsRequest:
    timeout_ms: int = int32("0+", default=60000)
    topics: Sequence[ListPartitionReassignmentsTopics] | None = array_of(
        ListPartitionReassignmentsTopics, "0+", nullable="0+", default=None
    )


@dataclass(slots=True)
class OngoingPartitionReassignment:
    partition_index: int = int32("0+")
    replicas: Sequence[int] = array_of(INT32, "0+")
    adding_replicas: Sequence[int] = array_of(INT32, "0+")
    removing_replicas: Sequence[int] = array_of(INT32, "0+")


@dataclass(slots=True)
class OngoingTopicReassignment:
    name: str = string("0+")
    partitions: Sequence[OngoingPartitionReassignment] = array_of(OngoingPartitionReassignment, "0+")


@dataclass(slots=True)
class ListPartitionReassignmentsResponse:
    throttle_time_ms: int = int32("0+")
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+", default="")
    topics: Sequence[OngoingTopicReassignment] = array_of(OngoingTopicReassignment, "0+")
