"""Kafka requests for tests that press on a broker: a connection whose end is a ConnectionError, and the
requests of the broker's own codec in few words.

Versions are chosen by the caller's random generator, among all that are served.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kafka_wire import KafkaWire

from quekka.formats.record_batch import iter_batches, iter_records, verify_crc
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.api_01_fetch import FetchPartition, FetchRequest, FetchTopic
from quekka.protocols.kafka.api_02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from quekka.protocols.kafka.api_03_metadata import MetadataRequest
from quekka.protocols.kafka.api_08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from quekka.protocols.kafka.api_09_offset_fetch import OffsetFetchRequest
from quekka.protocols.kafka.api_19_create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from quekka.protocols.kafka.api_20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from quekka.protocols.kafka.api_21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from quekka.protocols.kafka.api_22_init_producer_id import InitProducerIdRequest
from quekka.protocols.kafka.api_37_create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from quekka.protocols.kafka.api_44_incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, OFFSET_FETCH = 0, 1, 2, 3, 8, 9
CREATE_TOPICS, DELETE_TOPICS, DELETE_RECORDS, INIT_PRODUCER_ID = 19, 20, 21, 22
CREATE_PARTITIONS, INCREMENTAL_ALTER_CONFIGS = 37, 44

OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION = 1, 3
STOPPING = frozenset({6, 15, 41})
"""NOT_LEADER_OR_FOLLOWER, COORDINATOR_NOT_AVAILABLE, NOT_CONTROLLER: what a broker that stops answers."""

EARLIEST, LATEST = -2, -1
TOPIC_RESOURCE, SET = 2, 0
TIMEOUT_MS = 30_000
ZSTD, ZSTD_FROM = 4, 7
CODECS = range(5)


class LoadWire(KafkaWire):
    """A KafkaWire that tells the broker's end from a wrong answer."""

    def receive_frame(self) -> bytes:
        size = self._reader.read(4)
        if len(size) < 4:
            raise ConnectionResetError("the broker is gone")
        frame = self._reader.read(int.from_bytes(size, "big"))
        if len(frame) < int.from_bytes(size, "big"):
            raise ConnectionResetError("the broker is gone, in the middle of a response")
        return frame


def make_batch(
    values: Sequence[bytes],
    codec: int,
    timestamp_ms: int | None = None,
    producer: tuple[int, int] | None = None,
) -> bytearray:
    """One record batch; `producer` is the id of an idempotent producer and the base sequence."""
    builder = BatchBuilder(int(time.time() * 1000) if timestamp_ms is None else timestamp_ms)
    builder.append_values(values)
    if producer is not None:
        builder.set_producer(producer[0], 0, producer[1])
    return builder.build(codec)


def produce_version(rng: random.Random, codec: int) -> int:
    return rng.randint(ZSTD_FROM if codec == ZSTD else 3, 11)


def produce_request(acks: int, topic: str, batches: Mapping[int, bytearray]) -> ProduceRequest:
    """A batch for each of some partitions of one topic."""
    data = [PartitionProduceData(partition, memoryview(batch)) for partition, batch in batches.items()]
    return ProduceRequest(None, acks, TIMEOUT_MS, [TopicProduceData(topic, data)])


def log_bounds(wire: KafkaWire, topic: str, partition: int) -> tuple[int, int]:
    """Log start offset and log end offset."""
    found = []
    for timestamp in (EARLIEST, LATEST):
        asked = ListOffsetsTopic(topic, [ListOffsetsPartition(partition, timestamp=timestamp)])
        response = wire.ask(LIST_OFFSETS, 5, ListOffsetsRequest(-1, 0, [asked]))
        [answer] = response.topics[0].partitions
        assert answer.error_code == 0, f"{topic}/{partition}: {answer}"
        found.append(answer.offset)
    return found[0], found[1]


def read_partition(
    wire: KafkaWire, topic: str, partition: int, offset: int, end: int, rng: random.Random
) -> Iterator[tuple[int, bytes]]:
    """All records from `offset` to before `end`, by fetches of random size."""
    while offset < end:
        size_bytes = rng.choice((1, 3000, 100_000))
        asked = FetchTopic(
            topic, [FetchPartition(partition, fetch_offset=offset, partition_max_bytes=size_bytes)]
        )
        request = FetchRequest(max_wait_ms=0, min_bytes=1, topics=[asked])
        [data] = wire.ask(FETCH, rng.randint(4, 12), request).responses[0].partitions
        assert data.error_code == 0, f"{topic}/{partition} offset {offset}: {data.error_code}"
        records = bytes(data.records or b"")
        before = offset
        for position, header in iter_batches(records, 0, whole_bytes(records)):
            verify_crc(records, position, header)
            for record in iter_records(records, position, from_offset=offset):
                assert record.value is not None
                yield record.offset, bytes(record.value)
            offset = header.next_offset
        assert offset > before, f"{topic}/{partition}: nothing at offset {offset}, though the end is {end}"


def whole_bytes(records: bytes) -> int:
    """Where the last whole batch ends: a fetch may cut one."""
    position = 0
    while len(records) - position >= 12:
        size_bytes = 12 + int.from_bytes(records[position + 8 : position + 12], "big")
        if position + size_bytes > len(records):
            break
        position += size_bytes
    return position


def partitions_by_topic(wire: KafkaWire) -> dict[str, int]:
    """How many partitions each topic has, without the broker's own topics."""
    response = wire.ask(METADATA, 9, MetadataRequest(topics=None))
    return {topic.name: len(topic.partitions) for topic in response.topics if not topic.is_internal}


def committed_offsets(wire: KafkaWire, group: str) -> dict[tuple[str, int], tuple[int, str]]:
    """All that a group has committed: offset and metadata by topic and partition."""
    response = wire.ask(OFFSET_FETCH, 7, OffsetFetchRequest(group_id=group, topics=None))
    assert response.error_code == 0, response
    return {
        (topic.name, found.partition_index): (found.committed_offset, found.metadata)
        for topic in response.topics
        for found in topic.partitions
        if found.committed_offset >= 0
    }


def commit_request(
    group: str, offsets: Mapping[tuple[str, int], int], member: Any = None
) -> OffsetCommitRequest:
    """Offsets, each with its number as metadata; by a KafkaMember, or by somebody who only commits."""
    topics: dict[str, list[OffsetCommitRequestPartition]] = {}
    for (topic, partition), offset in offsets.items():
        entry = OffsetCommitRequestPartition(partition, offset, committed_metadata=str(offset))
        topics.setdefault(topic, []).append(entry)
    request = OffsetCommitRequest(
        group_id=group, topics=[OffsetCommitRequestTopic(*pair) for pair in topics.items()]
    )
    if member is not None:
        request.generation_id_or_member_epoch = member.generation
        request.member_id, request.group_instance_id = member.member_id, member.instance
    return request


def create_topic(wire: KafkaWire, name: str, partitions: int, settings: Mapping[str, str]) -> int:
    """The error number."""
    configs = [CreatableTopicConfig(*pair) for pair in settings.items()]
    asked = CreatableTopic(name, partitions, 1, configs=configs)
    return int(wire.ask(CREATE_TOPICS, 5, CreateTopicsRequest([asked], TIMEOUT_MS)).topics[0].error_code)


def delete_topic(wire: KafkaWire, name: str, version: int) -> int:
    """The error number."""
    request = DeleteTopicsRequest([DeleteTopicState(name)], [name], TIMEOUT_MS)
    return int(wire.ask(DELETE_TOPICS, version, request).responses[0].error_code)


def create_partitions(wire: KafkaWire, name: str, total: int) -> int:
    """The error number."""
    request = CreatePartitionsRequest([CreatePartitionsTopic(name, total, None)], TIMEOUT_MS)
    return int(wire.ask(CREATE_PARTITIONS, 1, request).results[0].error_code)


def delete_records(wire: KafkaWire, topic: str, partition: int, before_offset: int) -> tuple[int, int]:
    """The error number and the new log start offset."""
    asked = DeleteRecordsTopic(topic, [DeleteRecordsPartition(partition, before_offset)])
    response = wire.ask(DELETE_RECORDS, 1, DeleteRecordsRequest([asked], TIMEOUT_MS))
    [answer] = response.topics[0].partitions
    return answer.error_code, answer.low_watermark


def alter_config(wire: KafkaWire, topic: str, settings: Mapping[str, str]) -> int:
    """The error number."""
    configs = [AlterableConfig(name, SET, value) for name, value in settings.items()]
    request = IncrementalAlterConfigsRequest([AlterConfigsResource(TOPIC_RESOURCE, topic, configs)])
    return int(wire.ask(INCREMENTAL_ALTER_CONFIGS, 0, request).responses[0].error_code)


def new_producer_id(wire: KafkaWire) -> int:
    response = wire.ask(INIT_PRODUCER_ID, 1, InitProducerIdRequest(None, TIMEOUT_MS))
    assert response.error_code == 0, response
    return int(response.producer_id)
