"""`connections-N`: N connections publish, each waiting for every reply; one thread of the client drives them.

As `publish-sync-N`, for more connections than a client can have threads for.
"""

import selectors
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from perf.bench import Bench, parameters_of, usage_of
from perf.errors import WrongReplyError
from perf.figures import Figure, Goal, LoadResult, latency_figures
from perf.loads.idle_connections import SPARE_FDS, allow_open_files
from perf.remote_client import RemoteClient, Round
from perf.wire import Address, connect, payload_of, publish_request

COUNT = 30_000
NO_GOALS: Mapping[str, Goal] = {}


@dataclass(frozen=True, slots=True)
class ConnectionsLoad:
    name: str
    connections: int

    def run(self, bench: Bench) -> LoadResult:
        allow_open_files(self.connections + SPARE_FDS)
        arguments = (self.name, bench.options.size_bytes, self.connections)
        with bench.broker() as broker, RemoteClient(Crowd, (broker.address, *arguments)) as client:
            rounds, usage = bench.measure(broker, client, COUNT)
        figures = [
            Figure("messages", "1/s", [done.per_s for done in rounds]),
            *latency_figures((done.latencies_s for done in rounds), NO_GOALS),
            Figure("rss", "MB", [usage.rss_max_bytes / 1e6]),
        ]
        parameters = parameters_of(bench.options, rounds, connections=self.connections)
        return LoadResult(self.name, parameters, figures, usage_of(usage, rounds))


class Crowd:
    """In the child: all connections in one selector."""

    def __init__(self, address: Address, topic: str, size_bytes: int, connections: int) -> None:
        self._request = publish_request(topic, payload_of(size_bytes))
        self._size_bytes = size_bytes
        self._selector = selectors.DefaultSelector()
        self._sockets = [connect(address) for _ in range(connections)]
        for connection in self._sockets:
            self._selector.register(connection, selectors.EVENT_READ)

    def run(self, count: int) -> Round:
        """Sends until `count` were sent, and waits for all replies."""
        latencies: list[float] = []
        now = time.monotonic
        sent_at: dict[object, float] = {}
        started_at = now()
        for connection in self._sockets[:count]:
            sent_at[connection] = now()
            connection.sendall(self._request)
        sent = len(sent_at)
        while sent_at:
            for key, _ in self._selector.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                reply = ready.recv(4096)
                if not (reply.startswith(b"+OK") and reply.endswith(b"\n")):
                    raise WrongReplyError(f"{reply[:300]!r}")
                latencies.append(now() - sent_at.pop(ready))
                if sent < count:
                    sent += 1
                    sent_at[ready] = now()
                    ready.sendall(self._request)
        return Round(sent, sent * self._size_bytes, now() - started_at, latencies)

    def close(self) -> None:
        self._selector.close()
        for connection in self._sockets:
            connection.close()
