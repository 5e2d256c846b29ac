"""Fetch (key 1), versions 4 to 12: record batches as they lie in the log, waited for where there are few.

The wait ends when `min_bytes` can be read at all the positions together, when a position has an error to be
told, after `max_wait_ms`, of which `WAIT_MS_MAX` count, or when the client closes its connection, of which
half is enough: what there is, is answered then. The first partition with records gives at least one whole
batch, however large (KIP-74); the others keep within `partition_max_bytes` and what is left of
`max_bytes`, and are empty when the next batch does not fit. Nothing is cut inside a batch.

CRC-32Cs are not looked at: bytes go out as they lie there, and clients check them. Where a damaged header or a
file that cannot be read hides the batch that was asked for, the partition's error says so, and the broker's
log says where.

Fetch sessions are declined: every response has session id 0, so clients ask for all partitions each time, and
every partition asked for is in the response. There are no transactions: the last stable offset is the log end
offset, `aborted_transactions` is null for read_uncommitted and empty for read_committed.
"""

from contextlib import suppress
from typing import NamedTuple

from quekka.broker.fetch import wait_for_data
from quekka.broker.partition import Partition
from quekka.deadline import Deadline
from quekka.errors import (
    CorruptMessageError,
    KafkaStorageError,
    QuekkaError,
    UnknownTopicOrPartitionError,
)
from quekka.protocols.kafka.api_01_fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from quekka.servers.kafka_errors import FetchSessionIdNotFoundError
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import KafkaSession
from quekka.storage.log_slice import EMPTY_SLICE, LogSlice

RESPONSE_BYTES_MAX = 55 * 1024 * 1024
"""As Kafka's fetch.max.bytes."""
WAIT_MS_MAX = 300_000
"""A client that lost its network without a word is noticed only after the wait."""
SMALL_BYTES = 64 * 1024
"""After a response up to this size, the memory for large ones is given back before the next wait: whoever has
read all there is, is not to keep it for the little that comes now and then."""
READ_COMMITTED = 1
NO_OFFSET = -1


class Position(NamedTuple):
    """A partition of the request: what was asked and what was found.

    Threads: the connection's own.
    """

    asked: FetchPartition
    found: Partition | QuekkaError


def fetch(session: KafkaSession, request: FetchRequest, _version: int) -> FetchResponse:
    """Raises FetchSessionIdNotFoundError."""
    if request.session_id:
        raise FetchSessionIdNotFoundError(f"fetch session {request.session_id}: sessions are not served")
    topics = [
        (topic.topic, [_find(session, topic.topic, asked) for asked in topic.partitions])
        for topic in request.topics
    ]
    _wait(session, request, [position for _, positions in topics for position in positions])
    reader = _Reader(session, request)
    return FetchResponse(
        responses=[
            FetchableTopicResponse(name, [reader.read(position) for position in positions])
            for name, positions in topics
        ]
    )


def _find(session: KafkaSession, topic: str, asked: FetchPartition) -> Position:
    try:
        return Position(asked, find_partition(session, topic, asked.partition, asked.current_leader_epoch))
    except QuekkaError as error:
        return Position(asked, error.without_frames())


def _wait(session: KafkaSession, request: FetchRequest, positions: list[Position]) -> None:
    """Wait for data, unless somebody is to be told something at once."""
    if request.max_wait_ms <= 0 or request.min_bytes <= 0:
        return
    places = [(found, asked.fetch_offset) for asked, found in positions if isinstance(found, Partition)]
    if not places or len(places) < len(positions):
        return
    session.flush()
    if session.last_fetch_bytes <= SMALL_BYTES:
        session.release()
    min_bytes = min(request.min_bytes, request.max_bytes)
    deadline = Deadline(min(request.max_wait_ms, WAIT_MS_MAX) / 1000, session.broker.clock)
    with suppress(QuekkaError):  # a log that cannot be read: its own partition is told so when it is read
        wait_for_data(session.broker, places, min_bytes, deadline, caller=session.caller())


class _Reader:
    """Reads one partition after the other for one response.

    Threads: the connection's own.
    """

    __slots__ = ("_aborted", "_is_empty", "_room_bytes", "_session")

    def __init__(self, session: KafkaSession, request: FetchRequest) -> None:
        self._session = session
        self._aborted: tuple[()] | None = () if request.isolation_level == READ_COMMITTED else None
        self._room_bytes = min(request.max_bytes, RESPONSE_BYTES_MAX)
        self._is_empty = True

    def read(self, position: Position) -> PartitionData:
        asked, found = position
        try:
            if isinstance(found, QuekkaError):
                raise found
            return self._read(asked, found)
        except QuekkaError as error:
            if isinstance(error, CorruptMessageError | KafkaStorageError) and isinstance(found, Partition):
                where = f"topic {found.topic_name} partition {found.index} offset {asked.fetch_offset}"
                found.report_damage(asked.fetch_offset, f"{where}: {error.message}")
            number = self._session.error_number(error)
            return PartitionData(asked.partition, number, NO_OFFSET, aborted_transactions=self._aborted)

    def _read(self, asked: FetchPartition, partition: Partition) -> PartitionData:
        if partition.is_gone:
            raise UnknownTopicOrPartitionError(f"topic {partition.topic_name} was deleted")
        view = partition.view()
        limit_bytes = max(0, min(asked.partition_max_bytes, self._room_bytes))
        records = view.read(asked.fetch_offset, limit_bytes)
        if records.size_bytes > limit_bytes and not self._is_empty:
            records = EMPTY_SLICE
        if records.size_bytes:
            self._session.records_out += records.next_offset - asked.fetch_offset
            self._is_empty = False
            self._room_bytes -= records.size_bytes
        return self._data(asked.partition, view.log_start_offset, view.log_end_offset, records)

    def _data(
        self, index: int, log_start_offset: int, log_end_offset: int, records: LogSlice
    ) -> PartitionData:
        return PartitionData(
            partition_index=index,
            high_watermark=log_end_offset,
            last_stable_offset=log_end_offset,
            log_start_offset=log_start_offset,
            aborted_transactions=self._aborted,
            records=records,
        )
