"""`publish-sync-N`: N connections publish, each waiting for every reply before it sends again.

What a program feels that publishes one message at a time: the whole way through the broker's threads, twice
through the kernel, and nothing to batch with but the other connections.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from perf.bench import Bench, parameters_of, usage_of
from perf.errors import WrongReplyError
from perf.figures import Figure, Goal, LoadResult, at_least, latency_figures
from perf.remote_client import RemoteClient, Round
from perf.wire import Address, connect, payload_of, publish_request

COUNT = 20_000
GOAL_PER_S = at_least(10_000)
NO_GOALS: Mapping[str, Goal] = {}


@dataclass(frozen=True, slots=True)
class PublishSyncLoad:
    name: str
    connections: int

    def run(self, bench: Bench) -> LoadResult:
        with (
            bench.broker() as broker,
            RemoteClient(
                SyncPublishers, (broker.address, self.name, bench.options.size_bytes, self.connections)
            ) as client,
        ):
            rounds, usage = bench.measure(broker, client, COUNT)
        figures = [
            Figure("messages", "1/s", [done.per_s for done in rounds], GOAL_PER_S),
            *latency_figures((done.latencies_s for done in rounds), NO_GOALS),
        ]
        parameters = parameters_of(bench.options, rounds, connections=self.connections)
        return LoadResult(self.name, parameters, figures, usage_of(usage, rounds))


class SyncPublishers:
    """In the child: one thread for each connection, the count shared out among them."""

    def __init__(self, address: Address, topic: str, size_bytes: int, connections: int) -> None:
        self._request = publish_request(topic, payload_of(size_bytes))
        self._size_bytes = size_bytes
        self._sockets = [connect(address) for _ in range(connections)]

    def run(self, count: int) -> Round:
        share = max(1, count // len(self._sockets))
        latencies: list[list[float]] = [[] for _ in self._sockets]
        threads = [
            threading.Thread(target=self._publish_loop, args=(index, share, latencies[index]))
            for index in range(len(self._sockets))
        ]
        started_at = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed_s = time.monotonic() - started_at
        merged = [latency for one in latencies for latency in one]
        if len(merged) != share * len(threads):
            raise WrongReplyError(f"{len(merged)} of {share * len(threads)} messages were acknowledged")
        return Round(len(merged), len(merged) * self._size_bytes, elapsed_s, merged)

    def close(self) -> None:
        for connection in self._sockets:
            connection.close()

    def _publish_loop(self, index: int, count: int, latencies: list[float]) -> None:
        connection, request, now = self._sockets[index], self._request, time.monotonic
        for _ in range(count):
            sent_at = now()
            connection.sendall(request)
            reply = connection.recv(4096)
            if not (reply.startswith(b"+OK") and reply.endswith(b"\n")):
                raise WrongReplyError(f"{reply[:300]!r}")
            latencies.append(now() - sent_at)
