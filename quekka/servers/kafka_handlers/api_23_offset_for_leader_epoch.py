"""OffsetForLeaderEpoch (key 23), versions 2 to 4: where a leader epoch ended.

All records are of epoch 0, which goes on: it ends at the log end offset. Of other epochs there is nothing,
which is epoch -1 and offset -1.
"""

from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_23_offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)
from quekka.servers.kafka_handlers.places import LEADER_EPOCH, find_partition
from quekka.servers.kafka_session import KafkaSession


def offset_for_leader_epoch(
    session: KafkaSession, request: OffsetForLeaderEpochRequest, _version: int
) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic.topic, [_answer(session, topic.topic, asked) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _answer(session: KafkaSession, topic: str, asked: OffsetForLeaderPartition) -> EpochEndOffset:
    try:
        partition = find_partition(session, topic, asked.partition, asked.current_leader_epoch)
    except QuekkaError as error:
        return EpochEndOffset(session.error_number(error), asked.partition)
    if asked.leader_epoch != LEADER_EPOCH:
        return EpochEndOffset(0, asked.partition)
    return EpochEndOffset(0, asked.partition, LEADER_EPOCH, partition.view().log_end_offset)
