"""APPEND: record batches as they came, checked and handed to the writer without a copy."""

from dataclasses import dataclass, field

from quekka.broker.broker import BrokerCore
from quekka.broker.append_future import AppendFuture
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


@dataclass(slots=True)
class AppendPromise:
    """The replies to a run, which the writer has in its queue.

    Threads: the connection's own.
    """

    run: AppendRun
    refused: dict[int, QuekkaError] = field(default_factory=dict)
    """Errors by the place of the request in the run."""
    accepted: list[tuple[int, int]] = field(default_factory=list)
    """Places of the other requests, and how many records come before theirs."""
    future: AppendFuture | None = None

    def keep(self, session: TextSession) -> bytes:
        lines: dict[int, bytes] = {}
        if self.future is not None:
            try:
                offset = self.future.wait()
            except QuekkaError as error:
                self.refused.update((index, error) for index, _ in self.accepted)
            else:
                for index, records_before in self.accepted:
                    lines[index] = replies.ok(offset + records_before, self.run.partition)
        session.errors += len(self.refused)
        if self.run.acks == ACKS_NONE:
            return b""
        lines.update((index, replies.error(error)) for index, error in self.refused.items())
        return b"".join(lines[index] for index in range(len(self.run.payloads)))


def append(session: TextSession, run: AppendRun) -> None:
    """Check the run's batches and queue them together; the replies are promised.

    With acks=0 there is nothing to say, but the payloads' memory may not be used again before they are
    written.
    """
    session.requests += len(run.payloads)
    promise = AppendPromise(run)
    try:
        _append_run(session, promise)
    except QuekkaError as error:
        promise.refused.update(dict.fromkeys(range(len(run.payloads)), error))
    session.promise(promise)


def _append_run(session: TextSession, promise: AppendPromise) -> None:
    broker, run = session.broker, promise.run
    check_writable(run.topic)
    topic = broker.topics.get_or_create(run.topic)
    partition = topic.partition(run.partition)
    batches: list[memoryview] = []
    records_count = 0
    for index, payload in enumerate(run.payloads):
        try:
            headers = validate_batches(payload, topic.config, broker.clock.wall_ms())
        except QuekkaError as error:
            promise.refused[index] = error
            continue
        promise.accepted.append((index, records_count))
        batches += _split(payload, headers)
        records_count += sum(header.records_count for header in headers)
    if batches:
        deadline = Deadline(broker.config.request_timeout_ms / 1000, broker.clock)
        promise.future = partition.append(batches, records_count, deadline)
        session.records_in += records_count


def _split(payload: memoryview, headers: list[BatchHeader]) -> list[memoryview]:
    """The batches one by one."""
    batches = []
    position = 0
    for header in headers:
        batches.append(payload[position : position + header.size_bytes])
        position += header.size_bytes
    return batches
