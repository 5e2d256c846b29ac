"""Create, describe, change and delete topics and groups."""

from collections.abc import Mapping, Sequence
from types import TracebackType

from quekka.client.addresses import parse_addresses
from quekka.client.checks import at_least
from quekka.client.connection import Connection
from quekka.client.connection_pool import ConnectionPool
from quekka.client.descriptions import (
    GroupDescription,
    TopicDescription,
    group_description,
    topic_description,
)
from quekka.client.reply import Reply
from quekka.client.request import Word
from quekka.client.topic_partition import TopicPartition
from quekka.clock import SYSTEM_CLOCK, Clock
from quekka.errors import NonEmptyGroupError
from quekka.offset_spec import OffsetSpec

DEFAULT_SERVERS = "127.0.0.1:9999"


class Admin:
    """A client that manages what producers and consumers use.

        with Admin("localhost:9999") as admin:
            admin.create_topic("logs", partitions=3, configs={"retention.ms": "60000"})
            for partition in admin.describe_topic("logs").partitions:
                print(partition.partition, partition.log_start_offset, partition.log_end_offset)

    Every method is one request, or a few, and raises what the broker refused as a class of quekka.errors,
    NetworkError where the broker cannot be reached, RequestTimedOutError where it is silent for
    `request_timeout_ms`. Nothing is tried a second time.

    Threads: any, at the same time.
    """

    def __init__(
        self,
        servers: str | Sequence[str] = DEFAULT_SERVERS,
        *,
        request_timeout_ms: float = 30_000,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`servers`: `host:port`, or several of which the first that answers is used."""
        at_least(1, request_timeout_ms=request_timeout_ms)
        addresses = parse_addresses(servers)
        self._pool = ConnectionPool(
            lambda: Connection(addresses, timeout_s=request_timeout_ms / 1000, clock=clock)
        )

    def __enter__(self) -> "Admin":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a later request opens one for itself."""
        self._pool.close()

    def ping(self) -> None:
        """Ask the broker for a sign of life."""
        self._request("PING")

    def stats(self) -> dict[str, int | float | str]:
        """The broker's counters and facts by name (quekka-protocol(7), STATS)."""
        return {name: _number_or_text(value) for name, value in self._request("STATS").fields().items()}

    def create_topic(
        self, name: str, *, partitions: int | None = None, configs: Mapping[str, str] | None = None
    ) -> None:
        """Create a topic, with the broker's `num.partitions` and its defaults for what is not given.

        Raises TopicAlreadyExistsError, InvalidTopicError, InvalidPartitionsError or InvalidConfigError.
        """
        options: dict[str, Word] = dict(configs or {})
        if partitions is not None:
            options["partitions"] = partitions
        self._request("CREATE", name, options=options)

    def delete_topic(self, name: str) -> None:
        """Delete a topic with all its records; raises UnknownTopicOrPartitionError."""
        self._request("DELETE", name)

    def list_topics(self) -> list[str]:
        """The topics' names, sorted, without the broker's own (`__...`)."""
        return self._request("TOPICS").words()

    def describe_topic(self, name: str) -> TopicDescription:
        """Partitions, offsets and sizes; raises UnknownTopicOrPartitionError."""
        return topic_description(self._request("INFO", name).fields())

    def topic_configs(self, name: str) -> dict[str, str]:
        """The topic's settings that are in force, by Kafka's names."""
        return dict(self._request("CONFIG", name).fields())

    def alter_topic_configs(self, name: str, configs: Mapping[str, str]) -> dict[str, str]:
        """Change settings, leave the others; answers all of them. Raises InvalidConfigError."""
        return dict(self._request("CONFIG", name, options=configs).fields())

    def create_partitions(self, name: str, total: int) -> None:
        """Add partitions until there are `total`; raises InvalidPartitionsError for no more than there are.

        Records with keys may go to other partitions than before.
        """
        self._request("CONFIG", name, options={"partitions": total})

    def delete_records(self, topic: str, partition: int, before_offset: int) -> int:
        """Make everything before `before_offset` unreadable; answers the log start offset.

        Raises OffsetOutOfRangeError for an offset after the log end.
        """
        return self._request("DELETERECORDS", topic, partition, before_offset).integer()

    def list_offsets(self, topic: str, partition: int, where: OffsetSpec | str | int) -> int:
        """The offset that `where` means: `earliest`, `latest`, `timestamp:<ms>` or a number.

        A timestamp means the first record that is not older; the log end offset where all are.
        """
        return self._request("LISTOFFSETS", topic, partition, str(where)).integer()

    def list_groups(self) -> list[str]:
        """The groups' names, sorted."""
        return self._request("GROUPS").words()

    def describe_group(self, group: str, topic: str | None = None) -> GroupDescription:
        """State, members, offsets and lag, of one topic or of all that the group has read."""
        words = [group] if topic is None else [group, topic]
        return group_description(self._request("GROUP", *words).fields())

    def alter_group_offsets(
        self, group: str, offsets: Mapping[TopicPartition, OffsetSpec | str | int]
    ) -> None:
        """Commit other offsets for a group; partitions that are not named stay as they are.

        Raises NonEmptyGroupError while the group has members, whose own commits would undo it.
        """
        with self._pool.connection() as connection:
            self._refuse_members(connection, group)
            for partition, where in offsets.items():
                words = (partition.topic, group)
                options: dict[str, Word] = {"partition": partition.partition}
                offset = connection.request("SEEK", *words, str(where), options=options).integer()
                connection.request("COMMIT", *words, offset, options=options)

    def delete_group(self, group: str) -> None:
        """Forget a group and its offsets.

        Raises GroupIdNotFoundError, and NonEmptyGroupError while it has members.
        """
        self._request("DELETEGROUP", group)

    def _refuse_members(self, connection: Connection, group: str) -> None:
        members = group_description(connection.request("GROUP", group).fields()).members
        if members:
            raise NonEmptyGroupError(f"group {group} has {len(members)} members, the first is {members[0]}")

    def _request(self, command: str, *words: Word, options: Mapping[str, Word] | None = None) -> Reply:
        with self._pool.connection() as connection:
            return connection.request(command, *words, options=options)


def _number_or_text(value: str) -> int | float | str:
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value
