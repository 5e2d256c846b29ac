"""What presses on a server: clients over any peer's Connection, each in a process of its own.

Each has one thread. A client that stores keeps a window of requests under way: it sends while there is room
and then waits for whatever acknowledgements come. The window is the same for every server.
"""

import select
import time
from dataclasses import dataclass

from perf.errors import WrongReplyError
from perf.peers.connection import Connection
from perf.remote_client import Round
from perf.wire import Address

RECORDS_UNDER_WAY = 1000
RECORDS_AT_ONCE = 250
BATCHES_UNDER_WAY = 8


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client goes: which protocol, which server, and what the records are stored in."""

    connection: type[Connection]
    address: Address
    topic: str
    record_bytes: int
    fsync: bool = False

    def connect(self) -> Connection:
        return self.connection(self.address, self.topic, self.record_bytes)

    def connect_producer(self) -> Connection:
        """A new connection to a new topic."""
        connection = self.connect()
        connection.create(fsync=self.fsync)
        connection.open_producer()
        return connection


class SyncProducer:
    """One record, its acknowledgement, the next."""

    def __init__(self, target: Target) -> None:
        self._connection = target.connect_producer()
        self._record_bytes = target.record_bytes

    def run(self, count: int) -> Round:
        connection, now = self._connection, time.monotonic
        request = connection.request([connection.payload])
        send, await_replies = connection.socket.sendall, connection.await_replies
        latencies_s = []
        started_at = now()
        for _ in range(count):
            sent_at = now()
            send(request)
            await_replies(1)
            latencies_s.append(now() - sent_at)
        return Round(count, count * self._record_bytes, now() - started_at, latencies_s)

    def close(self) -> None:
        self._connection.delete()
        self._connection.close()


class WindowProducer:
    """Requests with one record each, or with as many as the protocol lets, without waiting for each."""

    def __init__(self, target: Target, batched: bool) -> None:
        self._connection = target.connect_producer()
        self._record_bytes = target.record_bytes
        self._batched = batched

    def run(self, count: int) -> Round:
        started_at = time.monotonic()
        stored = store(self._connection, count, self._batched)
        return Round(stored, stored * self._record_bytes, time.monotonic() - started_at)

    def close(self) -> None:
        self._connection.delete()
        self._connection.close()


def store(connection: Connection, count: int, batched: bool) -> int:
    """Stores at least `count` records; returns how many, when all are acknowledged."""
    if batched:
        request, records = connection.batch()
        at_once, under_way_max = 1, BATCHES_UNDER_WAY
    else:
        request, records = connection.request([connection.payload]), 1
        at_once, under_way_max = RECORDS_AT_ONCE, RECORDS_UNDER_WAY
    many = request * at_once
    requests = -(-count // records)
    sent = acknowledged = 0
    while acknowledged < requests:
        while sent < requests and sent - acknowledged + at_once <= under_way_max:
            due = min(at_once, requests - sent)
            connection.socket.sendall(many if due == at_once else request * due)
            sent += due
        acknowledged += connection.replies(connection.receive_some())
    if acknowledged != requests:
        raise WrongReplyError(f"{acknowledged} acknowledgements for {requests} requests")
    return requests * records


class Reader:
    """Reads what it has stored before, from the start, over and over, each time on a new connection."""

    def __init__(self, target: Target, batched: bool, stored: int) -> None:
        self._target = target
        self._producer = target.connect_producer()
        self._stored = store(self._producer, stored, batched)

    def run(self, count: int) -> Round:
        passes = max(1, round(count / self._stored))
        elapsed_s = sum(self._read_all() for _ in range(passes))
        records = passes * self._stored
        return Round(records, records * self._target.record_bytes, elapsed_s)

    def close(self) -> None:
        self._producer.delete()
        self._producer.close()

    def _read_all(self) -> float:
        with self._target.connect() as connection:
            connection.open_reader()
            started_at = time.monotonic()
            self._read(connection, self._stored)
            return time.monotonic() - started_at

    def _read(self, connection: Connection, count: int) -> None:
        connection.read(count)


class Poller(Reader):
    """The same by records that the server has decoded, which quekkad does for POLL."""

    def _read(self, connection: Connection, count: int) -> None:
        connection.poll(count)


class ManyProducers:
    """Many connections, each waiting for its acknowledgement before it stores the next record."""

    def __init__(self, target: Target, connections: int) -> None:
        self._first = target.connect_producer()
        self._record_bytes = target.record_bytes
        self._connections = {}
        self._poll = select.epoll()
        for _ in range(connections):
            connection = target.connect()
            connection.open_producer()
            self._connections[connection.socket.fileno()] = connection
            self._poll.register(connection.socket, select.EPOLLIN)

    def run(self, count: int) -> Round:
        now, connections = time.monotonic, self._connections
        requests = {number: one.request([one.payload]) for number, one in connections.items()}
        latencies_s: list[float] = []
        sent_at = {}
        started_at = now()
        for number, connection in list(connections.items())[:count]:
            sent_at[number] = now()
            connection.socket.sendall(requests[number])
        sent = len(sent_at)
        while len(latencies_s) < sent:
            for number, _ in self._poll.poll():
                connection = connections[number]
                if not connection.replies(connection.receive_some()):
                    continue
                arrived_at = now()
                latencies_s.append(arrived_at - sent_at[number])
                if sent < count:
                    sent_at[number] = arrived_at
                    connection.socket.sendall(requests[number])
                    sent += 1
        return Round(sent, sent * self._record_bytes, now() - started_at, latencies_s)

    def close(self) -> None:
        self._poll.close()
        for connection in self._connections.values():
            connection.close()
        self._first.delete()
        self._first.close()
