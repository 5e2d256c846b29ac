"""DescribeTopicPartitions (key 75): topics and their partitions, page by page.

Source: DescribeTopicPartitionsRequest.json and DescribeTopicPartitionsResponse.json of Apache Kafka;
KIP-966.
"""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from quekka.protocols.kafka.fields import (
    INT32,
    array_of,
    boolean,
    int16,
    int32,
    nullable_string,
    nullable_struct_of,
    string,
    uuid,
)


@dataclass(slots=True)
class TopicRequest:
    name: str = string("0+")


@dataclass(slots=True)
class Cursor:
    topic_name: str = string("0+")
    partition_index: int = int32("0+")


@dataclass(slots=True)
class DescribeTopicPartitionsRequest:
    topics: Sequence[TopicRequest] = array_of(TopicRequest, "0+")
    response_partition_limit: int = int32("0+", default=2000)
    cursor: Cursor | None = nullable_struct_of(Cursor, "0+", nullable="0+")


@dataclass(slots=True)
class DescribeTopicPartitionsResponsePartition:
    error_code: int = int16("0+")
    partition_index: int = int32("0+")
    leader_id: int = int32("0+")
    leader_epoch: int = int32("0+", default=-1)
    replica_nodes: Sequence[int] = array_of(INT32, "0+")
    isr_nodes: Sequence[int] = array_of(INT32, "0+")
    eligible_leader_replicas: Sequence[int] | None = array_of(INT32, "0+", nullable="0+")
    last_known_elr: Sequence[int] | None = array_of(INT32, "0+", nullable="0+")
    offline_replicas: Sequence[int] = array_of(INT32, "0+")


@dataclass(slots=True)
class DescribeTopicPartitionsResponseTopic:
    error_code: int = int16("0+")
    name: str | None = nullable_string("0+", nullable="0+", default="")
    topic_id: UUID = uuid("0+")
    is_internal: bool = boolean("0+")
    partitions: Sequence[DescribeTopicPartitionsResponsePartition] = array_of(
        DescribeTopicPartitionsResponsePartition, "0+"
    )
    topic_authorized_operations: int = int32("0+", default=-(2**31))


@dataclass(slots=True)
class DescribeTopicPartitionsResponse:
    throttle_time_ms: int = int32("0+")
    topics: Sequence[DescribeTopicPartitionsResponseTopic] = array_of(
        DescribeTopicPartitionsResponseTopic, "0+"
    )
    next_cursor: Cursor | None = nullable_struct_of(Cursor, "0+", nullable="0+")
