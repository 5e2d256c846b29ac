"""ListOffsets (key 2), versions 1 to 9: the offset of a time, of the earliest or of the latest record.

| timestamp | means | offset | timestamp in the response |
|---|---|---|---|
| >= 0 | the first record at or after it | its offset, -1 where there is none | its timestamp |
| -1 | latest | log end offset | -1 |
| -2 | earliest | log start offset | -1 |
| -3 | the record with the highest timestamp, version 7 | its offset, -1 in an empty log | its timestamp |
| -4 | earliest local, version 8 | log start offset | -1 |
| -5 | latest tiered, version 9 | -1: there are no tiers | -1 |

A partition that is named twice in a topic is answered once, with INVALID_REQUEST.
"""

from collections.abc import Callable

from quekka.errors import QuekkaError, UnsupportedVersionError
from quekka.protocols.kafka.api_02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
    ListOffsetsTopicResponse,
)
from quekka.servers.kafka_handlers.places import ANY_EPOCH, LEADER_EPOCH, find_partition
from quekka.servers.kafka_handlers.repeated import check_once, named_twice
from quekka.servers.kafka_session import KafkaSession
from quekka.storage.log_view import LogView

NONE = -1
"""No offset, no timestamp."""
NOWHERE = (NONE, NONE)


def _max_timestamp(view: LogView) -> tuple[int, int]:
    return view.offset_for_timestamp(view.max_timestamp_ms) or NOWHERE


SPECIAL: dict[int, tuple[int, Callable[[LogView], tuple[int, int]]]] = {
    -1: (1, lambda view: (view.log_end_offset, NONE)),
    -2: (1, lambda view: (view.log_start_offset, NONE)),
    -3: (7, _max_timestamp),
    -4: (8, lambda view: (view.log_start_offset, NONE)),
    -5: (9, lambda _view: NOWHERE),
}
"""By timestamp: the first version that has it, and what gives offset and timestamp."""


def list_offsets(session: KafkaSession, request: ListOffsetsRequest, version: int) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(topic.name, _answers(session, topic, version))
            for topic in request.topics
        ]
    )


def _answers(
    session: KafkaSession, topic: ListOffsetsTopic, version: int
) -> list[ListOffsetsPartitionResponse]:
    twice = named_twice(asked.partition_index for asked in topic.partitions)
    once = {asked.partition_index: asked for asked in topic.partitions}
    return [_answer(session, topic.name, asked, twice, version) for asked in once.values()]


def _answer(
    session: KafkaSession, topic: str, asked: ListOffsetsPartition, twice: frozenset[int], version: int
) -> ListOffsetsPartitionResponse:
    index = asked.partition_index
    try:
        check_once(index, twice)
        partition = find_partition(session, topic, index, asked.current_leader_epoch)
        offset, timestamp_ms = _find(partition.view(), asked.timestamp, version)
    except QuekkaError as error:
        return ListOffsetsPartitionResponse(index, session.error_number(error))
    epoch = ANY_EPOCH if offset == NONE else LEADER_EPOCH
    return ListOffsetsPartitionResponse(index, 0, timestamp_ms, offset, epoch)


def _find(view: LogView, timestamp_ms: int, version: int) -> tuple[int, int]:
    if timestamp_ms >= 0:
        return view.offset_for_timestamp(timestamp_ms) or NOWHERE
    first_version, find = SPECIAL.get(timestamp_ms, (version + 1, None))
    if find is None or version < first_version:
        raise UnsupportedVersionError(f"timestamp {timestamp_ms} has no meaning in version {version}")
    return find(view)
