from collections.abc import Callable, Iterator

import pytest
from fake_server import Answer, FakeServer, script

from quekka.client.addresses import parse_addresses
from quekka.client.connection import Connection
from quekka.client.partition_counts import PartitionCounts
from quekka.errors import InvalidTopicError, UnknownTopicOrPartitionError

Start = Callable[[Answer], FakeServer]
MISSING = b"-ERR UNKNOWN_TOPIC_OR_PARTITION logs\r\n"


@pytest.fixture
def counts(fake_server: Start) -> Iterator[Callable[..., tuple[PartitionCounts, FakeServer]]]:
    made: list[PartitionCounts] = []

    def make(*replies: bytes, allow: bool = True) -> tuple[PartitionCounts, FakeServer]:
        server = fake_server(script(*replies))
        addresses = parse_addresses(server.address)
        made.append(PartitionCounts(lambda: Connection(addresses), allow_auto_create_topics=allow))
        return made[-1], server

    yield make
    for each in made:
        each.close()


Make = Callable[..., tuple[PartitionCounts, FakeServer]]


def test_a_topic_that_exists_is_only_asked_about(counts: Make) -> None:
    asked, server = counts(b"+OK topic=logs partitions=3\r\n")
    assert asked.count("logs") == 3
    assert server.commands == ["INFO"]


def test_a_missing_topic_is_created_with_the_brokers_defaults(counts: Make) -> None:
    asked, server = counts(MISSING, b"+OK logs\r\n", b"+OK partitions=2\r\n")
    assert asked.count("logs") == 2
    assert [request.words for request in server.requests] == [
        ["INFO", "logs"],
        ["CREATE", "logs"],
        ["INFO", "logs"],
    ]


def test_a_missing_topic_is_an_error_where_creating_is_not_allowed(counts: Make) -> None:
    asked, server = counts(MISSING, allow=False)
    with pytest.raises(UnknownTopicOrPartitionError, match="logs"):
        asked.count("logs")
    assert server.commands == ["INFO"]


def test_another_client_may_create_it_first(counts: Make) -> None:
    asked, _ = counts(MISSING, b"-ERR TOPIC_ALREADY_EXISTS logs\r\n", b"+OK partitions=5\r\n")
    assert asked.count("logs") == 5


def test_a_refusal_to_create_is_told(counts: Make) -> None:
    asked, _ = counts(MISSING, b"-ERR INVALID_TOPIC_EXCEPTION logs collides with l.ogs\r\n")
    with pytest.raises(InvalidTopicError, match="collides"):
        asked.count("logs")
