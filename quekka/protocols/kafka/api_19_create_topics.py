"""CreateTopics (key 19): make topics.

| version | change |
|---|---|
| 3 | responses are sent before throttling |
| 4 | num_partitions and replication_factor may be -1, the broker's default (KIP-464) |
| 5 | flexible; the configs in the response (KIP-525) |
| 6 | THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599) |
| 7 | topic_id in the response (KIP-516) |

Source: CreateTopicsRequest.json and CreateTopicsResponse.json of Apache Kafka.
"""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from quekka.protocols.kafka.fields import (
    INT32,
    array_of,
    boolean,
    int8,
    int16,
    int32,
    nullable_string,
    string,
    uuid,
)


@dataclass(slots=True)
class CreatableReplicaAssignment:
    partition_index: int = int32("0+")
    broker_ids: Sequence[int] = array_of(INT32, "0+")


@dataclass(slots=True)
class CreatableTopicConfig:
    name: str = string("0+")
    value: str | None = nullable_string("0+", nullable="0+", default="")


@dataclass(slots=True)
class CreatableTopic:
    name: str = string("0+")
    num_partitions: int = int32("0+")
    replication_factor: int = int16("0+")
    assignments: Sequence[CreatableReplicaAssignment] = array_of(CreatableReplicaAssignment, "0+")
    configs: Sequence[CreatableTopicConfig] = array_of(CreatableTopicConfig, "0+")


@dataclass(slots=True)
class CreateTopicsRequest:
    topics: Sequence[CreatableTopic] = array_of(CreatableTopic, "0+")
    timeout_ms: int = int32("0+", default=60000)
    validate_only: bool = boolean("1+")


@dataclass(slots=True)
class CreatableTopicConfigs:
    name: str = string("5+")
    value: str | None = nullable_string("5+", nullable="5+", default="")
    read_only: bool = boolean("5+")
    config_source: int = int8("5+", default=-1)
    is_sensitive: bool = boolean("5+")


@dataclass(slots=True)
class CreatableTopicResult:
    name: str = string("0+")
    topic_id: UUID = uuid("7+")
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("1+", nullable="0+", default="")
    topic_config_error_code: int = int16("5+", tag=0)
    num_partitions: int = int32("5+", default=-1)
    replication_factor: int = int16("5+", default=-1)
    configs: Sequence[CreatableTopicConfigs] | None = array_of(CreatableTopicConfigs, "5+", nullable="5+")


@dataclass(slots=True)
class CreateTopicsResponse:
    throttle_time_ms: int = int32("2+")
    topics: Sequence[CreatableTopicResult] = array_of(CreatableTopicResult, "0+")
