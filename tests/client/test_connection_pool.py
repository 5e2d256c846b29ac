import threading
from collections.abc import Callable, Iterator

import pytest
from fake_server import WAIT_S, Answer, FakeRequest, FakeServer, script

from quekka.client.addresses import parse_addresses
from quekka.client.connection import Connection
from quekka.client.connection_pool import IDLE_CONNECTIONS_MAX, ConnectionPool
from quekka.errors import UnknownTopicOrPartitionError

Start = Callable[[Answer], FakeServer]


@pytest.fixture
def server(fake_server: Start) -> FakeServer:
    return fake_server(lambda request: b"+OK PONG\r\n")


@pytest.fixture
def pool(server: FakeServer) -> Iterator[ConnectionPool]:
    created = ConnectionPool(lambda: Connection(parse_addresses(server.address)))
    yield created
    created.close()


def test_one_thread_needs_one_connection(pool: ConnectionPool, server: FakeServer) -> None:
    for _ in range(3):
        with pool.connection() as connection:
            connection.request("PING")
    assert server.connections == 1


def test_threads_at_the_same_time_have_connections_of_their_own(
    pool: ConnectionPool, server: FakeServer
) -> None:
    threads_count = IDLE_CONNECTIONS_MAX + 2
    together = threading.Barrier(threads_count)

    def ask() -> None:
        with pool.connection() as connection:
            connection.request("PING")
            together.wait(WAIT_S)

    threads = [threading.Thread(target=ask) for _ in range(threads_count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.connections == threads_count
    with pool.connection() as connection:
        connection.request("PING")
    assert server.connections == threads_count, "some were kept"


def test_a_connection_that_the_broker_closed_meanwhile_is_not_used(
    pool: ConnectionPool, server: FakeServer
) -> None:
    with pool.connection() as kept:
        kept.request("PING")
    kept.abort()
    with pool.connection() as connection:
        assert connection is not kept
        connection.request("PING")


def test_after_an_error_the_connection_is_closed(fake_server: Start) -> None:
    server = fake_server(script(b"-ERR UNKNOWN_TOPIC_OR_PARTITION logs\r\n"))
    pool = ConnectionPool(lambda: Connection(parse_addresses(server.address)))
    with pytest.raises(UnknownTopicOrPartitionError), pool.connection() as connection:
        connection.request("INFO", "logs")
    assert not connection.is_open
    pool.close()


def test_a_connection_in_use_while_the_pool_closes_is_closed_after_it(pool: ConnectionPool) -> None:
    with pool.connection() as connection:
        connection.request("PING")
        pool.close()
        connection.request("PING")
    assert not connection.is_open


def test_requests_are_not_mixed_up(fake_server: Start) -> None:
    def answer(request: FakeRequest) -> bytes:
        return b"+OK " + request.words[1].encode() + b"\r\n"

    pool = ConnectionPool(lambda: Connection(parse_addresses(fake_server(answer).address)))
    with pool.connection() as first, pool.connection() as second:
        first.send(b"INFO 1\r\n")
        second.send(b"INFO 2\r\n")
        assert second.receive().integer() == 2
        assert first.receive().integer() == 1
    pool.close()
