"""CreatePartitions (key 37): give topics more partitions.

| version | change |
|---|---|
| 1 | responses are sent before throttling |
| 2 | flexible |
| 3 | THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599) |

Source: CreatePartitionsRequest.json and CreatePartitionsResponse.json of Apache Kafka; KIP-195.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import INT32, array_of, boolean, int16, int32, nullable_string, string


@dataclass(slots=True)
class CreatePartitionsAssignment:
    broker_ids: Sequence[int] = array_of(INT32, "0+")


@dataclass(slots=True)
class CreatePartitionsTopic:
    name: str = string("0+")
    count: int = int32("0+")
    assignments: Sequence[CreatePartitionsAssignment] | None = array_of(
        CreatePartitionsAssignment, "0+", nullable="0+"
    )


@dataclass(slots=True)
class CreatePartitionsRequest:
    topics: Sequence[CreatePartitionsTopic] = array_of(CreatePartitionsTopic, "0+")
    timeout_ms: int = int32("0+")
    validate_only: bool = boolean("0+")


@dataclass(slots=True)
class CreatePartitionsTopicResult:
    name: str = string("0+")
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+")


@dataclass(slots=True)
class CreatePartitionsResponse:
    throttle_time_ms: int = int32("0+")
    results: Sequence[CreatePartitionsTopicResult] = array_of(CreatePartitionsTopicResult, "0+")
