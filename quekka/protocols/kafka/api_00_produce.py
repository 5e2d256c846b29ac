"""Produce (key 0): append record batches to partitions. The one request without a response when `acks` is 0.

| version | change |
|---|---|
| 0-2 | listed, not served: records in the formats before record batches; answered with UNSUPPORTED_VERSION |
| 1 | throttle_time_ms |
| 2 | log_append_time_ms |
| 3 | transactional_id; record batches (magic 2) only |
| 4 | KAFKA_STORAGE_ERROR may be answered |
| 5 | log_start_offset in the response |
| 7 | zstd is allowed (KIP-110) |
| 8 | record_errors and error_message (KIP-467) |
| 9 | flexible |
| 10 | tagged current_leader and node_endpoints (KIP-951) |
| 11 | TRANSACTION_ABORTABLE may be answered (KIP-890) |

The request is read by hand, because it carries the load; records stay slices of the receive buffer.
Version 3 with one partition, in bytes:

    +--------------------+------+------------+---+-----------+---+-------+------+-----------------+
    | transactional_id   | acks | timeout_ms | n | name      | n | index | size | records         |
    | int16 n, n         | 2    | 4          | 4 | int16 n, n| 4 | 4     | 4    | size            |
    +--------------------+------+------------+---+-----------+---+-------+------+-----------------+

Source: ProduceRequest.json and ProduceResponse.json of Apache Kafka.
"""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from quekka.errors import UnsupportedVersionError
from quekka.formats import Buffer
from quekka.protocols.kafka.api_keys import APIS_BY_KEY, PRODUCE
from quekka.protocols.kafka.fields import (
    array_of,
    int16,
    int32,
    int64,
    nullable_string,
    record_batches,
    string,
    tagged_struct_of,
)
from quekka.protocols.kafka.meter import FRAME_ELEMENTS_MAX
from quekka.protocols.kafka.primitives import (
    MALFORMED,
    UncommonError,
    check_count,
    read_compact_length,
    read_compact_nullable_string,
    read_nullable_string,
)
from quekka.protocols.kafka.schema import reader_of_body


@dataclass(slots=True)
class PartitionProduceData:
    index: int = int32("0+")
    records: memoryview | None = record_batches("0+", nullable="0+")


@dataclass(slots=True)
class TopicProduceData:
    name: str = string("0+")
    partition_data: Sequence[PartitionProduceData] = array_of(PartitionProduceData, "0+")


@dataclass(slots=True)
class ProduceRequest:
    transactional_id: str | None = nullable_string("3+", nullable="3+")
    acks: int = int16("0+")
    timeout_ms: int = int32("0+")
    topic_data: Sequence[TopicProduceData] = array_of(TopicProduceData, "0+")


@dataclass(slots=True)
class BatchIndexAndErrorMessage:
    batch_index: int = int32("8+")
    batch_index_error_message: str | None = nullable_string("8+", nullable="8+")


@dataclass(slots=True)
class LeaderIdAndEpoch:
    leader_id: int = int32("10+", default=-1)
    leader_epoch: int = int32("10+", default=-1)


@dataclass(slots=True)
class PartitionProduceResponse:
    index: int = int32("0+")
    error_code: int = int16("0+")
    base_offset: int = int64("0+")
    log_append_time_ms: int = int64("2+", default=-1)
    log_start_offset: int = int64("5+", default=-1)
    record_errors: Sequence[BatchIndexAndErrorMessage] = array_of(BatchIndexAndErrorMessage, "8+")
    error_message: str | None = nullable_string("8+", nullable="8+")
    current_leader: LeaderIdAndEpoch | None = tagged_struct_of(LeaderIdAndEpoch, "10+", tag=0)


@dataclass(slots=True)
class TopicProduceResponse:
    name: str = string("0+")
    partition_responses: Sequence[PartitionProduceResponse] = array_of(PartitionProduceResponse, "0+")


@dataclass(slots=True)
class NodeEndpoint:
    node_id: int = int32("10+")
    host: str = string("10+")
    port: int = int32("10+")
    rack: str | None = nullable_string("10+", nullable="10+")


@dataclass(slots=True)
class ProduceResponse:
    responses: Sequence[TopicProduceResponse] = array_of(TopicProduceResponse, "0+")
    throttle_time_ms: int = int32("1+")
    node_endpoints: Sequence[NodeEndpoint] = array_of(NodeEndpoint, "10+", tag=0)


_HEAD = struct.Struct(">hii")
_COMPACT_HEAD = struct.Struct(">hi")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_PARTITION = struct.Struct(">ii")


def read_request(body: Buffer, version: int) -> ProduceRequest:
    """The request, with `records` as slices of `body`; raises InvalidRequestError.

    The hand-written readers know the common form only. What is not that, or is malformed, is left to the
    compiled reader, which names what is wrong. Versions 0 to 2 are read too, to be refused properly.
    """
    flexible = APIS_BY_KEY[PRODUCE].is_flexible(version)
    try:
        return _read_flexible(memoryview(body)) if flexible else _read_plain(memoryview(body), version)
    except MALFORMED:
        read = reader_of_body(ProduceRequest, version, flexible, len(body))
        request: ProduceRequest = read(body, 0)[0]
        return request


def _read_plain(body: memoryview, version: int) -> ProduceRequest:
    end = len(body)
    transactional_id = None
    position = 0
    if version >= 3:
        transactional_id, position = read_nullable_string(body, 0)
    acks, timeout_ms, topics_count = _HEAD.unpack_from(body, position)
    position += 10
    check_count(body, position, topics_count, 6)
    room = FRAME_ELEMENTS_MAX - topics_count
    topics = []
    for _ in range(topics_count):
        start = position + 2
        stop = start + _INT16.unpack_from(body, position)[0]
        if not start <= stop <= end:
            raise UncommonError
        name = str(body[start:stop], "utf-8")
        partitions_count = _INT32.unpack_from(body, stop)[0]
        position = stop + 4
        check_count(body, position, partitions_count, 8)
        room -= partitions_count
        if room < 0:
            raise UncommonError
        partitions = []
        for _ in range(partitions_count):
            index, size_bytes = _PARTITION.unpack_from(body, position)
            start = position + 8
            position = start + size_bytes
            if not start <= position <= end:
                raise UncommonError
            partitions.append(PartitionProduceData(index, body[start:position]))
        topics.append(TopicProduceData(name, tuple(partitions)))
    return ProduceRequest(transactional_id, acks, timeout_ms, tuple(topics))


def _read_flexible(body: memoryview) -> ProduceRequest:
    """Lengths of up to 127 bytes for names, and no tagged fields: all that clients send today."""
    end = len(body)
    transactional_id, position = read_compact_nullable_string(body, 0)
    acks, timeout_ms = _COMPACT_HEAD.unpack_from(body, position)
    topics_count, position = read_compact_length(body, position + 6)
    check_count(body, position, topics_count, 3)
    room = FRAME_ELEMENTS_MAX - topics_count
    topics = []
    for _ in range(topics_count):
        start = position + 1
        stop = position + body[position]
        if not start <= stop <= end or stop - start > 126:
            raise UncommonError
        name = str(body[start:stop], "utf-8")
        partitions_count, position = read_compact_length(body, stop)
        check_count(body, position, partitions_count, 6)
        room -= partitions_count
        if room < 0:
            raise UncommonError
        partitions = []
        for _ in range(partitions_count):
            index = _INT32.unpack_from(body, position)[0]
            size_bytes, start = read_compact_length(body, position + 4)
            stop = start + size_bytes
            if not start <= stop < end or body[stop]:
                raise UncommonError
            partitions.append(PartitionProduceData(index, body[start:stop]))
            position = stop + 1
        if body[position]:
            raise UncommonError
        position += 1
        topics.append(TopicProduceData(name, tuple(partitions)))
    if body[position]:
        raise UncommonError
    return ProduceRequest(transactional_id, acks, timeout_ms, tuple(topics))


def refusal(request: ProduceRequest) -> ProduceResponse:
    """UNSUPPORTED_VERSION for each partition of the request."""
    return ProduceResponse(
        [
            TopicProduceResponse(
                topic.name,
                [
                    PartitionProduceResponse(partition.index, UnsupportedVersionError.number, base_offset=-1)
                    for partition in topic.partition_data
                ],
            )
            for topic in request.topic_data
        ]
    )
