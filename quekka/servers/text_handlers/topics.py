"""CREATE, DELETE, TOPICS, INFO, CONFIG, DELETERECORDS."""

from collections.abc import Iterator

from quekka.broker.partition import Partition
from quekka.broker.topic import Topic
from quekka.deadline import Deadline
from quekka.errors import InvalidPartitionsError
from quekka.protocols.text import replies, request
from quekka.servers.text_session import TextSession
from quekka.topic_name import check_writable


def create(session: TextSession, asked: request.Create) -> None:
    topic = session.broker.topics.create(asked.topic, asked.partitions, asked.settings)
    session.reply(replies.ok(topic.name))


def delete(session: TextSession, asked: request.Delete) -> None:
    check_writable(asked.topic)
    session.broker.topics.delete(asked.topic)
    session.reply(replies.ok(asked.topic))


def list_topics(session: TextSession, _asked: request.Topics) -> None:
    session.reply(replies.ok(*session.broker.topics.names()))


def info(session: TextSession, asked: request.Info) -> None:
    topic = session.broker.topics.get(asked.topic)
    if asked.partition is None:
        session.reply(replies.ok_values(_topic_values(topic)))
    else:
        session.reply(replies.ok_values(_partition_values(topic.partition(asked.partition))))


def config(session: TextSession, asked: request.Config) -> None:
    """Show settings, after changing those given. Nothing is changed where one of the settings cannot be."""
    topics = session.broker.topics
    if asked.settings or asked.partitions is not None:
        check_writable(asked.topic)
    present = len(topics.get(asked.topic).partitions)
    if asked.partitions is not None and asked.partitions <= present:
        raise InvalidPartitionsError(
            f"topic {asked.topic} has {present} partitions: {asked.partitions} is not more"
        )
    if asked.settings:
        topics.alter(asked.topic, asked.settings)
    if asked.partitions is not None:
        topics.create_partitions(asked.topic, asked.partitions)
    session.reply(replies.ok_values(topics.get(asked.topic).settings().items()))


def delete_records(session: TextSession, asked: request.DeleteRecords) -> None:
    check_writable(asked.topic)
    broker = session.broker
    partition = broker.topics.get(asked.topic).partition(asked.partition)
    deadline = Deadline(broker.config.request_timeout_ms / 1000, broker.clock)
    session.reply(replies.ok(partition.delete_records(asked.before_offset, deadline)))


def _topic_values(topic: Topic) -> Iterator[tuple[str, object]]:
    views = [partition.view() for partition in topic.partitions]
    yield "topic", topic.name
    yield "topic_id", topic.topic_id
    yield "partitions", len(views)
    yield "internal", topic.is_internal
    yield "size_bytes", sum(view.size_bytes for view in views)
    yield "segments", sum(len(view.segments) for view in views)
    for index, view in enumerate(views):
        yield f"{index}.log_start_offset", view.log_start_offset
        yield f"{index}.log_end_offset", view.log_end_offset
        yield f"{index}.size_bytes", view.size_bytes
        yield f"{index}.segments", len(view.segments)


def _partition_values(partition: Partition) -> Iterator[tuple[str, object]]:
    view = partition.view()
    yield "topic", partition.topic_name
    yield "partition", partition.index
    yield "log_start_offset", view.log_start_offset
    yield "log_end_offset", view.log_end_offset
    yield "size_bytes", view.size_bytes
    yield "segments", len(view.segments)
    yield "recovery_point", partition.log.recovery_point
    yield "max_timestamp", view.max_timestamp_ms
