"""`memory-SIZE`: SIZE bytes go in and come out again while the broker's memory is watched.

Retention keeps the log small, so the disk does not fill. Memory is flat when the last part of the run needs
no more than the first: the peak over the first tenth of the bytes is held against the peak over the rest.
"""

import time
from dataclasses import dataclass
from typing import Self

from perf.batch_sender import BatchSender
from perf.bench import Bench
from perf.errors import WrongReplyError
from perf.figures import Figure, LoadResult, at_most
from perf.sampler import Sampler
from perf.wire import Address, BatchReplies, Conversation, connect

BATCH_BYTES = 1 << 20
BATCHES_PER_TURN_MAX = 128
TURNS_MIN = 10
SEGMENT_BYTES = 64 << 20
RETENTION_BYTES = 512 << 20
GOAL_GROWTH_MB = at_most(8)


@dataclass(frozen=True, slots=True)
class MemoryLoad:
    name: str
    passed_bytes: int

    def run(self, bench: Bench) -> LoadResult:
        batches = max(TURNS_MIN, self.passed_bytes // BATCH_BYTES)
        per_turn = min(BATCHES_PER_TURN_MAX, batches // TURNS_MIN)
        turns = batches // per_turn
        broker = bench.broker(log_retention_check_interval_ms="200")
        with broker, Conversation(broker.address) as control:
            control.ask(
                f"CREATE {self.name} segment.bytes={SEGMENT_BYTES} retention.bytes={RETENTION_BYTES} "
                "file.delete.delay.ms=0"
            )
            with Passage(broker.address, self.name, bench.options.size_bytes, per_turn) as passage:
                with Sampler(broker.pid) as first:
                    passage.run(turns // 10)
                with Sampler(broker.pid) as rest:
                    passage.run(turns - turns // 10)
            kept_bytes = int(control.numbers(f"INFO {self.name} partition=0")["size_bytes"])
        settled_bytes, rss_max_bytes = first.usage.rss_max_bytes, rest.usage.rss_max_bytes
        figures = [
            Figure("rss_growth", "MB", [max(0.0, rss_max_bytes - settled_bytes) / 1e6], GOAL_GROWTH_MB),
            Figure("rss_after_a_tenth", "MB", [settled_bytes / 1e6]),
            Figure("rss_max", "MB", [rss_max_bytes / 1e6]),
            Figure("in_and_out", "GB/s", [2 * passage.passed_bytes / passage.elapsed_s / 1e9]),
            Figure("kept", "MB", [kept_bytes / 1e6]),
        ]
        parameters = {"passed_bytes": passage.passed_bytes, "retention_bytes": RETENTION_BYTES}
        return LoadResult(self.name, parameters, figures, rest.usage.as_json())


class Passage:
    """Appends some batches, reads the same ones, and so on.

    Threads: one thread.
    """

    def __init__(self, address: Address, topic: str, record_bytes: int, batches: int) -> None:
        self.passed_bytes = 0
        self.elapsed_s = 0.0
        self._topic = topic
        self._batches = batches
        self._offset = 0
        self._sender = BatchSender(address, BATCH_BYTES, record_bytes)
        self._socket = connect(address)
        self._replies = BatchReplies(self._socket)

    def run(self, turns: int) -> None:
        started_at = time.monotonic()
        for _ in range(turns):
            self._sender.append(self._topic, self._batches)
            self.passed_bytes += self._read_turn()
        self.elapsed_s += time.monotonic() - started_at

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sender.close()
        self._socket.close()

    def _read_turn(self) -> int:
        expected_bytes = self._batches * self._sender.batch_bytes
        received_bytes = 0
        for _ in range(self._batches):
            request = f"READ {self._topic} 0 {self._offset} 0 max_bytes={self._sender.batch_bytes}\r\n"
            self._socket.sendall(request.encode())
            received_bytes += self._replies.next_length()
            self._offset += self._sender.records_per_batch
        if received_bytes != expected_bytes:
            raise WrongReplyError(f"{received_bytes} bytes came out, {expected_bytes} went in")
        return received_bytes
