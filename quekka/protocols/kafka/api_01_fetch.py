"""Fetch (key 1): read record batches, and wait for them if there are too few.

| version | change |
|---|---|
| 4 | isolation_level, last_stable_offset, aborted_transactions (KIP-98) |
| 5 | log_start_offset |
| 6 | KAFKA_STORAGE_ERROR may be answered |
| 7 | fetch sessions: session_id, session_epoch, forgotten_topics_data (KIP-227) |
| 8 | responses are sent before throttling |
| 9 | current_leader_epoch (KIP-320) |
| 10 | zstd may be answered (KIP-110) |
| 11 | rack_id, preferred_read_replica (KIP-392) |
| 12 | flexible; last_fetched_epoch, diverging_epoch (KIP-595) |

The request is read by hand here and the response is written by hand in `fetch_pieces`, because they carry
the load.

Source: FetchRequest.json and FetchResponse.json of Apache Kafka.
"""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from quekka.formats import Buffer
from quekka.protocols.kafka.api_keys import APIS_BY_KEY, FETCH
from quekka.protocols.kafka.fields import (
    INT32,
    array_of,
    int8,
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
    read_compact_string,
    read_numbers,
    read_string,
)
from quekka.protocols.kafka.schema import reader_of_body


class Records(Protocol):
    """Record batches that somebody else will send; storage's LogSlice is such a thing."""

    @property
    def size_bytes(self) -> int: ...


@dataclass(slots=True)
class FetchPartition:
    partition: int = int32("0+")
    current_leader_epoch: int = int32("9+", default=-1)
    fetch_offset: int = int64("0+")
    last_fetched_epoch: int = int32("12+", default=-1)
    log_start_offset: int = int64("5+", default=-1)
    partition_max_bytes: int = int32("0+")


@dataclass(slots=True)
class FetchTopic:
    topic: str = string("0-12")
    partitions: Sequence[FetchPartition] = array_of(FetchPartition, "0+")


@dataclass(slots=True)
class ForgottenTopic:
    topic: str = string("7-12")
    partitions: Sequence[int] = array_of(INT32, "7+")


@dataclass(slots=True)
class FetchRequest:
    cluster_id: str | None = nullable_string("12+", nullable="12+", tag=0)
    replica_id: int = int32("0-14", default=-1)
    max_wait_ms: int = int32("0+")
    min_bytes: int = int32("0+")
    max_bytes: int = int32("3+", default=2147483647)
    isolation_level: int = int8("4+")
    session_id: int = int32("7+")
    session_epoch: int = int32("7+", default=-1)
    topics: Sequence[FetchTopic] = array_of(FetchTopic, "0+")
    forgotten_topics_data: Sequence[ForgottenTopic] = array_of(ForgottenTopic, "7+")
    rack_id: str = string("11+")


@dataclass(slots=True)
class EpochEndOffset:
    epoch: int = int32("12+", default=-1)
    end_offset: int = int64("12+", default=-1)


@dataclass(slots=True)
class LeaderIdAndEpoch:
    leader_id: int = int32("12+", default=-1)
    leader_epoch: int = int32("12+", default=-1)


@dataclass(slots=True)
class SnapshotId:
    end_offset: int = int64("0+", default=-1)
    epoch: int = int32("0+", default=-1)


@dataclass(slots=True)
class AbortedTransaction:
    producer_id: int = int64("4+")
    first_offset: int = int64("4+")


@dataclass(slots=True)
class PartitionData:
    partition_index: int = int32("0+")
    error_code: int = int16("0+")
    high_watermark: int = int64("0+")
    last_stable_offset: int = int64("4+", default=-1)
    log_start_offset: int = int64("5+", default=-1)
    diverging_epoch: EpochEndOffset | None = tagged_struct_of(EpochEndOffset, "12+", tag=0)
    current_leader: LeaderIdAndEpoch | None = tagged_struct_of(LeaderIdAndEpoch, "12+", tag=1)
    snapshot_id: SnapshotId | None = tagged_struct_of(SnapshotId, "12+", tag=2)
    aborted_transactions: Sequence[AbortedTransaction] | None = array_of(
        AbortedTransaction, "4+", nullable="4+"
    )
    preferred_read_replica: int = int32("11+", default=-1)
    records: Records | None = record_batches("0+", nullable="0+")
    """None writes no records, as an empty set and not as null."""


@dataclass(slots=True)
class FetchableTopicResponse:
    topic: str = string("0-12")
    partitions: Sequence[PartitionData] = array_of(PartitionData, "0+")


@dataclass(slots=True)
class FetchResponse:
    throttle_time_ms: int = int32("1+")
    error_code: int = int16("7+")
    session_id: int = int32("7+")
    responses: Sequence[FetchableTopicResponse] = array_of(FetchableTopicResponse, "0+")


_INT32 = struct.Struct(">i")
_HEAD_V4 = struct.Struct(">iiiib")
_HEAD_V7 = struct.Struct(">iiiibii")
_PARTITION_V4 = struct.Struct(">iqi")
_PARTITION_V5 = struct.Struct(">iqqi")
_PARTITION_V9 = struct.Struct(">iiqqi")
_PARTITION_V12 = struct.Struct(">iiqiqiB")


def read_request(body: Buffer, version: int) -> FetchRequest:
    """The request; raises InvalidRequestError.

    The hand-written readers know the common form only. What is not that, or is malformed, is left to the
    compiled reader, which names what is wrong.
    """
    flexible = APIS_BY_KEY[FETCH].is_flexible(version)
    if len(body) > FRAME_ELEMENTS_MAX:
        return _read_compiled(body, version, flexible)
    try:
        return _read_flexible(body) if flexible else _read_plain(body, version)
    except MALFORMED:
        return _read_compiled(body, version, flexible)


def _read_compiled(body: Buffer, version: int, flexible: bool) -> FetchRequest:
    request: FetchRequest = reader_of_body(FetchRequest, version, flexible, len(body))(body, 0)[0]
    return request


def _read_plain(body: Buffer, version: int) -> FetchRequest:
    """Versions 4 to 11."""
    session_id, session_epoch = 0, -1
    head = _HEAD_V4 if version < 7 else _HEAD_V7
    replica_id, max_wait_ms, min_bytes, max_bytes, isolation_level, *session = head.unpack_from(body)
    if session:
        session_id, session_epoch = session
    topics_count = _INT32.unpack_from(body, head.size)[0]
    position = head.size + 4
    check_count(body, position, topics_count, 6)
    topics = []
    for _ in range(topics_count):
        name, position = read_string(body, position)
        count = _INT32.unpack_from(body, position)[0]
        partitions, position = _partitions(body, position + 4, count, version)
        topics.append(FetchTopic(name, partitions))
    forgotten: tuple[ForgottenTopic, ...] = ()
    rack_id = ""
    if version >= 7:
        forgotten, position = _forgotten(body, position)
    if version >= 11:
        rack_id, position = read_string(body, position)
    return FetchRequest(
        None, replica_id, max_wait_ms, min_bytes, max_bytes, isolation_level, session_id, session_epoch,
        tuple(topics), forgotten, rack_id,
    )  # fmt: skip


def _forgotten(body: Buffer, position: int) -> tuple[tuple[ForgottenTopic, ...], int]:
    topics_count = _INT32.unpack_from(body, position)[0]
    position += 4
    check_count(body, position, topics_count, 6)
    topics = []
    for _ in range(topics_count):
        name, position = read_string(body, position)
        indexes, position = read_numbers(body, position + 4, _INT32.unpack_from(body, position)[0], "i")
        topics.append(ForgottenTopic(name, indexes))
    return tuple(topics), position


def _partitions(
    body: Buffer, position: int, count: int, version: int
) -> tuple[tuple[FetchPartition, ...], int]:
    row = _PARTITION_V4 if version < 5 else _PARTITION_V5 if version < 9 else _PARTITION_V9
    check_count(body, position, count, row.size)
    end = position + count * row.size
    rows = row.iter_unpack(body[position:end])
    if version >= 9:
        found = [FetchPartition(p, epoch, at, -1, start, size) for p, epoch, at, start, size in rows]
    elif version >= 5:
        found = [FetchPartition(p, -1, at, -1, start, size) for p, at, start, size in rows]
    else:
        found = [FetchPartition(p, -1, at, -1, -1, size) for p, at, size in rows]
    return tuple(found), end


def _read_flexible(body: Buffer) -> FetchRequest:
    """Version 12, without tagged fields: all that clients send today."""
    replica_id, max_wait_ms, min_bytes, max_bytes, isolation_level, session_id, session_epoch = (
        _HEAD_V7.unpack_from(body)
    )
    topics_count, position = read_compact_length(body, _HEAD_V7.size)
    check_count(body, position, topics_count, 3)
    topics = []
    for _ in range(topics_count):
        name, position = read_compact_string(body, position)
        count, position = read_compact_length(body, position)
        check_count(body, position, count, _PARTITION_V12.size)
        end = position + count * _PARTITION_V12.size
        rows = [*_PARTITION_V12.iter_unpack(body[position:end])]
        if body[end] or any(row[-1] for row in rows):
            raise UncommonError
        topics.append(FetchTopic(name, tuple([FetchPartition(*row[:-1]) for row in rows])))
        position = end + 1
    forgotten, position = _forgotten_flexible(body, position)
    rack_id, position = read_compact_string(body, position)
    if body[position]:
        raise UncommonError
    return FetchRequest(
        None, replica_id, max_wait_ms, min_bytes, max_bytes, isolation_level, session_id, session_epoch,
        tuple(topics), forgotten, rack_id,
    )  # fmt: skip


def _forgotten_flexible(body: Buffer, position: int) -> tuple[tuple[ForgottenTopic, ...], int]:
    topics_count, position = read_compact_length(body, position)
    check_count(body, position, topics_count, 3)
    topics = []
    for _ in range(topics_count):
        name, position = read_compact_string(body, position)
        count, position = read_compact_length(body, position)
        indexes, position = read_numbers(body, position, count, "i")
        if body[position]:
            raise UncommonError
        position += 1
        topics.append(ForgottenTopic(name, indexes))
    return tuple(topics), position
