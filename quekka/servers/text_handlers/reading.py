"""FETCH, READ and LISTOFFSETS: reading without a group."""

from quekka.broker.fetch import wait_for_data
from quekka.broker.partition import Partition
from quekka.deadline import Deadline
from quekka.protocols.text import replies, request
from quekka.protocols.text.render import MessageRenderer
from quekka.servers.text_handlers.messages import render_messages
from quekka.servers.text_session import TextSession


def fetch(session: TextSession, asked: request.Fetch) -> None:
    partition = _partition(session, asked.topic, asked.partition)
    renderer = MessageRenderer(asked.max_messages, asked.max_bytes)
    deadline = Deadline(asked.timeout_ms / 1000, session.broker.clock)
    offset = render_messages(partition, asked.offset, renderer)
    while not renderer.count and _wait(session, partition, offset, deadline):
        partition = _partition(session, asked.topic, asked.partition)
        offset = render_messages(partition, offset, renderer)
    session.records_out += renderer.count
    session.reply(renderer.reply() if renderer.count else replies.EMPTY)


def read(session: TextSession, asked: request.Read) -> None:
    partition = _partition(session, asked.topic, asked.partition)
    deadline = Deadline(asked.timeout_ms / 1000, session.broker.clock)
    view = partition.view()
    piece = view.read(asked.offset, asked.max_bytes)
    while not piece.size_bytes and _wait(session, partition, view.log_end_offset, deadline):
        partition = _partition(session, asked.topic, asked.partition)
        view = partition.view()
        piece = view.read(asked.offset, asked.max_bytes)
    if not piece.size_bytes:
        session.reply(replies.EMPTY)
        return
    session.flush()
    head = replies.batches(piece.size_bytes, view.log_start_offset, view.log_end_offset)
    session.records_out += piece.next_offset - asked.offset
    session.bytes_out += len(head) + piece.size_bytes
    session.transfer.send(session.peer, head, piece)


def list_offsets(session: TextSession, asked: request.ListOffsets) -> None:
    """The offset of a place. A time after the last record is the log end; an offset is only checked."""
    partition = _partition(session, asked.topic, asked.partition)
    offset = partition.find(asked.where)
    if asked.where.kind == "offset":
        partition.view().read(offset, 1)
    session.reply(replies.ok(offset))


def _partition(session: TextSession, topic: str, index: int) -> Partition:
    return session.broker.topics.get(topic).partition(index)


def _wait(session: TextSession, partition: Partition, offset: int, deadline: Deadline) -> bool:
    """Wait for something to read; False when the time is over."""
    if deadline.expired():
        return False
    session.flush()
    return wait_for_data(session.broker, [(partition, offset)], 1, deadline, caller=session.caller())
