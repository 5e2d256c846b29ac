"""What a consumer asks on its control connection: its share of the partitions, and offsets.

In a group the connection is the member: SUBSCRIBE makes it one and answers its share of the topic's
partitions, and SUBSCRIBE again answers the present share, which changes when members come and go. A
connection that broke has left the group, and the next one joins again. Without a group the share is all
partitions.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from quekka.client.connection import Connection
from quekka.client.descriptions import group_description
from quekka.client.reply import Reply
from quekka.client.request import request_line
from quekka.client.topic_partition import TopicPartition
from quekka.errors import InvalidGroupIdError, QuekkaError, UnknownTopicOrPartitionError
from quekka.offset_spec import OffsetSpec

Positions = dict[TopicPartition, int]


class Membership:
    """The control connection of one consumer, with or without a group.

    Threads: one at a time, the consumer's.
    """

    def __init__(self, connection: Connection, group_id: str | None, start: OffsetSpec) -> None:
        """`start` is where a group begins that has committed nothing."""
        self.connection = connection
        self._group_id = group_id
        self._start = start
        self._joined: set[str] = set()
        self.unknown_topics: set[str] = set()
        """Of those last asked for."""

    @property
    def group_id(self) -> str:
        """Raises InvalidGroupIdError for a consumer without a group."""
        if self._group_id is None:
            raise InvalidGroupIdError("the consumer has no group_id, so it has no committed offsets")
        return self._group_id

    @property
    def has_group(self) -> bool:
        return self._group_id is not None

    def share(self, topics: Collection[str]) -> set[TopicPartition]:
        """This member's partitions of `topics`; a topic that does not exist has none. Leaves other topics."""
        self._leave(self._joined - set(topics))
        if self._group_id is None:
            requests = [request_line("INFO", topic) for topic in topics]
        else:
            options = {"from": str(self._start)}
            requests = [request_line("SUBSCRIBE", topic, self._group_id, options=options) for topic in topics]
        self._joined.update(topics)
        self.unknown_topics = set()
        found: set[TopicPartition] = set()
        for topic, reply in zip(topics, self._ask(requests), strict=True):
            if isinstance(reply.error, UnknownTopicOrPartitionError):
                self.unknown_topics.add(topic)
            else:
                found.update(TopicPartition(topic, partition) for partition in self._partitions(reply))
        return found

    def leave(self) -> None:
        """Leave the group."""
        self._leave(self._joined)

    def committed(self, topics: Iterable[str]) -> Positions:
        """What the group has committed in `topics`; partitions without a commit are left out."""
        requests = [request_line("GROUP", self.group_id, topic) for topic in topics]
        return {
            TopicPartition(lag.topic, lag.partition): lag.committed
            for reply in self._ask(requests)
            if not isinstance(reply.error, UnknownTopicOrPartitionError)
            for lag in group_description(_checked(reply).fields()).partitions
            if lag.committed is not None
        }

    def commit(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, QuekkaError]:
        """Commit all; answers the partitions that were refused, each with why."""
        requests = [
            request_line("COMMIT", topic, self.group_id, offset, options={"partition": partition})
            for (topic, partition), offset in offsets.items()
        ]
        replies = zip(offsets, self._ask(requests), strict=True)
        return {partition: reply.error for partition, reply in replies if reply.error is not None}

    def offsets(self, wanted: Mapping[TopicPartition, OffsetSpec]) -> Positions:
        """The offsets that `earliest`, `latest` or a time mean now in each partition."""
        requests = [
            request_line("LISTOFFSETS", topic, partition, str(where))
            for (topic, partition), where in wanted.items()
        ]
        replies = zip(wanted, self._ask(requests), strict=True)
        return {partition: _checked(reply).integer() for partition, reply in replies}

    def _leave(self, topics: Iterable[str]) -> None:
        """A connection that is closed is no member of anything."""
        if self._group_id is not None and self.connection.is_open:
            self._ask([request_line("UNSUBSCRIBE", topic, self._group_id) for topic in topics])
        self._joined = self._joined.difference(topics)

    def _partitions(self, reply: Reply) -> Iterable[int]:
        if self._group_id is None:
            return range(_checked(reply).fields().integer("partitions"))
        return [int(word) for word in _checked(reply).words()]

    def _ask(self, requests: Sequence[bytes]) -> list[Reply]:
        """Send all at once and read all replies; raises NetworkError, RequestTimedOutError."""
        if not requests:
            return []
        self.connection.send(b"".join(requests))
        return [self.connection.receive() for _ in requests]


def _checked(reply: Reply) -> Reply:
    """`reply` itself; raises the error that it is."""
    if reply.error is not None:
        raise reply.error
    return reply
