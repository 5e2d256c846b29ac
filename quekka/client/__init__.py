"""The client library: `Producer`, `Consumer` and `Admin` over TCP, with threads and blocking I/O.

It talks the Quekka text protocol (quekka-protocol(7)) and carries record batches in Kafka's format inside it
(APPEND and READ), so that one request moves thousands of records. In reading order: `addresses`, `request`,
`reply`,
`connection`; then `admin`; then `producer_batch`, `accumulator`, `sender`, `producer`; then
`partition_state`,
`fetched_data`, `fetch_lane`, `fetcher`, `share`, `consumer`.

The names below are imported when they are first asked for, because a program that only lists topics has no
use for the compression and checksum libraries that a producer loads.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quekka.client.admin import Admin
    from quekka.client.consumer import Consumer
    from quekka.client.consumer_record import ConsumerRecord
    from quekka.client.descriptions import (
        GroupDescription,
        PartitionDescription,
        PartitionLag,
        TopicDescription,
    )
    from quekka.client.producer import Producer
    from quekka.client.record_metadata import RecordMetadata
    from quekka.client.topic_partition import TopicPartition

__all__ = [
    "Admin",
    "Consumer",
    "ConsumerRecord",
    "GroupDescription",
    "PartitionDescription",
    "PartitionLag",
    "Producer",
    "RecordMetadata",
    "TopicDescription",
    "TopicPartition",
]

_MODULES = {
    "Admin": "admin",
    "Consumer": "consumer",
    "ConsumerRecord": "consumer_record",
    "GroupDescription": "descriptions",
    "PartitionDescription": "descriptions",
    "PartitionLag": "descriptions",
    "Producer": "producer",
    "RecordMetadata": "record_metadata",
    "TopicDescription": "descriptions",
    "TopicPartition": "topic_partition",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
