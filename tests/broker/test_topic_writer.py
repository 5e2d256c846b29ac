"""Tests of quekka.broker.topic_writer, on a broker without sockets."""

import errno
import gc
import logging
import os
import queue
import threading
from pathlib import Path

import pytest
from broker_helpers import StartCore, batch_of, publish, values_of

from quekka.broker.broker import BrokerCore
from quekka.broker.commands import RetireCommand
from quekka.clock import ManualClock
from quekka.deadline import Deadline
from quekka.errors import KafkaStorageError, ShuttingDownError, UnknownTopicOrPartitionError
from quekka.storage.faulty_files import FaultyFiles


def writer_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("quekka-writer-")]


def test_a_writer_starts_with_the_first_append_and_is_named_after_its_topic(core: BrokerCore) -> None:
    core.topics.create("logs")
    assert writer_threads() == []
    publish(core, "logs", b"first")
    assert writer_threads() == ["quekka-writer-logs"]


def test_an_idle_writer_ends_and_the_next_append_starts_it_again(
    core: BrokerCore, manual_clock: ManualClock
) -> None:
    publish(core, "logs", b"0")
    writer = core.topics.get("logs").writer
    thread = writer._thread
    assert thread is not None
    retire_when_idle(core, manual_clock, thread)
    assert writer_threads() == []
    assert publish(core, "logs", b"1") == 1
    assert values_of(core.topics.get("logs").partition(0)) == [b"0", b"1"]


def test_what_was_queued_behind_the_retirement_of_a_writer_is_done_all_the_same(core: BrokerCore) -> None:
    publish(core, "logs", b"0")
    partition = core.topics.get("logs").partition(0)
    writer = core.topics.get("logs").writer
    writer._dirty.clear()
    writer._mark_dirty = lambda partition: None
    entered, go_on = threading.Event(), threading.Event()
    writer_append = partition.log.writer.append

    def slow_append(*arguments):
        entered.set()
        assert go_on.wait(10)
        return writer_append(*arguments)

    partition.log.writer.append = slow_append
    first = partition.append([batch_of([b"1"], 1)], 1)
    assert entered.wait(10)
    writer.submit(RetireCommand())
    second = partition.append([batch_of([b"2"], 1)], 1)
    go_on.set()
    assert (first.wait(), second.wait(Deadline(10))) == (1, 2)


def retire_when_idle(core: BrokerCore, clock: ManualClock, thread: threading.Thread) -> None:
    """Each step gives the flusher and the writer the chance to get through what the one before began."""
    for _ in range(100):
        clock.advance(10)
        thread.join(timeout=0.1)
        if not thread.is_alive():
            return
    pytest.fail("the writer did not retire")


def test_offsets_are_given_in_the_order_of_the_queue(core: BrokerCore) -> None:
    partition = core.topics.create("logs").partition(0)
    futures = [
        partition.append([batch_of([b"%d" % number, b"+"], core.clock.wall_ms())], 2) for number in range(50)
    ]
    assert [future.wait() for future in futures] == list(range(0, 100, 2))
    assert values_of(partition)[::2] == [b"%d" % number for number in range(50)]


def test_appends_of_many_threads_to_many_partitions_are_all_there_once(core: BrokerCore) -> None:
    topic = core.topics.create("logs", partitions=4)

    def produce(name: int) -> None:
        for number in range(100):
            partition = topic.partition(number % 4)
            partition.append([batch_of([b"%d-%d" % (name, number)], core.clock.wall_ms())], 1).wait()

    threads = [threading.Thread(target=produce, args=(name,)) for name in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = [value for partition in topic.partitions for value in values_of(partition)]
    assert sorted(stored) == sorted(b"%d-%d" % (name, number) for name in range(5) for number in range(100))


def test_what_waits_is_served_as_one_group(core: BrokerCore, faulty_files: FaultyFiles) -> None:
    publish(core, "logs", b"starts the writer")
    partition = core.topics.get("logs").partition(0)
    before = core.metrics.snapshot()
    entered, go_on = threading.Event(), threading.Event()
    writer_append = partition.log.writer.append

    def slow_append(batches, producers):
        entered.set()
        assert go_on.wait(10)
        return writer_append(batches, producers)

    partition.log.writer.append = slow_append
    first = partition.append([batch_of([b"slow"], 1)], 1)
    assert entered.wait(10)
    rest = [partition.append([batch_of([b"%d" % number], 1)], 1) for number in range(20)]
    go_on.set()
    assert [future.wait() for future in (first, *rest)] == list(range(1, 22))
    core.topics.get("logs").writer.stop(ShuttingDownError("end of the test")).wait()
    after = core.metrics.snapshot()
    assert after["appends"] - before["appends"] == 21
    assert after["append_groups"] - before["append_groups"] == 2


def test_a_full_disk_refuses_appends_loses_nothing_and_heals(
    core: BrokerCore, faulty_files: FaultyFiles
) -> None:
    publish(core, "logs", b"before")
    faulty_files.fail("writev", path="*.log", error=errno.ENOSPC, every=True)
    with pytest.raises(KafkaStorageError):
        publish(core, "logs", b"refused")
    assert values_of(core.topics.get("logs").partition(0)) == [b"before"]
    faulty_files.heal()
    assert publish(core, "logs", b"after") == 1
    assert values_of(core.topics.get("logs").partition(0)) == [b"before", b"after"]


def test_one_partition_that_fails_does_not_hurt_the_others(
    core: BrokerCore, faulty_files: FaultyFiles
) -> None:
    core.topics.create("logs", partitions=2)
    faulty_files.fail("writev", path="*/0/*.log", error=errno.EIO, every=True)
    with pytest.raises(KafkaStorageError):
        publish(core, "logs", b"refused", partition=0)
    assert publish(core, "logs", b"stored", partition=1) == 0


def test_with_flush_messages_1_a_record_is_synced_before_it_is_acknowledged(
    start_core: StartCore, faulty_files: FaultyFiles, tmp_path: Path
) -> None:
    core = start_core()
    core.topics.create("logs", settings={"flush.messages": "1"})
    publish(core, "logs", b"on disk")
    assert core.metrics.snapshot()["fsyncs"] >= 1
    assert core.topics.get("logs").partition(0).log.recovery_point == 1


def test_a_failed_sync_refuses_the_append_and_all_later_ones_and_reads_go_on(
    core: BrokerCore, faulty_files: FaultyFiles
) -> None:
    core.topics.create("logs", settings={"flush.messages": "1"})
    publish(core, "logs", b"stored")
    faulty_files.fail("fdatasync", path="*.log", error=errno.EIO)
    with pytest.raises(KafkaStorageError):
        publish(core, "logs", b"unknown fate")
    with pytest.raises(KafkaStorageError):
        publish(core, "logs", b"refused")
    assert values_of(core.topics.get("logs").partition(0)) == [b"stored"]


def test_after_flush_ms_the_recovery_point_has_moved_without_stopping_appends(
    core: BrokerCore, manual_clock: ManualClock
) -> None:
    publish(core, "logs", b"0", b"1")
    partition = core.topics.get("logs").partition(0)
    synced: queue.Queue[int] = queue.Queue()
    finish_flush = partition.log.writer.finish_flush

    def finish_and_tell(ticket, error):
        finish_flush(ticket, error)
        synced.put(partition.log.recovery_point)

    partition.log.writer.finish_flush = finish_and_tell
    assert partition.log.recovery_point == 0
    manual_clock.advance(1)
    assert synced.get(timeout=10) == 2
    assert publish(core, "logs", b"2") == 2


def test_a_sync_that_fails_in_the_background_closes_the_log_to_appends(
    core: BrokerCore, manual_clock: ManualClock, faulty_files: FaultyFiles
) -> None:
    publish(core, "logs", b"0")
    partition = core.topics.get("logs").partition(0)
    finished = threading.Event()
    finish_flush = partition.log.writer.finish_flush

    def finish_and_tell(ticket, error):
        try:
            finish_flush(ticket, error)
        finally:
            finished.set()

    partition.log.writer.finish_flush = finish_and_tell
    faulty_files.fail("fdatasync", path="*.log", error=errno.EIO)
    manual_clock.advance(1)
    assert finished.wait(10)
    with pytest.raises(KafkaStorageError):
        publish(core, "logs", b"refused")
    assert values_of(partition) == [b"0"]


def test_deleted_records_are_gone_for_good(start_core: StartCore) -> None:
    core = start_core()
    publish(core, "logs", *[b"%d" % number for number in range(10)])
    assert core.topics.get("logs").partition(0).delete_records(4) == 4
    core.stop()
    partition = start_core().topics.get("logs").partition(0)
    assert partition.view().log_start_offset == 4
    assert values_of(partition) == [b"4", b"5", b"6", b"7", b"8", b"9"]


def test_all_records_can_be_deleted(core: BrokerCore) -> None:
    publish(core, "logs", b"0", b"1")
    partition = core.topics.get("logs").partition(0)
    assert partition.delete_records(-1) == 2
    assert values_of(partition) == []
    assert publish(core, "logs", b"2") == 2


def test_a_stopped_topic_refuses_with_the_reason(core: BrokerCore) -> None:
    partition = core.topics.create("logs").partition(0)
    partition._writer.stop(UnknownTopicOrPartitionError("topic logs was deleted")).wait()
    with pytest.raises(UnknownTopicOrPartitionError, match="topic logs was deleted"):
        partition.append([batch_of([b"x"], 1)], 1)


def test_what_was_queued_before_the_stop_is_stored(start_core: StartCore) -> None:
    core = start_core()
    partition = core.topics.create("logs").partition(0)
    futures = [partition.append([batch_of([b"%d" % number], 1)], 1) for number in range(100)]
    core.stop()
    assert [future.wait() for future in futures] == list(range(100))
    assert len(values_of(start_core().topics.get("logs").partition(0))) == 100


def test_one_log_that_cannot_be_flushed_does_not_keep_the_others_from_the_disk(
    start_core: StartCore, faulty_files: FaultyFiles
) -> None:
    core = start_core()
    topic = core.topics.create("logs", partitions=3)
    for number in range(3):
        publish(core, "logs", b"x", partition=number)
    faulty_files.fail("fdatasync", path="*/1/*.log", error=errno.EIO)
    core.stop()
    assert [partition.log.recovery_point for partition in topic.partitions] == [1, 0, 1]


def test_a_flush_that_the_disk_refused_before_the_sync_is_tried_again(
    core: BrokerCore, manual_clock: ManualClock, faulty_files: FaultyFiles
) -> None:
    publish(core, "logs", b"0")
    partition = core.topics.get("logs").partition(0)
    attempts: queue.Queue[None] = queue.Queue()
    begin_flush = partition.log.writer.begin_flush

    def begin_and_tell():
        attempts.put(None)
        if attempts.qsize() == 1:
            raise KafkaStorageError("no room for the index")
        return begin_flush()

    partition.log.writer.begin_flush = begin_and_tell
    for seconds in range(1, 60):
        manual_clock.advance(1)
        threading.Event().wait(0.01 * seconds)
        if attempts.qsize() > 1:
            break
    assert attempts.qsize() > 1
    assert publish(core, "logs", b"1") == 1


def test_a_full_disk_is_one_line_in_the_log_and_room_again_another(
    core: BrokerCore, faulty_files: FaultyFiles, caplog: pytest.LogCaptureFixture
) -> None:
    publish(core, "logs", b"before")
    faulty_files.fail("writev", path="*.log", error=errno.ENOSPC, every=True)
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            with pytest.raises(KafkaStorageError):
                publish(core, "logs", b"refused")
        faulty_files.heal()
        publish(core, "logs", b"after")
    lines = [record.message for record in caplog.records if "appends are" in record.message]
    assert len(lines) == 2
    assert lines[0].startswith("logs/0: appends are refused: ")
    assert lines[1] == "logs/0: appends are taken again"


def test_deleting_a_topic_frees_its_space_also_after_an_append_was_refused(
    core: BrokerCore, faulty_files: FaultyFiles
) -> None:
    publish(core, "logs", b"before")
    faulty_files.fail("writev", path="*.log", error=errno.ENOSPC, every=True)
    with pytest.raises(KafkaStorageError):
        publish(core, "logs", b"refused")
    faulty_files.heal()
    gc.disable()
    try:
        core.topics.delete("logs")
        held = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd != "0"]
    except FileNotFoundError:
        held = []
    finally:
        gc.enable()
    assert not [name for name in held if name.endswith(".log (deleted)")]


def test_a_writer_that_could_not_be_started_keeps_nobody_from_stopping(
    start_core: StartCore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    core = start_core()
    core.topics.create("logs")

    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            publish(core, "logs", b"0")
    core.stop()
    assert (tmp_path / "data" / ".clean_shutdown").exists()
