"""APPEND: record batches as they came, checked and handed to the writer without a copy."""

from typing import NamedTuple

from quekka.broker.append_future import AppendFuture
from quekka.broker.broker import BrokerCore
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


class AppendPromise(NamedTuple):
    """The replies to a run: for each of its requests the writer's answer to come, or why it was refused.

    Threads: the connection's own.
    """

    run: AppendRun
    outcomes: list[tuple[AppendFuture, int] | QuekkaError]
    """The number is that of the records."""

    def keep(self, session: TextSession) -> bytes:
        lines = [self._line(session, outcome) for outcome in self.outcomes]
        return b"" if self.run.acks == ACKS_NONE else b"".join(lines)

    def _line(self, session: TextSession, outcome: tuple[AppendFuture, int] | QuekkaError) -> bytes:
        try:
            if isinstance(outcome, QuekkaError):
                raise outcome
            future, records_count = outcome
            offset = future.wait()
        except QuekkaError as error:
            session.errors += 1
            return replies.error(error)
        if future.duplicate_of is None:
            session.records_in += records_count
        return replies.ok(offset, self.run.partition)


def append(session: TextSession, run: AppendRun) -> None:
    """Check the batches of each request and queue them; the replies are promised.

    With acks=0 there is nothing to say, but the payloads' memory may not be used again before they are
    written.
    """
    session.requests += len(run.payloads)
    outcomes: list[tuple[AppendFuture, int] | QuekkaError] = []
    for payload in run.payloads:
        try:
            outcomes.append(_append(session, run, payload))
        except QuekkaError as error:
            outcomes.append(error.without_frames())
    session.promise(AppendPromise(run, outcomes))


def _append(session: TextSession, run: AppendRun, payload: memoryview) -> tuple[AppendFuture, int]:
    broker = session.broker
    check_writable(run.topic)
    topic = broker.topics.get_or_create(run.topic)
    partition = topic.partition(run.partition)
    headers = validate_batches(payload, topic.config, broker.clock.wall_ms())
    records_count = sum(header.records_count for header in headers)
    deadline = Deadline(broker.config.request_timeout_ms / 1000, broker.clock)
    future = partition.append(_split(payload, headers), records_count, deadline, headers)
    return future, records_count


def _split(payload: memoryview, headers: list[BatchHeader]) -> list[memoryview]:
    """The batches one by one."""
    batches = []
    position = 0
    for header in headers:
        batches.append(payload[position : position + header.size_bytes])
        position += header.size_bytes
    return batches
