"""`read-SIZE`: reads record batches of SIZE, one for each READ, several requests under way at a time.

The broker decodes nothing here; the bytes go from the segment file to the socket. What is read was written
just before, so it comes from the page cache.
"""

import time
from dataclasses import dataclass

from perf.batch_sender import BatchSender
from perf.bench import Bench, parameters_of, usage_of
from perf.errors import WrongReplyError
from perf.figures import Figure, LoadResult, at_least
from perf.remote_client import RemoteClient, Round
from perf.wire import Address, BatchReplies, connect

STORED_BYTES = 1 << 29
ROUND_BYTES = 1 << 30
REQUESTS_UNDER_WAY = 8
GOAL_GB_PER_S = at_least(1.0)


@dataclass(frozen=True, slots=True)
class ReadLoad:
    name: str
    batch_bytes: int

    def run(self, bench: Bench) -> LoadResult:
        count = bench.options.count or ROUND_BYTES // self.batch_bytes
        stored = min(count, STORED_BYTES // self.batch_bytes)
        arguments = (self.name, self.batch_bytes, bench.options.size_bytes, stored)
        with bench.broker() as broker, RemoteClient(BatchReader, (broker.address, *arguments)) as client:
            rounds, usage = bench.measure(broker, client, count)
        figures = [
            Figure("batches_bytes", "GB/s", [done.gb_per_s for done in rounds], GOAL_GB_PER_S),
            Figure("batches", "1/s", [done.per_s for done in rounds]),
        ]
        parameters = parameters_of(bench.options, rounds, batch_bytes=rounds[0].size_bytes // rounds[0].count)
        return LoadResult(self.name, parameters, figures, usage_of(usage, rounds))


class BatchReader:
    """In the child: fills its topic when it is made, then reads it over and over on one connection."""

    def __init__(
        self, address: Address, topic: str, batch_bytes: int, record_bytes: int, stored: int
    ) -> None:
        self._topic = topic
        self._stored = stored
        with BatchSender(address, batch_bytes, record_bytes) as sender:
            self._batch_bytes, self._records = sender.batch_bytes, sender.records_per_batch
            sender.append(topic, stored)
        self._socket = connect(address)
        self._replies = BatchReplies(self._socket)

    def run(self, count: int) -> Round:
        received_bytes = 0
        started_at = time.monotonic()
        for asked in range(count + REQUESTS_UNDER_WAY):
            if asked < count:
                self._socket.sendall(self._request(asked % self._stored))
            if asked >= REQUESTS_UNDER_WAY:
                received_bytes += self._replies.next_length()
        elapsed_s = time.monotonic() - started_at
        if received_bytes != count * self._batch_bytes:
            raise WrongReplyError(f"{received_bytes} bytes came, not {count} batches of {self._batch_bytes}")
        return Round(count, received_bytes, elapsed_s)

    def close(self) -> None:
        self._socket.close()

    def _request(self, index: int) -> bytes:
        return f"READ {self._topic} 0 {index * self._records} 0 max_bytes={self._batch_bytes}\r\n".encode()
