"""Everything at once for a long time: memory, threads and descriptors of the broker do not grow.

The mixed load of the kill campaign (mixed_load.py) at a gentle pace, readers that hold on, clients that come,
leave and vanish, producer ids that are used once. Once a second the broker is looked at from outside. When
the time is over, the first third after the warm-up is compared with the last third:

    pytest tests/stress/test_long_run.py --minutes 60 -s

Latency is shown for each window, and not judged: what else runs on the machine decides about it.
"""

import math
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

import psutil
import pytest
from history import History
from kafka_load import (
    FETCH,
    OFFSET_OUT_OF_RANGE,
    PRODUCE,
    LoadWire,
    log_bounds,
    make_batch,
    new_producer_id,
    produce_request,
    whole_bytes,
)
from ledger import identify
from mixed_load import KEPT, Lasting, MixedLoad
from mixed_workers import Address, MixedWorker
from quekkad_process import QuekkadProcess
from workload import Lines, Target, assert_logs_and_indexes_agree, joined

from quekka.formats.record_batch import iter_batches, iter_records, verify_crc
from quekka.protocols.kafka.api_01_fetch import FetchPartition, FetchRequest, FetchTopic

PACE_S = 0.2
"""How long each worker of the mixed load waits between two turns."""
SAMPLE_S = 1.0
WINDOWS = 30
WARM_UP, WARM_UP_S_MIN = 0.1, 15.0
"""The part of the run that is not compared: caches fill, topics are widened, compaction begins."""

SETTINGS = (
    "--set=auto.create.topics.enable=false",
    "--set=log.cleaner.backoff.ms=1000",
    "--set=log.flush.interval.ms=200",
    "--set=log.open.files.max=64",
    "--set=log.retention.check.interval.ms=500",
    "--set=offsets.topic.segment.bytes=65536",
    "--set=producer.ids.max=50",
    "--set=writer.idle.ms=1000",
)
"""Every bound low, so that it is reached during the warm-up."""

SIZED = {"retention.ms": "-1", "retention.bytes": "300000", "segment.bytes": "20000"}
LASTING: Lasting = {KEPT: ("size_bytes", SIZED), "sized": ("size_bytes", SIZED)}
SHARED = "sized"
"""The topic that the members of a group read."""

RSS_FACTOR, RSS_SLACK_BYTES = 1.2, 8 << 20
"""The allocator does not give all back, caches of what was computed fill slowly (record_batch_builder.py has
some megabytes of them), and how many segments there are changes with segment.bytes."""
THREADS_SLACK, FDS_SLACK = 6, 40
"""Medians of what comes and goes: connections, writers of topics that rest, files that are open."""


class Sample(NamedTuple):
    """The broker from outside."""

    at_s: float
    rss_bytes: int
    threads: int
    fds: int


class Reader(MixedWorker):
    """Fetches a partition with long polls and holds on to it: every batch whole, each producer's records in
    their order."""

    def __init__(self, address: Address, history: History, topic: str, partition: int) -> None:
        super().__init__(f"reader-{topic}-{partition}", address, history, "")
        self._topic = topic
        self._partition = partition
        self._last_numbers: dict[int, int] = {}
        self._offset = 0
        self.records_count = 0

    def use_connection(self) -> None:
        with LoadWire(*self.address) as wire:
            while not self.is_over():
                asked = FetchPartition(self._partition, fetch_offset=self._offset, partition_max_bytes=50_000)
                request = FetchRequest(
                    max_wait_ms=500, min_bytes=1, topics=[FetchTopic(self._topic, [asked])]
                )
                [data] = wire.ask(FETCH, 11, request).responses[0].partitions
                if data.error_code == OFFSET_OUT_OF_RANGE:
                    self._offset, _ = log_bounds(wire, self._topic, self._partition)
                    continue
                assert data.error_code == 0, data
                self._take(bytes(data.records or b""))

    def _take(self, records: bytes) -> None:
        for position, header in iter_batches(records, 0, whole_bytes(records)):
            verify_crc(records, position, header)
            for record in iter_records(records, position, from_offset=self._offset):
                assert record.value is not None
                identity = identify(bytes(record.value))
                assert identity.number > self._last_numbers.get(identity.producer, -1), f"{identity} is late"
                self._last_numbers[identity.producer] = identity.number
                self.records_count += 1
            self._offset = header.next_offset


class GroupReader(MixedWorker):
    """A member of a group of the text protocol: polls, commits, and now and then leaves or vanishes."""

    pace_s = PACE_S

    def use_connection(self) -> None:
        with closing(Lines(Target(*self.address, "", 0))) as lines:
            lines.send(f"SUBSCRIBE {SHARED} long-group\r\n".encode())
            assert lines.read()[0] == "+OK"
            for _ in range(self.rng.randint(5, 50)):
                if self.is_over():
                    return
                self._poll(lines)
            if self.rng.random() < 0.5:
                lines.send(b"QUIT\r\n")
                assert lines.read() == ["+OK"]

    def _poll(self, lines: Lines) -> None:
        lines.send(f"POLL {SHARED} long-group 100 200\r\nCOMMIT {SHARED} long-group\r\n".encode())
        head = lines.read()
        if head[0] == "+MESSAGES":
            for _ in range(int(head[1])):
                identify(lines.read_exactly(int(lines.read()[3]) + 2)[:-2])
        reply = lines.read()
        assert reply[0] == "+OK" or reply[1] in {"REBALANCE_IN_PROGRESS", "BAD_REQUEST"}, " ".join(reply)


class Visitor(MixedWorker):
    """Connects, does one thing and goes, politely or in the middle of a request."""

    pace_s = PACE_S / 4

    def use_connection(self) -> None:
        self.rng.choice((self._ping, self._vanish, self._vanish_while_it_waits, self._produce_once))()
        self.is_over()

    def _ping(self) -> None:
        with closing(Lines(Target(*self.address, "", 0))) as lines:
            lines.send(b"PING\r\nSTATS\r\n")
            assert lines.read() == ["+OK", "PONG"]
            assert lines.read()[0] == "+OK"

    def _vanish(self) -> None:
        with socket.create_connection(self.address) as connection:
            connection.sendall(b"PUBLISH sized 1000\r\nonly a part of it")

    def _vanish_while_it_waits(self) -> None:
        with socket.create_connection(self.address) as connection:
            connection.sendall(b"POLL sized nobody-%d 10 5000\r\n" % self.rng.randrange(3))

    def _produce_once(self) -> None:
        """One batch of a producer id of its own, in the topic without readers that look at numbers."""
        with LoadWire(*self.address) as wire:
            batch = make_batch([b"once"], 0, producer=(new_producer_id(wire), 0))
            wire.ask(PRODUCE, 7, produce_request(-1, "passing-0", {0: batch}))


class Probe(MixedWorker):
    """Publishes one record after the other and measures how long each takes."""

    pace_s = 0.02

    def __init__(self, address: Address, history: History) -> None:
        super().__init__("probe", address, history, "")
        self.taken_s: list[float] = []

    def use_connection(self) -> None:
        with closing(Lines(Target(*self.address, "", 0))) as lines:
            while not self.is_over():
                before_s = time.perf_counter()
                lines.send(b"PUBLISH probe 5\r\nprobe")
                reply = lines.read()
                self.taken_s.append(time.perf_counter() - before_s)
                assert reply[0] == "+OK", " ".join(reply)


@dataclass
class Watch:
    """Samples of a process, and a line for each window."""

    process: psutil.Process
    probe: Probe
    seconds: float
    samples: list[Sample] = field(default_factory=list)

    def run(self, history: History, is_failed: Callable[[], bool]) -> None:
        """Until the time is over, or a worker failed."""
        started_s = time.monotonic()
        window_s = self.seconds / WINDOWS
        settled_at = 0
        while (at_s := time.monotonic() - started_s) < self.seconds and not is_failed():
            self.samples.append(self._sample(at_s))
            if at_s // window_s > (at_s - SAMPLE_S) // window_s:
                settled_at = history.forget_before(settled_at)
                self._print_window(history)
            history.is_over.wait(SAMPLE_S)

    def _sample(self, at_s: float) -> Sample:
        with self.process.oneshot():
            memory = self.process.memory_info().rss
            return Sample(at_s, memory, self.process.num_threads(), self.process.num_fds())

    def _print_window(self, history: History) -> None:
        last = self.samples[-1]
        taken_s, self.probe.taken_s = sorted(self.probe.taken_s), []
        p50, p99 = (quantile(taken_s, part) * 1000 for part in (0.5, 0.99))
        print(
            f"{last.at_s:7.0f} s  rss {last.rss_bytes / 2**20:6.1f} MiB  threads {last.threads:3d}  "
            f"fds {last.fds:4d}  publish p50 {p50:6.2f} ms p99 {p99:7.2f} ms  "
            f"{history.acknowledged_count} acknowledged",
            flush=True,
        )

    def thirds(self) -> tuple[Sequence[Sample], Sequence[Sample]]:
        """The first third after the warm-up, and the last."""
        warm_s = max(self.seconds * WARM_UP, WARM_UP_S_MIN)
        counted = [sample for sample in self.samples if sample.at_s >= warm_s]
        third = len(counted) // 3
        return counted[:third], counted[-third:]


def quantile(values: Sequence[float], part: float) -> float:
    return values[min(len(values) - 1, int(len(values) * part))] if values else math.nan


def middle(samples: Sequence[Sample], name: str) -> float:
    return median(getattr(sample, name) for sample in samples)


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --minutes decides
def test_a_broker_under_everything_for_long_does_not_grow(
    quekkad: Callable[..., QuekkadProcess], request: pytest.FixtureRequest, seed: int
) -> None:
    minutes = request.config.getoption("--minutes")
    process = quekkad(*SETTINGS)
    address = Address(process.host, process.port)
    load = MixedLoad(str(seed), LASTING)
    load.make_topics(*address)
    with closing(Lines(Target(*address, "", 0))) as lines:
        lines.send(b"CREATE probe retention.bytes=300000 segment.bytes=20000\r\n")
        assert lines.read() == ["+OK", "probe"]
    workers = load.workers(*address)
    for worker in workers:
        worker.pace_s = PACE_S
    readers = [Reader(address, load.history, KEPT, partition) for partition in range(3)]
    probe = Probe(address, load.history)
    others = [GroupReader(f"group-reader-{n}", address, load.history, str(seed)) for n in range(3)]
    visitors = [Visitor(f"visitor-{n}", address, load.history, str(seed)) for n in range(2)]
    everybody = [*workers, *readers, *others, *visitors, probe]
    watch = Watch(psutil.Process(process.pid), probe, minutes * 60)
    with joined(everybody):
        try:
            watch.run(load.history, lambda: any(worker.error is not None for worker in everybody))
        finally:
            load.history.is_over.set()
    first, last = watch.thirds()
    print(f"first third: {describe(first)}\nlast third:  {describe(last)}")
    print(f"{sum(reader.records_count for reader in readers)} records read and found right")
    assert middle(last, "rss_bytes") <= middle(first, "rss_bytes") * RSS_FACTOR + RSS_SLACK_BYTES
    assert middle(last, "threads") <= middle(first, "threads") + THREADS_SLACK
    assert middle(last, "fds") <= middle(first, "fds") + FDS_SLACK
    assert process.terminate() == 0
    assert_logs_and_indexes_agree(process.data_dir)


def describe(samples: Sequence[Sample]) -> str:
    rss, threads, fds = (middle(samples, name) for name in ("rss_bytes", "threads", "fds"))
    return f"rss {rss / 2**20:.1f} MiB, threads {threads:.0f}, fds {fds:.0f}"
