"""APPEND: record batches as they came, checked and handed to the writer without a copy."""

from dataclasses import dataclass

from quekka.broker.broker import BrokerCore
from quekka.broker.commands import AppendFuture
from quekka.deadline import Deadline
from quekka.errors import QuekkaError
from quekka.protocols.text import replies
from quekka.protocols.text.connection import AppendBatches
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


def append_batches(session: TextSession, asked: AppendBatches) -> None:
    """Check the batches and queue them; the reply is promised."""
    request = asked.request
    session.requests += 1
    try:
        promise = _append(session, asked)
    except QuekkaError as error:
        if request.acks == ACKS_NONE:
            session.errors += 1
        else:
            session.reply_error(error)
        return
    if request.acks != ACKS_NONE:
        session.promise(promise)


def _append(session: TextSession, asked: AppendBatches) -> "AppendPromise":
    broker = session.broker
    request, payload = asked
    check_writable(request.topic)
    topic = broker.topics.get_or_create(request.topic)
    partition = topic.partition(request.partition)
    if request.acks == ACKS_NONE:
        payload = memoryview(bytearray(payload))  # nobody waits, so the memory is reused before it is written
    headers = validate_batches(payload, topic.config, broker.clock.wall_ms())
    batches = []
    position = 0
    for header in headers:
        batches.append(payload[position : position + header.size_bytes])
        position += header.size_bytes
    records_count = sum(header.records_count for header in headers)
    deadline = Deadline(broker.config.request_timeout_ms / 1000, broker.clock)
    future = partition.append(batches, records_count, deadline)
    session.records_in += records_count
    return AppendPromise(future, request.partition)


@dataclass(frozen=True, slots=True)
class AppendPromise:
    """The reply to an APPEND that the writer has in its queue.

    Threads: the connection's own.
    """

    future: AppendFuture
    partition: int

    def keep(self, session: TextSession) -> bytes:
        try:
            return replies.ok(self.future.wait(), self.partition)
        except QuekkaError as error:
            session.errors += 1
            return replies.error(error)
