"""Producers that send far more than the append queue holds wait, and the broker's memory does not grow."""

from collections.abc import Callable

import psutil
from quekkad_process import QuekkadProcess
from wire_client import WireClient
from workload import Lines, Target, Worker, joined

from quekka.formats.record_batch_builder import BatchBuilder

CONNECTIONS = 8
BATCHES_PER_CONNECTION = 60
BATCH_BYTES = 1 << 20
QUEUE_BYTES = 4 << 20
GROWTH_BYTES_MAX = 120 << 20
"""What may come over the idle broker: a read buffer and a batch for each connection, the queue, and slack."""


class ReplyReader(Worker):
    """Reads the replies of one connection."""

    def __init__(self, lines: Lines) -> None:
        super().__init__("reply-reader")
        self.offsets: list[int] = []
        self._lines = lines

    def work(self) -> None:
        for _ in range(BATCHES_PER_CONNECTION):
            reply = self._lines.read()
            assert reply[0] == "+OK", " ".join(reply)
            self.offsets.append(int(reply[1]))


class Flooder(Worker):
    """Sends its appends without waiting for replies."""

    def __init__(self, lines: Lines, request: bytes) -> None:
        super().__init__("flooder")
        self._lines = lines
        self._request = request

    def work(self) -> None:
        for _ in range(BATCHES_PER_CONNECTION):
            self._lines.send(self._request)


def test_appends_beyond_the_queue_wait_and_memory_stays_bounded(
    quekkad: Callable[..., QuekkadProcess],
) -> None:
    process = quekkad(
        f"--set=queued.max.request.bytes={QUEUE_BYTES}",
        "--set=log.flush.interval.messages=1",  # a sync for each group keeps the writer behind
        "--set=request.timeout.ms=120000",
    )
    builder = BatchBuilder(1_700_000_000_000)
    builder.append_values([bytes(1000)] * (BATCH_BYTES // 1020))
    batch = builder.build()
    request = b"APPEND flood 0 %d\r\n" % len(batch) + batch
    with WireClient(process.host, process.port) as client:
        assert client.ask("CREATE flood retention.ms=-1") == "+OK flood"
        broker = psutil.Process(process.pid)
        idle_bytes = peak_bytes = broker.memory_info().rss
        connections = [Lines(Target(process.host, process.port, "flood", 1)) for _ in range(CONNECTIONS)]
        readers = [ReplyReader(lines) for lines in connections]
        with joined([*readers, *(Flooder(lines, request) for lines in connections)]):
            while any(reader.is_alive() for reader in readers):
                assert client.ask("PING") == "+OK PONG"
                peak_bytes = max(peak_bytes, broker.memory_info().rss)
        for lines in connections:
            lines.close()
    offsets = sorted(offset for reader in readers for offset in reader.offsets)
    assert len(offsets) == CONNECTIONS * BATCHES_PER_CONNECTION
    records = BATCH_BYTES // 1020
    assert offsets == list(range(0, len(offsets) * records, records))
    assert peak_bytes - idle_bytes < GROWTH_BYTES_MAX, f"{idle_bytes:,} idle, {peak_bytes:,} at the peak"
