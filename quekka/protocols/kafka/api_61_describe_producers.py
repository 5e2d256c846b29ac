"""DescribeProducers (key 61): the idempotent and transactional producers that a partition knows.

Source: DescribeProducersRequest.json and DescribeProducersResponse.json of Apache Kafka; KIP-664.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import INT32, array_of, int16, int32, int64, nullable_string, string


@dataclass(slots=True)
class TopicRequest:
    name: str = string("0+")
    partition_indexes: Sequence[int] = array_of(INT32, "0+")


@dataclass(slots=True)
class DescribeProducersRequest:
    topics: Sequence[TopicRequest] = array_of(TopicRequest, "0+")


@dataclass(slots=True)
class ProducerState:
    producer_id: int = int64("0+")
    producer_epoch: int = int32("0+")
    last_sequence: int = int32("0+", default=-1)
    last_timestamp: int = int64("0+", default=-1)
    coordinator_epoch: int = int32("0+")
    current_txn_start_offset: int = int64("0+", default=-1)


@dataclass(slots=True)
class PartitionResponse:
    partition_index: int = int32("0+")
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+")
    active_producers: Sequence[ProducerState] = array_of(ProducerState, "0+")


@dataclass(slots=True)
class TopicResponse:
    name: str = string("0+")
    partitions: Sequence[PartitionResponse] = array_of(PartitionResponse, "0+")


@dataclass(slots=True)
class DescribeProducersResponse:
    throttle_time_ms: int = int32("0+")
    topics: Sequence[TopicResponse] = array_of(TopicResponse, "0+")
