"""Metadata (key 3): brokers, topics and who leads their partitions. The request of every client that may
create topics on the way.

| version | change |
|---|---|
| 0 | an empty `topics` asks for all |
| 1 | null `topics` asks for all, empty for none; rack, controller_id, is_internal |
| 2 | cluster_id |
| 3 | throttle_time_ms |
| 4 | allow_auto_topic_creation |
| 5 | offline_replicas |
| 6 | responses are sent before throttling |
| 7 | leader_epoch (KIP-320) |
| 8 | authorized operations (KIP-430) |
| 9 | flexible |
| 10 | topic_id in both; names may be null (KIP-516) |
| 11 | authorized operations of the cluster moved to DescribeCluster (KIP-700) |
| 12 | topics may be asked for by id |

Source: MetadataRequest.json and MetadataResponse.json of Apache Kafka.
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
    string,
    uuid,
)


@dataclass(slots=True)
class MetadataRequestTopic:
    topic_id: UUID = uuid("10+")
    name: str | None = nullable_string("0+", nullable="10+", default="")


@dataclass(slots=True)
class MetadataRequest:
    topics: Sequence[MetadataRequestTopic] | None = array_of(MetadataRequestTopic, "0+", nullable="1+")
    allow_auto_topic_creation: bool = boolean("4+", default=True)
    include_cluster_authorized_operations: bool = boolean("8-10")
    include_topic_authorized_operations: bool = boolean("8+")


@dataclass(slots=True)
class MetadataResponseBroker:
    node_id: int = int32("0+")
    host: str = string("0+")
    port: int = int32("0+")
    rack: str | None = nullable_string("1+", nullable="1+")


@dataclass(slots=True)
class MetadataResponsePartition:
    error_code: int = int16("0+")
    partition_index: int = int32("0+")
    leader_id: int = int32("0+")
    leader_epoch: int = int32("7+", default=-1)
    replica_nodes: Sequence[int] = array_of(INT32, "0+")
    isr_nodes: Sequence[int] = array_of(INT32, "0+")
    offline_replicas: Sequence[int] = array_of(INT32, "5+")


@dataclass(slots=True)
class MetadataResponseTopic:
    error_code: int = int16("0+")
    name: str | None = nullable_string("0+", nullable="12+", default="")
    topic_id: UUID = uuid("10+")
    is_internal: bool = boolean("1+")
    partitions: Sequence[MetadataResponsePartition] = array_of(MetadataResponsePartition, "0+")
    topic_authorized_operations: int = int32("8+", default=-(2**31))


@dataclass(slots=True)
class MetadataResponse:
    throttle_time_ms: int = int32("3+")
    brokers: Sequence[MetadataResponseBroker] = array_of(MetadataResponseBroker, "0+")
    cluster_id: str | None = nullable_string("2+", nullable="2+")
    controller_id: int = int32("1+", default=-1)
    topics: Sequence[MetadataResponseTopic] = array_of(MetadataResponseTopic, "0+")
    cluster_authorized_operations: int = int32("8-10", default=-(2**31))
