"""Tests of quekka.broker.housekeeping: what happens by itself when time goes on."""

import queue
import threading
from typing import Any

import pytest
from broker_helpers import StartCore, batch_of, publish, values_of

from quekka.broker import housekeeping
from quekka.broker.broker import BrokerCore
from quekka.broker.partition import Partition
from quekka.broker.retention import expired_before_offset
from quekka.clock import SYSTEM_CLOCK, ManualClock
from quekka.errors import KafkaStorageError
from quekka.storage import segment_rewriter
from quekka.storage.log_config import LogConfig
from quekka.storage.log_view import LogView
from quekka.storage.log_writer import LogWriter


def until(partition: Partition, is_so) -> None:
    """Return when `is_so()`, looking again whenever the partition changes, 10 s at most."""
    from quekka.broker.signal import Watch
    from quekka.broker.wake import WakePool
    from quekka.deadline import Deadline

    deadline = Deadline(10)
    with Watch([partition.log_end], WakePool()) as waiter:
        while not is_so():
            assert not deadline.expired(), "it did not come"
            waiter.wait(deadline)


def test_old_segments_go_by_themselves_and_the_rest_stays(
    core: BrokerCore, manual_clock: ManualClock
) -> None:
    core.topics.create("logs", settings={"retention.ms": "600000", "segment.bytes": "100"})
    publish(core, "logs", b"old")
    manual_clock.advance(500)
    publish(core, "logs", b"young")
    partition = core.topics.get("logs").partition(0)
    manual_clock.advance(301)
    until(partition, lambda: partition.view().log_start_offset == 1)
    assert values_of(partition) == [b"young"]
    assert publish(core, "logs", b"next") == 2


def test_a_log_in_which_all_is_too_old_becomes_empty_and_goes_on_counting(
    core: BrokerCore, manual_clock: ManualClock
) -> None:
    core.topics.create("logs", settings={"retention.ms": "1000"})
    publish(core, "logs", b"0", b"1")
    partition = core.topics.get("logs").partition(0)
    manual_clock.advance(300)
    until(partition, lambda: partition.view().log_start_offset == 2)
    assert values_of(partition) == []
    assert publish(core, "logs", b"2") == 2


def told_after(writer: LogWriter, name: str) -> queue.Queue[None]:
    """Gets an item after each call of the writer's method `name`."""
    told: queue.Queue[None] = queue.Queue()
    method = getattr(writer, name)

    def call_and_tell(*arguments: Any) -> None:
        method(*arguments)
        told.put(None)

    setattr(writer, name, call_and_tell)
    return told


def test_a_compacted_topic_keeps_the_last_record_of_each_key(
    start_core: StartCore, manual_clock: ManualClock
) -> None:
    core = start_core()
    settings = {"cleanup.policy": "compact", "segment.bytes": "200", "min.cleanable.dirty.ratio": "0"}
    topic = core.topics.create("state", settings=settings)
    partition = topic.partition(0)
    for number in range(30):
        key = b"k%d" % (number % 3)
        batch = batch_of([b"%d" % number], core.clock.wall_ms(), [key])
        partition.append([batch], 1).wait()
    flushed = told_after(partition.log.writer, "finish_flush")
    replaced = told_after(partition.log.writer, "replace_segments")
    manual_clock.advance(1)  # flush.ms: only what is on the disk is compacted
    while partition.log.recovery_point < 30:
        flushed.get(timeout=10)
    manual_clock.advance(15)
    while len(values_of(partition)) >= 12:
        replaced.get(timeout=10)
    core.stop()
    again = start_core().topics.get("state").partition(0)
    values = values_of(again)
    assert values[-1] == b"29"
    assert len(values) < 12
    assert set(values) >= {b"27", b"28", b"29"}


def test_a_stop_ends_the_cleaning_that_runs_before_its_next_batch(
    start_core: StartCore, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = start_core()
    settings = {"cleanup.policy": "compact", "segment.bytes": "2000", "min.cleanable.dirty.ratio": "0"}
    partition = core.topics.create("state", settings=settings).partition(0)
    for number in range(60):
        partition.append([batch_of([b"%d" % number], core.clock.wall_ms(), [b"k"])], 1).wait()
    begun, stopped = threading.Event(), threading.Event()
    batches: list[bool] = []
    verify_crc = segment_rewriter.verify_crc

    def count_and_wait(*arguments: Any) -> None:
        batches.append(stopped.is_set())
        begun.set()
        assert stopped.wait(10)
        verify_crc(*arguments)

    monkeypatch.setattr(segment_rewriter, "verify_crc", count_and_wait)
    flushed = told_after(partition.log.writer, "finish_flush")
    manual_clock.advance(1)
    while partition.log.recovery_point < 60:
        flushed.get(timeout=10)
    manual_clock.advance(15)
    assert begun.wait(10)
    core._housekeeping.stop_timers()
    stopped.set()
    core.stop()
    assert batches == [False], "of 60 batches the one that was begun"
    assert not list(partition.log.directory.glob("*.cleaned"))
    assert len(values_of(start_core().topics.get("state").partition(0))) == 60


def test_compaction_leaves_topics_alone_that_only_delete(core: BrokerCore, manual_clock: ManualClock) -> None:
    publish(core, "logs", b"0", b"1")
    manual_clock.advance(60)
    assert values_of(core.topics.get("logs").partition(0)) == [b"0", b"1"]


def test_a_partition_that_cannot_be_looked_at_does_not_keep_what_others_have(
    core: BrokerCore, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad", "good"):
        core.topics.create(name, settings={"retention.ms": "1000", "segment.bytes": "100"})
        publish(core, name, b"0")
    bad, good = (core.topics.get(name).partition(0) for name in ("bad", "good"))
    look = housekeeping.expired_before_offset

    def fail_for_bad(view: LogView, config: LogConfig, now_ms: int) -> int | None:
        if view is bad.view():
            raise KafkaStorageError("00000000000000000000.timeindex is missing")
        return look(view, config, now_ms)

    monkeypatch.setattr(housekeeping, "expired_before_offset", fail_for_bad)
    manual_clock.advance(300)
    until(good, lambda: good.view().log_start_offset == 1)
    assert bad.view().log_start_offset == 0


def test_records_without_a_timestamp_are_as_old_as_their_file(
    core: BrokerCore, manual_clock: ManualClock
) -> None:
    topic = core.topics.create("logs", settings={"retention.ms": "600000"})
    partition = topic.partition(0)
    partition.append([batch_of([b"no time"], -1)], 1).wait()
    assert expired_before_offset(partition.view(), topic.config, SYSTEM_CLOCK.wall_ms()) is None
    assert expired_before_offset(partition.view(), topic.config, SYSTEM_CLOCK.wall_ms() + 601_000) == 1
