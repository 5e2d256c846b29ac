"""`publish-pipelined-N`: N connections publish without waiting for replies, which another thread counts.

What a producer with its own batching, or a shell pipe, can get through PUBLISH. The requests are made
beforehand and sent many at a time, so the client does next to nothing.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from perf.bench import Bench, parameters_of, usage_of
from perf.figures import Figure, LoadResult, at_least
from perf.remote_client import RemoteClient, Round
from perf.wire import Address, LineReplies, connect, payload_of, publish_request

COUNT = 200_000
MESSAGES_PER_SEND = 256
GOAL_PER_S = at_least(200_000)


@dataclass(frozen=True, slots=True)
class PublishPipelinedLoad:
    name: str
    connections: int

    def run(self, bench: Bench) -> LoadResult:
        with (
            bench.broker() as broker,
            RemoteClient(
                PipelinedPublishers, (broker.address, self.name, bench.options.size_bytes, self.connections)
            ) as client,
        ):
            rounds, usage = bench.measure(broker, client, COUNT)
        figures = [
            Figure("messages", "1/s", [done.per_s for done in rounds], GOAL_PER_S),
            Figure("payload", "GB/s", [done.gb_per_s for done in rounds]),
        ]
        parameters = parameters_of(bench.options, rounds, connections=self.connections)
        return LoadResult(self.name, parameters, figures, usage_of(usage, rounds))


class PipelinedPublishers:
    """In the child: a sending and a counting thread for each connection."""

    def __init__(self, address: Address, topic: str, size_bytes: int, connections: int) -> None:
        self._request = publish_request(topic, payload_of(size_bytes))
        self._many = self._request * MESSAGES_PER_SEND
        self._size_bytes = size_bytes
        self._sockets = [connect(address) for _ in range(connections)]
        self._replies = [LineReplies(connection) for connection in self._sockets]

    def run(self, count: int) -> Round:
        share = max(1, count // len(self._sockets))
        connections = range(len(self._sockets))
        senders = [threading.Thread(target=self._send, args=(index, share)) for index in connections]
        with ThreadPoolExecutor(len(self._sockets)) as counters:
            started_at = time.monotonic()
            for sender in senders:
                sender.start()
            for counted in [counters.submit(replies.expect, share) for replies in self._replies]:
                counted.result()
            elapsed_s = time.monotonic() - started_at
        for sender in senders:
            sender.join()
        messages = share * len(senders)
        return Round(messages, messages * self._size_bytes, elapsed_s)

    def close(self) -> None:
        for connection in self._sockets:
            connection.close()

    def _send(self, index: int, count: int) -> None:
        connection = self._sockets[index]
        for _ in range(count // MESSAGES_PER_SEND):
            connection.sendall(self._many)
        connection.sendall(self._request * (count % MESSAGES_PER_SEND))
