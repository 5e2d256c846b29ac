"""A group with idempotent producers, through the writer's thread: each command has its own answer."""

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from broker_helpers import StartCore, batch_of, values_of
from log_bench import batch_by

from quekka.broker.append_future import AppendFuture
from quekka.broker.broker import BrokerCore
from quekka.broker.partition import Partition
from quekka.clock import ManualClock
from quekka.errors import (
    DuplicateSequenceNumberError,
    InvalidProducerEpochError,
    KafkaStorageError,
    OutOfOrderSequenceNumberError,
)
from quekka.formats.record_batch import iter_batches, read_header
from quekka.storage.faulty_files import FaultyFiles


def append_by(partition: Partition, *batches: bytearray) -> AppendFuture:
    headers = [read_header(batch) for batch in batches]
    return partition.append(batches, sum(header.records_count for header in headers), headers=headers)


def sequences_in(partition: Partition) -> list[tuple[int, int]]:
    """Offset and base sequence of every batch in the log."""
    found = []
    view, offset = partition.view(), 0
    while offset < view.log_end_offset:
        for _, header in iter_batches(view.read(offset, 1 << 20).read()):
            found.append((header.base_offset, header.base_sequence))
            offset = header.next_offset
    return found


@pytest.fixture
def partition(core: BrokerCore) -> Partition:
    return core.topics.create("logs").partition(0)


@contextmanager
def as_one_group(partition: Partition) -> Iterator[None]:
    """What is queued within is served by the writer at once: it is held until the end."""
    entered, go_on = threading.Event(), threading.Event()
    writer = partition.log.writer
    publish = writer.publish

    def held_publish() -> object:
        entered.set()
        assert go_on.wait(10)
        writer.publish = publish  # type: ignore[method-assign]
        return publish()

    writer.publish = held_publish  # type: ignore[assignment,method-assign]
    held = partition.append([batch_of([b"held"], 1)], 1)
    assert entered.wait(10)
    yield
    go_on.set()
    held.wait()


def test_a_retry_is_answered_with_the_offset_of_the_first_try(partition: Partition) -> None:
    assert append_by(partition, batch_by(7, 0, 3)).wait() == 0
    assert append_by(partition, batch_by(7, 3)).wait() == 3
    retry = append_by(partition, batch_by(7, 0, 3, timestamp_ms=99))
    assert retry.wait() == 0
    assert retry.duplicate_of is not None
    assert retry.duplicate_of.timestamp_ms != 99
    assert sequences_in(partition) == [(0, 0), (3, 3)]
    assert append_by(partition, batch_by(7, 4)).duplicate_of is None


def test_each_command_of_a_group_has_its_own_answer(partition: Partition) -> None:
    with as_one_group(partition):
        first = append_by(partition, batch_by(7, 0, 2))
        plain = partition.append([batch_of([b"a", b"b"], 1)], 2)
        retry = append_by(partition, batch_by(7, 0, 2))
        gap = append_by(partition, batch_by(7, 5))
        following = append_by(partition, batch_by(7, 2), batch_by(7, 3))
        new_epoch = append_by(partition, batch_by(7, 0, epoch=1))
        fenced = append_by(partition, batch_by(7, 4))
        mixed = append_by(partition, batch_by(7, 0, epoch=1), batch_by(7, 1, epoch=1))
    assert [future.wait() for future in (first, plain, retry, following, new_epoch)] == [1, 3, 1, 5, 7]
    for future, error in (
        (gap, OutOfOrderSequenceNumberError),
        (fenced, InvalidProducerEpochError),
        (mixed, DuplicateSequenceNumberError),
    ):
        with pytest.raises(error):
            future.wait()
    assert sequences_in(partition) == [(0, -1), (1, 0), (3, -1), (5, 2), (6, 3), (7, 0)]
    assert retry.duplicate_of is not None
    assert [future.duplicate_of for future in (first, plain, following, new_epoch)] == [None] * 4


def test_partitions_have_their_own_sequences(core: BrokerCore) -> None:
    topic = core.topics.create("logs", partitions=2)
    for partition in topic.partitions:
        assert append_by(partition, batch_by(7, 0)).wait() == 0


def test_a_group_that_could_not_be_written_fails_with_its_duplicates_and_can_be_sent_again(
    partition: Partition, faulty_files: FaultyFiles
) -> None:
    append_by(partition, batch_by(7, 0)).wait()
    with as_one_group(partition):
        faulty_files.fail("writev", path="*.log", error=errno.ENOSPC)
        futures = [
            append_by(partition, batch_by(7, 1)),
            append_by(partition, batch_by(7, 1)),
            append_by(partition, batch_by(7, 0)),
        ]
        refused = append_by(partition, batch_by(7, 9))
    for future in futures:
        with pytest.raises(KafkaStorageError):
            future.wait()
    with pytest.raises(OutOfOrderSequenceNumberError):
        refused.wait()
    assert append_by(partition, batch_by(7, 1)).wait() == 2
    assert sequences_in(partition) == [(0, 0), (1, -1), (2, 1)]


def test_a_log_closed_to_appends_answers_no_retry(start_core: StartCore, faulty_files: FaultyFiles) -> None:
    core = start_core({"log.flush.interval.messages": "1"})
    partition = core.topics.create("logs").partition(0)
    append_by(partition, batch_by(7, 0)).wait()
    faulty_files.fail("fdatasync", path="*.log")
    for _ in range(2):
        with pytest.raises(KafkaStorageError):
            append_by(partition, batch_by(7, 1)).wait()
    with pytest.raises(KafkaStorageError, match="takes no appends"):
        append_by(partition, batch_by(7, 0)).wait()


def test_a_retry_of_what_could_not_be_flushed_waits_for_the_flush(
    start_core: StartCore, faulty_files: FaultyFiles
) -> None:
    core = start_core({"log.flush.interval.messages": "1", "log.index.interval.bytes": "0"})
    partition = core.topics.create("logs").partition(0)
    append_by(partition, batch_by(7, 0)).wait()
    faulty_files.fail("writev", path="*.index", error=errno.ENOSPC, every=True)
    for _ in range(2):  # the first try and a retry
        with pytest.raises(KafkaStorageError, match="flush failed"):
            append_by(partition, batch_by(7, 1)).wait()
    faulty_files.heal()
    assert append_by(partition, batch_by(7, 1)).wait() == 1
    assert partition.log.recovery_point == 2
    assert sequences_in(partition) == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("settings", "advance_s", "others", "accepted"),
    [
        ({"producer.id.expiration.ms": "1000"}, 0.9, 0, False),
        ({"producer.id.expiration.ms": "1000"}, 1.0, 0, True),
        ({"producer.ids.max": "3"}, 0, 2, False),
        ({"producer.ids.max": "3"}, 0, 3, True),
    ],
    ids=["not_yet_expired", "expired", "room", "pushed_out"],
)
def test_a_producer_that_was_forgotten_may_go_on_anywhere(
    start_core: StartCore,
    manual_clock: ManualClock,
    settings: dict[str, str],
    advance_s: float,
    others: int,
    accepted: bool,
) -> None:
    partition = start_core(settings).topics.create("logs").partition(0)
    append_by(partition, batch_by(7, 0)).wait()
    manual_clock.advance(advance_s)
    for producer_id in range(100, 100 + others):
        append_by(partition, batch_by(producer_id, 0)).wait()
    future = append_by(partition, batch_by(7, 41))
    if accepted:
        assert future.wait() == 1 + others
    else:
        with pytest.raises(OutOfOrderSequenceNumberError):
            future.wait()


def test_many_threads_that_send_everything_twice_leave_it_there_once(partition: Partition) -> None:
    def produce(producer_id: int) -> None:
        for number in range(60):
            tries = [append_by(partition, batch_by(producer_id, number)) for _ in range(2)]
            assert len({future.wait() for future in tries}) == 1

    run_all([lambda producer_id=producer_id: produce(producer_id) for producer_id in range(4)])
    expected = [b"%d/%d" % (producer_id, number) for producer_id in range(4) for number in range(60)]
    assert sorted(values_of(partition), key=str) == sorted(expected, key=str)


def run_all(works: list[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_appends_without_producers_are_not_checked(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(*args: object) -> None:
        raise AssertionError("this costs something")

    monkeypatch.setattr("quekka.broker.topic_writer.check_appends", checked)
    made = batch_of([b"a"], 1)
    assert partition.append([made], 1, headers=[read_header(made)]).wait() == 0
    assert partition.append([batch_of([b"b"], 1)], 1).wait() == 1
