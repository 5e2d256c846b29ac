"""Produce (key 0), versions 3 to 11: record batches as they came, checked and handed to the writers.

All partitions of a request are queued before any is waited for, and the response is promised, so the requests
behind this one are queued too. Where queues are full, `request.timeout.ms` counts for all together.
`acks` 1 and -1 are the same with one replica. With `acks` 0 there is no response; an error then closes the
connection, as in Kafka. Versions 0 to 2 are answered by `protocols/kafka/connection.py`.

Each partition has exactly one whole batch of magic 2; anything else is INVALID_RECORD, also what is cut, for
CORRUPT_MESSAGE would have clients send the same bytes again. The topic must exist: Metadata makes topics,
Produce does not. What else is checked is `storage/batch_validator.py`'s. A retry of an idempotent producer is
answered as the first try was (`storage/producer_state.py`), with its timestamp as the time of the append.
Transactions are refused.
"""

import struct

from quekka.broker.append_future import AppendFuture
from quekka.broker.partition import Partition
from quekka.deadline import Deadline
from quekka.errors import (
    InvalidRecordError,
    InvalidRequiredAcksError,
    InvalidTopicError,
    QuekkaError,
    UnsupportedCompressionTypeError,
)
from quekka.formats.compression import ZSTD
from quekka.formats.record_batch import LOG_OVERHEAD_BYTES, BatchHeader
from quekka.protocols.kafka.api_00_produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from quekka.servers.kafka_errors import TransactionalIdAuthorizationFailedError
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import HangUpError, KafkaSession, Promise
from quekka.storage.batch_validator import RecordsWithoutKeyError, validate_batches
from quekka.topic_name import is_internal

ACKS_NONE = 0
ACKS = (-1, ACKS_NONE, 1)
ZSTD_FROM = 7
MAGIC = 2
_MAGIC_AT = 16
_BATCH_LENGTH = struct.Struct(">i")
_BATCH_LENGTH_AT = 8
NO_OFFSET = -1
NO_TIMESTAMP = -1


class AppendedBatch:
    """A batch that the writer has in its queue.

    Threads: the connection's own.
    """

    __slots__ = ("_future", "_header", "_partition")

    def __init__(self, partition: Partition, header: BatchHeader, future: AppendFuture) -> None:
        self._partition = partition
        self._header = header
        self._future = future

    def response(self, session: KafkaSession) -> PartitionProduceResponse:
        """Wait for the writer; raises what the append did."""
        base_offset = self._future.wait()
        original = self._future.duplicate_of
        if original is None:
            session.records_in += self._header.records_count
        timestamp_ms = self._header.max_timestamp_ms if original is None else original.timestamp_ms
        return PartitionProduceResponse(
            self._partition.index,
            0,
            base_offset,
            timestamp_ms if self._header.is_log_append_time or original is not None else NO_TIMESTAMP,
            self._partition.view().log_start_offset,
        )


class ProducePromise(Promise):
    """The response to a request whose batches are in the queues of their writers.

    Threads: the connection's own.
    """

    __slots__ = ("_acks", "_topics")

    def __init__(
        self, acks: int, topics: list[tuple[str, list[tuple[int, AppendedBatch | QuekkaError]]]]
    ) -> None:
        self._acks = acks
        self._topics = topics

    def keep(self, session: KafkaSession) -> ProduceResponse | None:
        responses = [
            TopicProduceResponse(name, [self._keep_one(session, *outcome) for outcome in partitions])
            for name, partitions in self._topics
        ]
        return None if self._acks == ACKS_NONE else ProduceResponse(responses)

    def _keep_one(
        self, session: KafkaSession, index: int, outcome: AppendedBatch | QuekkaError
    ) -> PartitionProduceResponse:
        try:
            if isinstance(outcome, AppendedBatch):
                return outcome.response(session)
            error = outcome
        except QuekkaError as failure:
            error = failure.without_frames()
        if self._acks == ACKS_NONE:
            raise HangUpError(f"produce with acks=0 refused: {error.code} {error.message}")
        if isinstance(error, UnsupportedCompressionTypeError):
            session.refuse(f"a batch was not taken: {error.message}")
        return refused(session, index, error)


def produce(session: KafkaSession, request: ProduceRequest, version: int) -> ProducePromise:
    check = _check_request(request)
    deadline = Deadline(session.broker.config.request_timeout_ms / 1000, session.broker.clock)
    topics: list[tuple[str, list[tuple[int, AppendedBatch | QuekkaError]]]] = []
    for topic in request.topic_data:
        outcomes: list[tuple[int, AppendedBatch | QuekkaError]] = []
        for data in topic.partition_data:
            try:
                if check is not None:
                    raise check
                outcomes.append((data.index, _append(session, topic.name, data, version, deadline)))
            except QuekkaError as error:
                outcomes.append((data.index, error.without_frames()))
        topics.append((topic.name, outcomes))
    return ProducePromise(request.acks, topics)


def _check_request(request: ProduceRequest) -> QuekkaError | None:
    """What is wrong with all partitions of the request."""
    if request.acks not in ACKS:
        return InvalidRequiredAcksError(f"acks={request.acks}, it is one of -1, 0 and 1")
    if request.transactional_id is not None:
        return TransactionalIdAuthorizationFailedError("transactions are not served")
    return None


def _append(
    session: KafkaSession, topic: str, data: PartitionProduceData, version: int, deadline: Deadline
) -> AppendedBatch:
    if is_internal(topic):
        raise InvalidTopicError(f"{topic} is the broker's own topic: it can be read, not written")
    partition = find_partition(session, topic, data.index)
    records = _whole_batch(data.records)
    headers = validate_batches(records, partition.log.config, session.broker.clock.wall_ms())
    if len(headers) != 1:
        raise InvalidRecordError(f"{len(headers)} batches for one partition, it must be one")
    header = headers[0]
    if header.is_transactional:
        raise TransactionalIdAuthorizationFailedError("transactions are not served")
    if header.codec == ZSTD and version < ZSTD_FROM:
        raise UnsupportedCompressionTypeError(f"zstd needs Produce version {ZSTD_FROM}, this is {version}")
    future = partition.append((records,), header.records_count, deadline, headers)
    return AppendedBatch(partition, header, future)


def _whole_batch(records: memoryview | None) -> memoryview:
    """`records` themselves; raises InvalidRecordError where no batch of magic 2 is there to its end."""
    if not records:
        raise InvalidRecordError("no record batch")
    if len(records) <= _MAGIC_AT:
        raise InvalidRecordError(f"{len(records)} bytes are no record batch")
    (length,) = _BATCH_LENGTH.unpack_from(records, _BATCH_LENGTH_AT)
    if length + LOG_OVERHEAD_BYTES > len(records):
        raise InvalidRecordError(f"a batch of {length + LOG_OVERHEAD_BYTES} bytes, {len(records)} are there")
    if records[_MAGIC_AT] != MAGIC:
        raise InvalidRecordError(f"records of magic {records[_MAGIC_AT]}, only {MAGIC} is served")
    return records


def refused(session: KafkaSession, index: int, error: QuekkaError) -> PartitionProduceResponse:
    """The response for a partition whose batch was not appended."""
    indexes = error.indexes if isinstance(error, RecordsWithoutKeyError) else ()
    return PartitionProduceResponse(
        index,
        session.error_number(error),
        base_offset=NO_OFFSET,
        record_errors=[BatchIndexAndErrorMessage(index, error.message) for index in indexes],
        error_message=error.message,
    )
