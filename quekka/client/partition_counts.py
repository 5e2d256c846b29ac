"""How many partitions a topic has, as the broker says; a missing topic is created where that is allowed."""

from collections.abc import Callable

from quekka.client.connection import Connection
from quekka.client.connection_pool import ConnectionPool
from quekka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError


class PartitionCounts:
    """Asks INFO, and CREATE for a topic that INFO does not know.

    Threads: any, at the same time.
    """

    def __init__(self, connect: Callable[[], Connection], *, allow_auto_create_topics: bool) -> None:
        self._pool = ConnectionPool(connect)
        self._allow_auto_create_topics = allow_auto_create_topics

    def count(self, topic: str) -> int:
        """The number of partitions; raises UnknownTopicOrPartitionError, and what else may go wrong."""
        with self._pool.connection() as connection:
            try:
                return _ask(connection, topic)
            except UnknownTopicOrPartitionError:
                if not self._allow_auto_create_topics:
                    raise
            _create(connection, topic)
            return _ask(connection, topic)

    def close(self) -> None:
        self._pool.close()


def _ask(connection: Connection, topic: str) -> int:
    return connection.request("INFO", topic).fields().integer("partitions")


def _create(connection: Connection, topic: str) -> None:
    try:
        connection.request("CREATE", topic)
    except TopicAlreadyExistsError:
        return  # another client was faster
