"""LogCleaner on real logs: the last record of every key stays, readable, across restarts and crashes."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from quekka.clock import ManualClock
from quekka.errors import CorruptMessageError, KafkaStorageError
from quekka.formats.record import Record
from quekka.formats.record_batch import iter_batches, iter_records
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage import batch_filter, segment_rewriter
from quekka.storage.batch_reader import BatchBytes
from quekka.storage.checkpoint_file import CLEANER_OFFSET_NAME, CheckpointFile
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.file_cache import FileCache, OpenFile
from quekka.storage.key_offsets import KeyOffsets
from quekka.storage.log_cleaner import LogCleaner, LogCleaningAborted
from quekka.storage.log_config import LogConfig
from quekka.storage.partition_log import PartitionLog

SETTINGS = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0", "delete.retention.ms": "1000"}


class Bench:
    """One compacted partition that can be appended to, cleaned and opened again."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.files = FaultyFiles()
        self.clock = ManualClock()
        self.directory = directory / "topic" / "0"
        self.directory.parent.mkdir(parents=True)
        given = {name.replace("_", "."): value for name, value in settings.items()}
        self.config = LogConfig.from_settings(SETTINGS | given)
        self.open()

    def open(self, recovery_point: int | None = None) -> None:
        self.cache = FileCache(self.files, 100)
        self.log = PartitionLog.open(
            self.directory, config=self.config, files=self.files, file_cache=self.cache, clock=self.clock,
            recovery_point=recovery_point,
        )  # fmt: skip

    def close(self) -> None:
        self.log.close()
        self.cache.close_all()

    def append(
        self,
        *records: tuple[bytes | None, bytes | None],
        codec: int = 0,
        producer_id: int = -1,
        txn: bool = False,
    ) -> None:
        builder = BatchBuilder(self.clock.wall_ms())
        for key, value in records:
            builder.append(key, value)
        if producer_id >= 0:
            builder.set_producer(producer_id, 0, 0, is_transactional=txn)
        self.log.writer.append([builder.build(codec)])
        self.log.writer.publish()

    def roll(self) -> None:
        self.log.writer.roll()
        self.log.writer.publish()

    def clean(self, keys_max: int = 1000) -> int:
        """Number of segments that were replaced; all is on the disk before."""
        self.log.writer.flush()
        count = 0
        for group in LogCleaner(self.files, keys_max).clean(self.log, self.clock.wall_ms()):
            self.log.writer.replace_segments(group)
            count += len(group)
        return count

    def batches(self) -> list[bytes]:
        view = self.log.view
        found: list[bytes] = []
        for segment in view.segments:
            data = segment.log_file.get().read(0, segment.size_bytes) if segment.size_bytes else b""
            found += [data[at : at + header.size_bytes] for at, header in iter_batches(data)]
        return found

    def records(self) -> list[Record]:
        return [record for batch in self.batches() for record in iter_records(batch)]

    def contents(self) -> list[tuple[int, bytes | None, bytes | None]]:
        return [(record.offset, record.key, record.value) for record in self.records()]

    def names(self) -> set[str]:
        return {path.name for path in self.directory.iterdir()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def test_a_replacement_that_failed_half_way_is_finished_by_the_next_pass(bench: Bench) -> None:
    for value in (b"1", b"2", b"3"):
        bench.append((b"a", value))
        bench.roll()
    before = bench.log.view
    bench.files.fail("unlink", path="*1.log")
    with pytest.raises(KafkaStorageError, match="replace failed"):
        bench.clean()
    assert [value for _, _, value in bench.contents()] == [b"1", b"2", b"3"]
    bench.append((b"a", b"4"))
    bench.files.heal()
    assert bench.clean() == 3
    assert bench.contents() == [(2, b"a", b"3"), (3, b"a", b"4")]
    bench.roll()
    assert bench.clean() == 2
    assert bench.contents() == [(3, b"a", b"4")]
    assert not any(name.endswith(".swap") for name in bench.names())
    assert len(before.sealed) == 3


def test_a_replacement_whose_old_segments_were_deleted_waits_for_the_next_open(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for value in (b"1", b"2", b"3"):
        bench.append((b"a", value))
        bench.roll()
    bench.files.fail("unlink", path="*1.log")
    with pytest.raises(KafkaStorageError, match="replace failed"):
        bench.clean()
    bench.files.heal()
    bench.log.writer.delete_segments_before(1)
    cleaner = LogCleaner(bench.files, 1000)
    for _ in range(2):
        assert list(cleaner.clean(bench.log, bench.clock.wall_ms())) == []
    assert caplog.text.count("is cleaned no more until it is opened again") == 1
    bench.close()
    bench.open()
    assert [value for _, _, value in bench.contents()] == [b"3"]


def test_after_a_replacement_whose_sync_failed_a_log_is_cleaned_again_once_it_was_opened(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for value in (b"1", b"2", b"3"):
        bench.append((b"a", value))
        bench.roll()
    bench.log.writer.flush()
    bench.files.fail("fsync_directory", path="*/0", on_call=4)  # of the first after the decision
    with pytest.raises(KafkaStorageError, match="replace failed"):
        bench.clean()
    bench.files.heal()
    bench.append((b"a", b"4"))
    cleaner = LogCleaner(bench.files, 1000)
    for _ in range(2):
        assert list(cleaner.clean(bench.log, bench.clock.wall_ms())) == []
    assert caplog.text.count("is cleaned no more until it is opened again") == 1
    assert bench.contents()[-1] == (3, b"a", b"4")
    bench.close()
    bench.open()
    assert bench.contents() == [(2, b"a", b"3"), (3, b"a", b"4")]


def test_the_last_record_of_every_key_stays(bench: Bench) -> None:
    bench.append((b"a", b"1"), (b"b", b"1"), (b"a", b"2"))
    bench.append((b"c", b"1"), (b"a", b"3"))
    bench.roll()
    bench.append((b"a", b"4"))
    assert bench.clean() == 1
    assert bench.contents() == [(1, b"b", b"1"), (3, b"c", b"1"), (4, b"a", b"3"), (5, b"a", b"4")]
    assert bench.log.view.log_end_offset == 6
    assert bench.log.view.log_start_offset == 0


def test_the_active_segment_is_never_touched(bench: Bench) -> None:
    bench.append((b"a", b"1"), (b"a", b"2"))
    before = bench.batches()
    assert bench.clean() == 0
    assert bench.batches() == before


def test_what_is_cleaned_survives_a_restart(bench: Bench) -> None:
    for value in range(20):
        bench.append((b"a", b"%d" % value), (b"k%d" % value, b"x"), codec=value % 2)
        if value % 5 == 4:
            bench.roll()
    bench.clean()
    before = bench.contents()
    assert len(before) == 21
    bench.close()
    bench.open()
    assert bench.contents() == before
    bench.close()
    bench.open(recovery_point=0)
    assert bench.contents() == before
    assert not any(name.endswith((".cleaned", ".swap", ".broken")) for name in bench.names())


def test_a_second_pass_finds_nothing_to_do(bench: Bench) -> None:
    bench.append((b"a", b"1"), (b"a", b"2"))
    bench.roll()
    assert bench.clean() == 1
    assert CheckpointFile(bench.directory.parent, CLEANER_OFFSET_NAME).read() == {0: 2}
    assert bench.clean() == 0


def test_a_damaged_checkpoint_means_cleaning_all_again(bench: Bench) -> None:
    bench.append((b"a", b"1"), (b"a", b"2"))
    bench.roll()
    bench.clean()
    (bench.directory.parent / CLEANER_OFFSET_NAME).write_bytes(b"nonsense")
    assert bench.clean() == 0  # it reads all, and finds every batch as it should be
    assert CheckpointFile(bench.directory.parent, CLEANER_OFFSET_NAME).read() == {0: 2}


def test_segments_that_become_small_are_merged(bench: Bench) -> None:
    for value in range(5):
        bench.append((b"a", b"%d" % value))
        bench.roll()
    assert len(bench.log.view.sealed) == 5
    assert bench.clean() == 5
    assert len(bench.log.view.sealed) == 1
    assert bench.contents() == [(4, b"a", b"4")]


def test_offsets_in_gaps_lead_to_the_next_record(bench: Bench) -> None:
    for value in range(5):
        bench.append((b"a", b"%d" % value))
    bench.roll()
    bench.append((b"z", b""))
    bench.clean()
    data = bench.log.view.read(1, 1000).read()
    assert [record.offset for record in iter_records(data)] == [4]


def test_a_batch_in_which_nothing_is_superseded_is_copied_byte_for_byte(bench: Bench) -> None:
    bench.append((b"b", b"1"), (b"c", b"1"), codec=1)
    bench.append((b"a", b"1"))
    bench.append((b"a", b"2"))
    bench.roll()
    before = bench.batches()
    bench.clean()
    assert bench.batches() == [before[0], before[2]]


def test_a_segment_of_superseded_records_keeps_an_empty_last_batch(bench: Bench) -> None:
    bench.append((b"a", b"1"))
    bench.append((b"a", b"2"))
    bench.roll()
    bench.config = bench.log.config = LogConfig.from_settings(SETTINGS | {"segment.bytes": "100"})
    bench.append((b"a", b"3"))
    bench.roll()
    assert bench.clean() == 1
    (empty, last) = bench.batches()
    assert list(iter_records(empty)) == []
    assert [record.value for record in iter_records(last)] == [b"3"]
    bench.append((b"a", b"4"))
    bench.roll()
    bench.clean()
    assert bench.contents() == [(3, b"a", b"4")]


def test_tombstones_stay_for_their_retention_and_then_go(bench: Bench) -> None:
    bench.append((b"a", b"1"), (b"b", b"1"))
    bench.append((b"a", None))
    bench.append((b"z", b"1"))
    bench.roll()
    bench.clean()
    assert bench.contents() == [(1, b"b", b"1"), (2, b"a", None), (3, b"z", b"1")]
    times = [record.timestamp_ms for record in bench.records()]
    bench.clock.advance(ms=999)
    bench.append((b"x", b"1"))
    bench.roll()
    bench.clean()
    assert (2, b"a", None) in bench.contents()
    assert [record.timestamp_ms for record in bench.records()][:3] == times
    bench.clock.advance(ms=1)
    bench.append((b"y", b"1"))
    bench.roll()
    bench.clean()
    assert [key for _, key, _ in bench.contents()] == [b"b", b"z", b"x", b"y"]


def test_records_without_a_key_go(bench: Bench) -> None:
    bench.append((None, b"1"), (b"a", b"1"))
    bench.roll()
    bench.clean()
    assert bench.contents() == [(1, b"a", b"1")]


def test_a_producers_last_batch_stays_though_empty_until_it_expires(bench: Bench) -> None:
    bench.append((b"a", b"1"), producer_id=7)
    bench.append((b"a", b"2"), producer_id=7)
    bench.append((b"a", b"3"), (b"b", b"1"))
    bench.roll()
    bench.clean()
    assert [len(list(iter_records(batch))) for batch in bench.batches()] == [0, 2]
    bench.clock.advance(24 * 3600)
    bench.append((b"c", b"1"))
    bench.roll()
    bench.clean()
    assert [len(list(iter_records(batch))) for batch in bench.batches()] == [2, 1]


def test_records_of_transactions_supersede_no_others(bench: Bench) -> None:
    bench.append((b"a", b"committed"))
    bench.append((b"a", b"perhaps aborted"), producer_id=7, txn=True)
    bench.append((b"z", b""))
    bench.roll()
    bench.clean()
    assert [value for _, _, value in bench.contents()] == [b"committed", b"perhaps aborted", b""]


def test_more_keys_than_there_is_room_for_are_cleaned_in_several_passes(bench: Bench) -> None:
    for value in range(3):
        for key in range(6):
            bench.append((b"%d" % key, b"%d" % value))
    bench.roll()
    checkpoint = CheckpointFile(bench.directory.parent, CLEANER_OFFSET_NAME)
    cleaned_to: list[int] = []
    while cleaned_to[-1:] != [18]:
        bench.clean(keys_max=4)
        cleaned_to.append((checkpoint.read() or {})[0])
    assert cleaned_to == [4, 8, 12, 16, 18]
    assert bench.contents() == [(12 + key, b"%d" % key, b"2") for key in range(6)]


def test_one_batch_with_more_keys_than_there_is_room_for_is_cleaned_in_several_passes(bench: Bench) -> None:
    records = [(b"%d" % key, b"%d" % value) for value in range(2) for key in range(6)]
    bench.append(*records[:6])
    bench.append(*records[6:], codec=1)
    bench.roll()
    checkpoint = CheckpointFile(bench.directory.parent, CLEANER_OFFSET_NAME)
    cleaned_to: list[int] = []
    while cleaned_to[-1:] != [12]:
        bench.clean(keys_max=4)
        cleaned_to.append((checkpoint.read() or {})[0])
    assert cleaned_to == [4, 8, 12]
    assert bench.contents() == [(6 + key, b"%d" % key, b"1") for key in range(6)]


def test_a_tombstone_in_a_batch_that_is_read_in_parts_goes_after_what_it_deletes(bench: Bench) -> None:
    """The horizon is the whole batch's, so it is set by the pass that has read the last tombstone."""
    bench.append((b"a", b"1"), (b"b", b"1"), (b"c", b"1"))
    bench.append((b"a", None), (b"z", b"1"), (b"b", None), (b"c", None))
    bench.roll()
    found: list[set[bytes | None]] = []
    for _ in range(5):
        bench.clean(keys_max=2)
        found.append({key for _, key, value in bench.contents() if value is not None})
        bench.clock.advance(ms=1000)
        bench.append((b"z", b"1"))
        bench.roll()
    assert all(later <= earlier for earlier, later in pairwise(found)), "a deleted key came back"
    bench.clean()
    assert [key for _, key, _ in bench.contents()] == [b"z"]


@pytest.mark.parametrize("batches", range(1, 19))
def test_an_aborted_pass_handles_no_further_batch_and_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    """Six batches are read for their keys, then for their producers, then to be written."""
    for value in range(6):
        bench.append((b"a", b"%d" % value), producer_id=7)
    bench.roll()
    bench.log.writer.flush()
    before = bench.contents()
    cleaner = LogCleaner(bench.files, 1000)
    handled = 0
    read_batches = segment_rewriter.read_batches

    def count_and_abort(file: OpenFile, position: int, end: int) -> Iterator[BatchBytes]:
        nonlocal handled
        for batch in read_batches(file, position, end):
            handled += 1
            yield batch
            if handled == batches - 1:
                cleaner.abort()

    monkeypatch.setattr(segment_rewriter, "read_batches", count_and_abort)
    if batches == 1:
        cleaner.abort()
    with pytest.raises(LogCleaningAborted):
        list(cleaner.clean(bench.log, bench.clock.wall_ms()))
    assert handled <= batches
    monkeypatch.undo()
    assert not any(name.endswith(".cleaned") for name in bench.names())
    assert bench.contents() == before
    assert bench.clean() == 1
    assert bench.contents() == before[-1:]


@pytest.mark.parametrize("phase", ["reading keys", "filtering"])
def test_a_pass_is_aborted_in_the_middle_of_a_large_batch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    monkeypatch.setattr(batch_filter, "PIECE_RECORDS", 3)
    bench.append(*[(b"%d" % (number % 7), b"") for number in range(30)])
    bench.roll()
    bench.log.writer.flush()
    cleaner = LogCleaner(bench.files, 1000)
    name = "add" if phase == "reading keys" else "is_superseded"
    method = getattr(KeyOffsets, name)
    records = 0

    def count_and_abort(keys: KeyOffsets, key: bytes, offset: int) -> bool:
        nonlocal records
        records += 1
        if records == 10:
            cleaner.abort()
        return bool(method(keys, key, offset))

    monkeypatch.setattr(KeyOffsets, name, count_and_abort)
    with pytest.raises(LogCleaningAborted):
        list(cleaner.clean(bench.log, bench.clock.wall_ms()))
    assert records == 12
    assert not any(name.endswith(".cleaned") for name in bench.names())


def test_compaction_waits_for_min_compaction_lag(tmp_path: Path) -> None:
    bench = Bench(tmp_path, min_compaction_lag_ms="60000")
    bench.append((b"a", b"1"), (b"a", b"2"))
    bench.roll()
    assert bench.clean() == 0
    bench.clock.advance(60)
    assert bench.clean() == 1
    bench.close()


def test_a_damaged_batch_stops_the_pass_and_changes_nothing(bench: Bench) -> None:
    bench.append((b"a", b"first"), (b"a", b"2"))
    bench.roll()
    path = bench.log.view.sealed[0].path
    data = path.read_bytes().replace(b"first", b"fIrst")
    path.write_bytes(data)
    with pytest.raises(CorruptMessageError, match=r"00000000000000000000\.log: byte 0: .*CRC-32C"):
        bench.clean()
    assert path.read_bytes() == data
    assert not any(name.endswith(".cleaned") for name in bench.names())


@pytest.mark.parametrize(
    "operation", ["create", "writev", "fdatasync", "fsync", "replace", "fsync_directory"]
)
def test_a_disk_error_leaves_the_log_as_it_was(bench: Bench, operation: str) -> None:
    bench.append((b"a", b"1"), (b"a", b"2"))
    bench.roll()
    bench.log.writer.flush()
    before = bench.contents()
    fault = bench.files.fail(operation)
    with pytest.raises(OSError, match="Input/output error"):
        bench.clean()
    assert fault.hits == 1
    assert bench.contents() == before
    assert not any(name.endswith(".cleaned") for name in bench.names())
    bench.files.heal()
    assert bench.clean() == 1
    assert bench.contents() == [(1, b"a", b"2")]


def test_a_power_cut_before_the_replacement_loses_nothing(bench: Bench) -> None:
    bench.append((b"a", b"1"), (b"a", b"2"))
    bench.roll()
    bench.log.writer.flush()
    passing = LogCleaner(bench.files, 1000).clean(bench.log, bench.clock.wall_ms())
    next(passing)
    before = bench.contents()
    bench.close()
    bench.files.lose_unsynced()
    bench.open(recovery_point=0)
    assert bench.contents() == before
    assert not any(name.endswith(".cleaned") for name in bench.names())


def test_random_logs_read_as_the_last_value_of_every_key(tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    bench = Bench(tmp_path, segment_bytes="600", index_interval_bytes="100")
    expected: dict[bytes, tuple[int, bytes | None]] = {}
    appended: dict[int, tuple[bytes, bytes | None]] = {}
    offset = 0
    for _ in range(60):
        records = []
        for _ in range(generator.randrange(1, 6)):
            key = generator.choice([b"%d" % generator.randrange(12), b"long" * 20])
            value = None if generator.random() < 0.2 else generator.randbytes(generator.randrange(20))
            records.append((key, value))
            expected[key] = (offset, value)
            appended[offset] = (key, value)
            offset += 1
        bench.append(*records, codec=generator.randrange(2), producer_id=generator.randrange(-1, 3))
        bench.clock.advance(ms=generator.randrange(400))
        if generator.random() < 0.2:
            bench.clean(keys_max=generator.choice([3, 1000]))
        if generator.random() < 0.1:
            bench.close()
            bench.open(recovery_point=generator.choice([None, 0]))
    found = {offset: (key, value) for offset, key, value in bench.contents()}
    assert found.items() <= appended.items()
    for key, (last, value) in expected.items():
        assert found.get(last) == (key, value) or value is None
    _assert_compacted(bench, expected)
    assert bench.log.view.log_end_offset == offset
    bench.close()


def _assert_compacted(bench: Bench, expected: dict[bytes, tuple[int, bytes | None]]) -> None:
    """After a pass no superseded record is left outside the active segment."""
    bench.roll()
    while bench.clean():
        pass
    assert all(expected[key][0] == offset for offset, key, _ in bench.contents() if key is not None)
