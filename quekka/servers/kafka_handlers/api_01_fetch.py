"""Fetch (key 1), versions 4 to 12: record batches as they lie in the log, waited for where there are few.

The wait ends when `min_bytes` can be read at all the positions together, when a position has an error to be
told, after `max_wait_ms`, of which `WAIT_MS_MAX` count, or when the client closes its connection, of which
half is enough: what there is, is answered then. The first partition with records gives at least one whole
batch, however large (KIP-74); the others keep within `partition_max_bytes` and what is left of
`max_bytes`, and are empty when the next batch does not fit. Nothing is cut inside a batch.

CRC-32Cs are not looked at: bytes go out as they lie there, and clients check them. Where a damaged header or
a file that cannot be read hides the batch that was asked for, the partition's error says so, and the broker's
log says where.

A full request names all partitions, and all are in the response; one of several namings counts, the last.
It may begin a fetch session (KIP-227): then requests name only what changes, and responses have only
partitions with records, with an error, or with another high watermark or log start offset than the client was
told before. The partitions with records take turns, so that all get their share of `max_bytes`.

| session id | session epoch | request | response |
|---|---|---|---|
| 0 | 0 | full | a new session's id, or 0 when there is no room for one |
| any | 0 | full; the session that it names is closed | as above |
| any | -1 | full; the session that it names is closed | id 0 |
| a session's | 1, 2, ... as expected | incremental | its id |
| a session's | another | | INVALID_FETCH_SESSION_EPOCH |
| no session's | another | | FETCH_SESSION_ID_NOT_FOUND |

There are no transactions: the last stable offset is the log end offset, `aborted_transactions` is null for
read_uncommitted and empty for read_committed, and for partitions that there are not. There is one leader
epoch: who read last in a later one has read another log, so its offset is out of range of this one.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from quekka.broker.cached_partition import Asked, FindPartition
from quekka.broker.fetch import has_data, sleep_until_data
from quekka.broker.fetch_session import FINAL_EPOCH, INITIAL_EPOCH, FetchSession, Place, next_epoch
from quekka.broker.fetch_session_cache import NO_SESSION_ID, FetchSessionCache
from quekka.broker.partition import Partition
from quekka.deadline import Deadline
from quekka.errors import (
    CorruptMessageError,
    KafkaStorageError,
    OffsetOutOfRangeError,
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
from quekka.servers.kafka_errors import FetchSessionIdNotFoundError, InvalidFetchSessionEpochError
from quekka.servers.kafka_handlers.places import LEADER_EPOCH, find_partition
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
FULL_EPOCHS = (INITIAL_EPOCH, FINAL_EPOCH)
NO_OFFSET = -1

Places = Mapping[Place, FetchPartition]
Position = tuple[str, Asked, Partition | None]
"""A partition of the request: its topic, what was asked, and what was found, None for an error to be told."""


def fetch(session: KafkaSession, request: FetchRequest, _version: int) -> FetchResponse:
    """Raises FetchSessionIdNotFoundError, InvalidFetchSessionEpochError."""
    asked = {(topic.topic, each.partition): each for topic in request.topics for each in topic.partitions}
    if request.session_epoch not in FULL_EPOCHS:
        return _fetch_incrementally(session, request, asked)
    if request.session_id:
        session.broker.fetch_sessions.remove(request.session_id)
    return _fetch_all(session, request, asked)


def _fetch_all(session: KafkaSession, request: FetchRequest, asked: Places) -> FetchResponse:
    request.topics = request.forgotten_topics_data = ()  # what it named twice is not kept while it waits
    find = partial(_find_or_raise, session)
    positions = [(topic, wanted, _find(find, topic, wanted)) for (topic, _), wanted in asked.items()]
    _wait(session, request, positions)
    reader = _Reader(session, request, find)
    answers = [(position[0], reader.read(position)) for position in positions]
    session_id = NO_SESSION_ID
    if request.session_epoch == INITIAL_EPOCH:
        told = [(topic, asked[topic, data.partition_index], data) for topic, data in answers]
        session_id = session.broker.fetch_sessions.open(told)
    return FetchResponse(session_id=session_id, responses=_by_topic(answers))


def _fetch_incrementally(session: KafkaSession, request: FetchRequest, asked: Places) -> FetchResponse:
    """Raises FetchSessionIdNotFoundError, InvalidFetchSessionEpochError."""
    fetch_session = _take_up(session.broker.fetch_sessions, request, asked)
    if fetch_session is None:
        return _fetch_all(session, request, asked)
    request.topics = request.forgotten_topics_data = ()
    epoch = next_epoch(request.session_epoch)
    find = partial(_find_or_raise, session)
    _wait_for_changes(session, request, fetch_session, epoch, find)
    reader = _Reader(session, request, find)
    answers = [
        (cached, reader.read((cached.topic, cached, found)))
        for cached, found in fetch_session.pending(epoch, find)
    ]
    told = fetch_session.settle(epoch, answers)
    if told is None:
        raise _outdated(fetch_session, request)
    return FetchResponse(session_id=fetch_session.id, responses=_by_topic(told))


def _take_up(cache: FetchSessionCache, request: FetchRequest, asked: Places) -> FetchSession | None:
    """The session as it is with what the request adds and forgets; None when no partition is left in it.

    Raises FetchSessionIdNotFoundError, InvalidFetchSessionEpochError.
    """
    forgotten = [(each.topic, index) for each in request.forgotten_topics_data for index in each.partitions]
    fetch_session = cache.get(request.session_id)
    if fetch_session is None:
        raise FetchSessionIdNotFoundError(f"there is no fetch session {request.session_id}")
    if not fetch_session.update(request.session_epoch, asked, forgotten):
        raise _outdated(fetch_session, request)
    if not fetch_session.size:
        cache.remove(fetch_session.id)
        return None
    if not cache.touch(fetch_session):
        raise _outdated(fetch_session, request)
    return fetch_session


def _outdated(fetch_session: FetchSession, request: FetchRequest) -> QuekkaError:
    """Why a session does not serve a request: it is closed, or other requests came before."""
    expected = fetch_session.epoch
    if expected == FINAL_EPOCH:
        return FetchSessionIdNotFoundError(f"fetch session {fetch_session.id} is closed")
    return InvalidFetchSessionEpochError(
        f"fetch session {fetch_session.id}: epoch {request.session_epoch}, {expected} comes next"
    )


def _by_topic(answers: Iterable[tuple[str, PartitionData]]) -> list[FetchableTopicResponse]:
    """Neighbours of the same topic come together."""
    responses: list[FetchableTopicResponse] = []
    last_topic, partitions = None, list[PartitionData]()
    for topic, data in answers:
        if topic != last_topic:
            last_topic, partitions = topic, []
            responses.append(FetchableTopicResponse(topic, partitions))
        partitions.append(data)
    return responses


def _find(find: FindPartition, topic: str, asked: Asked) -> Partition | None:
    try:
        return find(topic, asked)
    except QuekkaError:
        return None


def _find_or_raise(session: KafkaSession, topic: str, asked: Asked) -> Partition:
    """Raises what `find_partition` does, and OffsetOutOfRangeError for an offset in another log."""
    found = find_partition(session, topic, asked.partition, asked.current_leader_epoch)
    if asked.last_fetched_epoch > LEADER_EPOCH:
        raise OffsetOutOfRangeError(
            f"{topic}/{asked.partition}: leader epoch {asked.last_fetched_epoch} was fetched last, "
            f"here it is {LEADER_EPOCH}"
        )
    return found


def _wait(session: KafkaSession, request: FetchRequest, positions: Sequence[Position]) -> None:
    """Wait for data, unless somebody is to be told something at once."""
    if not positions or not _may_wait(request):
        return
    places = [(found, asked.fetch_offset) for _, asked, found in positions if found is not None]
    if len(places) < len(positions):
        return
    min_bytes = min(request.min_bytes, request.max_bytes)
    with suppress(QuekkaError):  # a log that cannot be read: its own partition is told so when it is read
        if not has_data(places, min_bytes):
            deadline = _begin_to_wait(session, request)
            sleep_until_data(session.broker, places, min_bytes, deadline, caller=session.caller())


def _wait_for_changes(
    session: KafkaSession, request: FetchRequest, fetch_session: FetchSession, epoch: int, find: FindPartition
) -> None:
    """Wait for data of a session's partitions, of which others are pending after each change."""
    if not _may_wait(request):
        return
    min_bytes = min(request.min_bytes, request.max_bytes)
    deadline, caller = None, session.caller()
    has_news, changed = fetch_session.has_news, fetch_session.changed
    with suppress(QuekkaError):  # as above
        while (places := fetch_session.positions(epoch, find)) is not None:
            if has_data(places, min_bytes):
                return
            deadline = deadline or _begin_to_wait(session, request)
            if not sleep_until_data(
                session.broker, places, min_bytes, deadline, has_news, caller, changed
            ):
                return


def _may_wait(request: FetchRequest) -> bool:
    return request.max_wait_ms > 0 and request.min_bytes > 0


def _begin_to_wait(session: KafkaSession, request: FetchRequest) -> Deadline:
    """Send what is ready and give back what is not needed meanwhile; how long to wait."""
    session.flush()
    if session.last_fetch_bytes <= SMALL_BYTES:
        session.release()
    return Deadline(min(request.max_wait_ms, WAIT_MS_MAX) / 1000, session.broker.clock)


class _Reader:
    """Reads one partition after the other for one response.

    Threads: the connection's own.
    """

    __slots__ = ("_aborted", "_find", "_is_empty", "_room_bytes", "_session")

    def __init__(self, session: KafkaSession, request: FetchRequest, find: FindPartition) -> None:
        self._session = session
        self._find = find
        self._aborted: tuple[()] | None = () if request.isolation_level == READ_COMMITTED else None
        self._room_bytes = min(request.max_bytes, RESPONSE_BYTES_MAX)
        self._is_empty = True

    def read(self, position: Position) -> PartitionData:
        topic, asked, found = position
        try:
            if found is None:  # looked for again, for its error
                found = self._find(topic, asked)
            return self._read(asked, found)
        except QuekkaError as error:
            if isinstance(error, CorruptMessageError | KafkaStorageError) and found is not None:
                where = f"topic {found.topic_name} partition {found.index} offset {asked.fetch_offset}"
                found.report_damage(asked.fetch_offset, f"{where}: {error.message}")
            number = self._session.error_number(error)
            aborted = () if isinstance(error, UnknownTopicOrPartitionError) else self._aborted
            return PartitionData(asked.partition, number, NO_OFFSET, aborted_transactions=aborted)

    def _read(self, asked: Asked, partition: Partition) -> PartitionData:
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
