"""OffsetDelete (key 47): forget committed offsets of a group.

Source: OffsetDeleteRequest.json and OffsetDeleteResponse.json of Apache Kafka; KIP-496.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int16, int32, string


@dataclass(slots=True)
class OffsetDeleteRequestPartition:
    partition_index: int = int32("0+")


@dataclass(slots=True)
class OffsetDeleteRequestTopic:
    name: str = string("0+")
    partitions: Sequence[OffsetDeleteRequestPartition] = array_of(OffsetDeleteRequestPartition, "0+")


@dataclass(slots=True)
class OffsetDeleteRequest:
    group_id: str = string("0+")
    topics: Sequence[OffsetDeleteRequestTopic] = array_of(OffsetDeleteRequestTopic, "0+")


@dataclass(slots=True)
class OffsetDeleteResponsePartition:
    partition_index: int = int32("0+")
    error_code: int = int16("0+")


@dataclass(slots=True)
class OffsetDeleteResponseTopic:
    name: str = string("0+")
    partitions: Sequence[OffsetDeleteResponsePartition] = array_of(OffsetDeleteResponsePartition, "0+")


@dataclass(slots=True)
class OffsetDeleteResponse:
    error_code: int = int16("0+")
    throttle_time_ms: int = int32("0+")
    topics: Sequence[OffsetDeleteResponseTopic] = array_of(OffsetDeleteResponseTopic, "0+")
