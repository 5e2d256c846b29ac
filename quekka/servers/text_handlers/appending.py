"""APPEND: record batches as they came, checked and handed to the writer without a copy."""

from collections.abc import Sequence
from typing import NamedTuple

from quekka.broker.append_future import AppendFuture
from quekka.broker.broker import BrokerCore
from quekka.broker.partition import Partition
from quekka.deadline import Deadline
from quekka.errors import QuekkaError
from quekka.formats.record_batch import BatchHeader
from quekka.protocols.text import replies
from quekka.protocols.text.connection import AppendRun
from quekka.protocols.text.request import ACKS_NONE, Append, Publish
from quekka.servers.text_session import TextSession
from quekka.storage.batch_validator import validate_batches
from quekka.storage.log_config import LogConfig
from quekka.topic_name import check_writable


def payload_limit(broker: BrokerCore, asked: Publish | Append) -> int:
    """How large a payload may be, before memory is given to it.

    A message becomes a batch of its own at least, so `max.message.bytes` bounds it; an APPEND carries many.
    """
    request_limit = broker.config.socket_request_max_bytes
    if isinstance(asked, Append):
        return request_limit
    topic = broker.topics.find(asked.topic)
    config = LogConfig.from_settings(broker.config.topic_defaults) if topic is None else topic.config
    return min(config.max_message_bytes, request_limit)


class Place(NamedTuple):
    """Where the batches of one request went.

    Threads: the connection's own.
    """

    future: AppendFuture
    """Of the append that they were a part of."""
    offsets_before: int
    """How many offsets the other requests in it take before them."""
    records_count: int


class AppendPromise(NamedTuple):
    """The replies to a run: for each of its requests the place of its batches, or why it was refused.

    Threads: the connection's own.
    """

    run: AppendRun
    outcomes: list[Place | QuekkaError]

    def keep(self, session: TextSession) -> bytes:
        lines = [self._line(session, outcome) for outcome in self.outcomes]
        return b"" if self.run.acks == ACKS_NONE else b"".join(lines)

    def _line(self, session: TextSession, outcome: Place | QuekkaError) -> bytes:
        try:
            if isinstance(outcome, QuekkaError):
                raise outcome
            offset = outcome.future.wait()
        except QuekkaError as error:
            session.errors += 1
            return replies.error(error)
        if outcome.future.duplicate_of is None:
            session.records_in += outcome.records_count
        return replies.ok(offset + outcome.offsets_before, self.run.partition)


class _Collected:
    """Checked requests that will be one append.

    Threads: the connection's own.
    """

    def __init__(self) -> None:
        self.batches: list[memoryview] = []
        self.requests: list[tuple[int, int, int]] = []
        """Of each its place in the run, how many offsets come before it, and how many records it has."""
        self.records_count = 0

    def add(self, index: int, payload: memoryview, headers: list[BatchHeader]) -> None:
        """One more request; what is checked has as many records as it takes offsets."""
        before = self.records_count
        position = 0
        for header in headers:
            end = position + header.size_bytes
            self.batches.append(payload[position:end])
            self.records_count += header.records_count
            position = end
        self.requests.append((index, before, self.records_count - before))


def append(session: TextSession, run: AppendRun) -> None:
    """Check the batches of each request and queue them; the replies are promised.

    Requests that came together are one append. Those of idempotent producers are not: each is a retry, out of
    order or neither by itself. With acks=0 there is nothing to say, but the payloads' memory may not be used
    again before they are written.
    """
    session.requests += len(run.payloads)
    promise = AppendPromise(run, [])
    session.promise(promise)
    try:
        check_writable(run.topic)
        topic = session.broker.topics.get_or_create(run.topic)
        partition = topic.partition(run.partition)
    except QuekkaError as error:
        promise.outcomes.extend([error.without_frames()] * len(run.payloads))
    else:
        _append_all(session, topic.config, partition, promise)


def _append_all(
    session: TextSession, config: LogConfig, partition: Partition, promise: AppendPromise
) -> None:
    collected = _Collected()
    now_ms = session.broker.clock.wall_ms()
    outcomes: dict[int, Place | QuekkaError] = {}
    for index, payload in enumerate(promise.run.payloads):
        try:
            headers = validate_batches(payload, config, now_ms)
        except QuekkaError as error:
            outcomes[index] = error.without_frames()
            continue
        if any([header.producer_id >= 0 for header in headers]):  # noqa: C419 (a generator costs more)
            _queue(session, partition, collected, outcomes)
            collected = _Collected()
            collected.add(index, payload, headers)
            _queue(session, partition, collected, outcomes, headers)
            collected = _Collected()
        else:
            collected.add(index, payload, headers)
    _queue(session, partition, collected, outcomes)
    promise.outcomes.extend(outcomes[index] for index in range(len(promise.run.payloads)))


def _queue(
    session: TextSession,
    partition: Partition,
    collected: _Collected,
    outcomes: dict[int, Place | QuekkaError],
    headers: Sequence[BatchHeader] = (),
) -> None:
    """Append what was collected, and note what became of each request; `headers` where producers count."""
    if not collected.batches:
        return
    broker = session.broker
    deadline = Deadline(broker.config.request_timeout_ms / 1000, broker.clock)
    try:
        future = partition.append(collected.batches, collected.records_count, deadline, headers)
    except QuekkaError as error:
        error.without_frames()
        outcomes.update((index, error) for index, _, _ in collected.requests)
    else:
        outcomes.update((index, Place(future, before, count)) for index, before, count in collected.requests)
