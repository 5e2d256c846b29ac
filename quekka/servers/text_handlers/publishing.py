"""PUBLISH: a run of messages becomes one batch for each partition it concerns, and one piece of replies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from quekka.broker.append_future import AppendFuture
from quekka.broker.topic import Topic
from quekka.deadline import Deadline
from quekka.errors import QuekkaError, UnknownTopicOrPartitionError
from quekka.formats.murmur2 import partition_for_key
from quekka.protocols.text import replies
from quekka.protocols.text.connection import PublishRun
from quekka.protocols.text.request import ACKS_NONE
from quekka.servers.batch_maker import BatchMaker, Indexes
from quekka.servers.text_session import TextSession
from quekka.topic_name import check_writable


@dataclass(slots=True)
class PublishPromise:
    """The replies to a run, which the writers of its batches have in their queues.

    Threads: the connection's own.
    """

    run: PublishRun
    refused: dict[int, QuekkaError] = field(default_factory=dict)
    appended: list[tuple[AppendFuture, int, Indexes]] = field(default_factory=list)
    """What to wait for, the partition, and the messages whose offsets begin with the result."""

    def keep(self, session: TextSession) -> bytes:
        count = len(self.run.requests)
        if len(self.appended) == 1 and not self.refused:
            future, partition, _ = self.appended[0]
            try:
                offset = future.wait()
            except QuekkaError as error:
                session.errors += count
                return replies.error(error) * count
            session.records_in += count
            return replies.published_in_a_row(offset, partition, count)
        return b"".join(self._lines(session, count))

    def _lines(self, session: TextSession, count: int) -> list[bytes]:
        lines = [b""] * count
        for future, partition, indexes in self.appended:
            try:
                offset = future.wait()
            except QuekkaError as error:
                self.refused.update(dict.fromkeys(indexes, error.without_frames()))
            else:
                session.records_in += len(indexes)
                own = replies.published(offset, partition, len(indexes))
                for index, line in zip(indexes, own, strict=True):
                    lines[index] = line
        for index, reason in self.refused.items():
            lines[index] = replies.error(reason)
        session.errors += len(self.refused)
        return lines


def publish(session: TextSession, run: PublishRun) -> None:
    """Queue the run's batches; the replies are promised, or, with acks=0, never given."""
    session.requests += len(run.requests)
    promise = PublishPromise(run)
    try:
        check_writable(run.topic)
        topic = session.broker.topics.get_or_create(run.topic)
    except QuekkaError as error:
        promise.refused.update(dict.fromkeys(range(len(run.requests)), error.without_frames()))
    else:
        _append_run(session, topic, promise)
    if run.acks == ACKS_NONE:
        session.records_in += len(run.requests) - len(promise.refused)
        session.errors += len(promise.refused)
    else:
        session.promise(promise)


def _append_run(session: TextSession, topic: Topic, promise: PublishPromise) -> None:
    broker = session.broker
    maker = BatchMaker(promise.run, topic.config, broker.clock.wall_ms())
    for number, indexes in _share_out(topic, promise, maker.is_uniform).items():
        batches, accepted = maker.make(indexes, promise.refused)
        if not batches:
            continue
        deadline = Deadline(broker.config.request_timeout_ms / 1000, broker.clock)
        try:
            future = topic.partition(number).append(batches, len(accepted), deadline)
        except QuekkaError as error:
            promise.refused.update(dict.fromkeys(accepted, error.without_frames()))
        else:
            promise.appended.append((future, number, accepted))


def _share_out(topic: Topic, promise: PublishPromise, is_uniform: bool) -> Mapping[int, Indexes]:
    """Which partition each message goes to: the one it names, or its key's, or the one whose turn it is."""
    requests = promise.run.requests
    partitions = len(topic.partitions)
    if is_uniform and partitions == 1 and requests[0].partition is None:
        return {0: range(len(requests))}
    shares: dict[int, list[int]] = {}
    for index, asked in enumerate(requests):
        if asked.partition is not None:
            number = asked.partition
        elif asked.key is not None:
            number = partition_for_key(asked.key, partitions)
        else:
            number = topic.next_partition()
        shares.setdefault(number, []).append(index)
    for number in [number for number in shares if number >= partitions]:
        error = UnknownTopicOrPartitionError(f"topic {topic.name} has {partitions} partitions, no {number}")
        promise.refused.update(dict.fromkeys(shares.pop(number), error))
    return shares
