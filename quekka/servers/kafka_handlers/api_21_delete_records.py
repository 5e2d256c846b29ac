"""DeleteRecords (key 21), versions 0 to 2: let go of all records before an offset; -1 means of all there are.

The low watermark of the response is the new log start offset: records are hidden at once, files go with
their whole segments. Only topics whose cleanup.policy has
`delete` can lose records this way, as in Kafka; compacted ones answer POLICY_VIOLATION.
"""

from quekka.deadline import Deadline
from quekka.errors import OffsetOutOfRangeError, PolicyViolationError, QuekkaError
from quekka.protocols.kafka.api_21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import KafkaSession
from quekka.topic_name import check_writable

NO_OFFSET = -1
LOG_END = -1


def delete_records(
    session: KafkaSession, request: DeleteRecordsRequest, _version: int
) -> DeleteRecordsResponse:
    deadline = Deadline(max(0, request.timeout_ms) / 1000, session.broker.clock)
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(
                topic.name, [_delete(session, topic.name, asked, deadline) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _delete(
    session: KafkaSession, topic: str, asked: DeleteRecordsPartition, deadline: Deadline
) -> DeleteRecordsPartitionResult:
    index = asked.partition_index
    try:
        partition = find_partition(session, check_writable(topic), index)
        if not partition.log.config.cleanup_delete:
            raise PolicyViolationError(f"topic {topic} is compacted: cleanup.policy has no delete")
        if asked.offset < LOG_END:
            raise OffsetOutOfRangeError(f"{topic}/{index}: there is no offset {asked.offset}")
        low_watermark = partition.delete_records(asked.offset, deadline)
    except QuekkaError as error:
        return DeleteRecordsPartitionResult(index, NO_OFFSET, session.error_number(error))
    return DeleteRecordsPartitionResult(index, low_watermark)
