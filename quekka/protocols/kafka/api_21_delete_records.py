"""DeleteRecords (key 21): move the log start offset of partitions forward; -1 is the high watermark.

| version | change |
|---|---|
| 1 | responses are sent before throttling |
| 2 | flexible |

Source: DeleteRecordsRequest.json and DeleteRecordsResponse.json of Apache Kafka; KIP-107.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int16, int32, int64, string


@dataclass(slots=True)
class DeleteRecordsPartition:
    partition_index: int = int32("0+")
    offset: int = int64("0+")


@dataclass(slots=True)
class DeleteRecordsTopic:
    name: str = string("0+")
    partitions: Sequence[DeleteRecordsPartition] = array_of(DeleteRecordsPartition, "0+")


@dataclass(slots=True)
class DeleteRecordsRequest:
    topics: Sequence[DeleteRecordsTopic] = array_of(DeleteRecordsTopic, "0+")
    timeout_ms: int = int32("0+")


@dataclass(slots=True)
class DeleteRecordsPartitionResult:
    partition_index: int = int32("0+")
    low_watermark: int = int64("0+")
    error_code: int = int16("0+")


@dataclass(slots=True)
class DeleteRecordsTopicResult:
    name: str = string("0+")
    partitions: Sequence[DeleteRecordsPartitionResult] = array_of(DeleteRecordsPartitionResult, "0+")


@dataclass(slots=True)
class DeleteRecordsResponse:
    throttle_time_ms: int = int32("0+")
    topics: Sequence[DeleteRecordsTopicResult] = array_of(DeleteRecordsTopicResult, "0+")
