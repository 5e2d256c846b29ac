"""`recovery-SIZE`: kill -9 after SIZE bytes were flushed and a tail was not; then how long the start takes.

Only the tail may be read: what the broker read until it was ready, less what a start over the same log reads
when it was closed cleanly, is held against the tail's size. Bytes are those that went through read(2)
(psutil's read_chars).
"""

import time
from dataclasses import dataclass

import psutil

from perf.batch_sender import BatchSender
from perf.bench import Bench
from perf.broker_process import BrokerProcess
from perf.errors import WrongReplyError
from perf.figures import Figure, LoadResult, at_most
from perf.sampler import Sampler, counters
from perf.wire import Conversation

BATCH_BYTES = 1 << 20
TAIL_BATCHES = 64
FLUSH_TIMEOUT_S = 60.0
NEVER_MS = 10**12
# The check begins at the last flush, which is some batches before the tail.
SCAN_PER_TAIL = 1.25


@dataclass(frozen=True, slots=True)
class RecoveryLoad:
    name: str
    flushed_bytes: int

    def run(self, bench: Bench) -> LoadResult:
        broker = bench.broker()
        with broker, BatchSender(broker.address, BATCH_BYTES, bench.options.size_bytes) as sender:
            sender.append(self.name, max(1, self.flushed_bytes // BATCH_BYTES))
            tail_bytes = TAIL_BATCHES * sender.batch_bytes
        with broker:
            clean_ready_s, clean_read_bytes = broker.ready_s, read_bytes(broker)
        ready_s, scanned_mb = [], []
        broker.start()
        try:
            for _ in range(bench.options.rounds):
                end = self._append_unflushed_tail(broker, bench.options.size_bytes)
                broker.kill()
                broker.start()
                ready_s.append(broker.ready_s)
                scanned_mb.append((read_bytes(broker) - clean_read_bytes) / 1e6)
                self._check_end(broker, end)
            with Sampler(broker.pid) as sampler:
                pass
        finally:
            broker.kill()
        figures = [
            Figure("ready_after_kill", "s", ready_s),
            Figure("ready_after_clean_stop", "s", [clean_ready_s]),
            Figure("scanned", "MB", scanned_mb, at_most(SCAN_PER_TAIL * tail_bytes / 1e6)),
            Figure("tail", "MB", [tail_bytes / 1e6]),
        ]
        parameters = {"rounds": len(ready_s), "flushed_bytes": self.flushed_bytes, "tail_bytes": tail_bytes}
        return LoadResult(self.name, parameters, figures, sampler.usage.as_json())

    def _append_unflushed_tail(self, broker: BrokerProcess, record_bytes: int) -> int:
        """All that was there is flushed, what is appended is not; returns the log end offset."""
        with (
            Conversation(broker.address) as control,
            BatchSender(broker.address, BATCH_BYTES, record_bytes) as sender,
        ):
            control.ask(f"CONFIG {self.name} flush.ms=10")
            sender.append(self.name, 1)
            wait_until_flushed(control, self.name)
            control.ask(f"CONFIG {self.name} flush.ms={NEVER_MS}")
            sender.append(self.name, TAIL_BATCHES)
            return int(control.numbers(f"INFO {self.name} partition=0")["log_end_offset"])

    def _check_end(self, broker: BrokerProcess, end: int) -> None:
        with Conversation(broker.address) as control:
            found = int(control.numbers(f"INFO {self.name} partition=0")["log_end_offset"])
        if found != end:
            raise WrongReplyError(f"the log ends at {found} after the kill, at {end} before it")


def wait_until_flushed(control: Conversation, topic: str) -> None:
    give_up_at = time.monotonic() + FLUSH_TIMEOUT_S
    while time.monotonic() < give_up_at:
        found = control.numbers(f"INFO {topic} partition=0")
        if found["recovery_point"] == found["log_end_offset"]:
            return
        time.sleep(0.02)
    raise WrongReplyError(f"{topic} was not flushed within {FLUSH_TIMEOUT_S} s")


def read_bytes(broker: BrokerProcess) -> float:
    """What the broker has read since its exec."""
    return counters(psutil.Process(broker.pid)).get("read_bytes", 0.0)
