"""What the writer promises: all or nothing, no fsync that did not happen, nothing taken from a reader."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from log_bench import START_MS, LogBench, batch, batch_of, config_of, offsets, read_all

from quekka.errors import CorruptMessageError, KafkaStorageError, OffsetOutOfRangeError
from quekka.formats.record_batch import iter_batches, read_header
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.files import IOV_MAX
from quekka.storage.log_writer import UNSYNCED_SEGMENTS_MAX, LogWriter

Make = Callable[..., LogBench]


def contents(log: LogBench) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in log.directory.iterdir()}


def segment_names(log: LogBench) -> list[int]:
    return [segment.base_offset for segment in log.view.segments]


# Appending


def test_offsets_and_leader_epoch_are_written_into_the_batches(bench: Make) -> None:
    log = bench()
    batches = [batch(b"a", b"b"), batch(b"c"), batch(b"d", b"e", b"f")]
    assert log.append(*batches) == [0, 2, 3]
    assert [read_header(made).base_offset for made in batches] == [0, 2, 3]
    assert {read_header(made).partition_leader_epoch for made in batches} == {0}
    assert log.paths(0).log.read_bytes() == b"".join(batches)
    assert log.log.writer.log_end_offset == 6
    assert log.append() == []


def test_memoryviews_are_taken_as_they_are(bench: Make) -> None:
    log = bench()
    buffer = bytearray(b"before") + batch(b"a") + batch(b"b")
    size_bytes = len(batch(b"a"))
    view = memoryview(buffer)
    assert log.append(view[6 : 6 + size_bytes], view[6 + size_bytes :]) == [0, 1]  # type: ignore[arg-type]
    assert log.paths(0).log.read_bytes() == buffer[6:]


def test_one_writev_takes_many_batches_and_no_more_than_the_system_allows(bench: Make) -> None:
    class CountingFiles(FaultyFiles):
        """Notes how many buffers each writev to a .log gets."""

        def __init__(self) -> None:
            super().__init__()
            self.runs: list[int] = []

        def writev(self, fd: int, buffers: object) -> int:
            if self._paths[fd].name.endswith(".log"):
                self.runs.append(len(buffers))  # type: ignore[arg-type]
            return super().writev(fd, buffers)  # type: ignore[arg-type]

    files = CountingFiles()
    log = bench(files=files)
    log.append(*(batch_of(100) for _ in range(IOV_MAX + 10)))
    assert files.runs == [IOV_MAX, 10]
    assert offsets(log.view) == list(range(IOV_MAX + 10))


def test_short_writes_go_on_until_all_is_written(bench: Make) -> None:
    files = FaultyFiles()
    log = bench(files=files)
    files.shorten_writes(33)
    log.append(*(batch_of(100) for _ in range(5)))
    assert offsets(log.view) == list(range(5))


@pytest.mark.parametrize(
    "buffer", [bytearray(60), bytearray(batch(b"a") + b"x"), batch(b"a")[:-1], batch(b"a") + batch(b"b")],
    ids=["no_header", "too_long", "cut", "two_batches"],
)  # fmt: skip
def test_a_buffer_that_is_not_one_batch_is_refused_with_all_others(bench: Make, buffer: bytearray) -> None:
    log = bench()
    log.fill(2)
    before = contents(log)
    with pytest.raises(CorruptMessageError, match="bytes"):
        log.append(batch(b"good"), buffer)
    assert contents(log) == before
    assert log.append(batch(b"next")) == [2]


# Rolling


def test_a_batch_that_does_not_fit_begins_a_new_segment_named_after_its_offset(bench: Make) -> None:
    log = bench(segment_bytes=250)
    log.append(*(batch_of(100) for _ in range(5)))
    assert segment_names(log) == [0, 2, 4]
    assert [segment.size_bytes for segment in log.view.segments] == [200, 200, 100]
    assert offsets(log.view) == list(range(5))


def test_a_segment_of_a_certain_age_is_rolled_by_the_records_time(bench: Make) -> None:
    log = bench(segment_ms=1000)
    for timestamp_ms in (START_MS, START_MS + 1000, START_MS + 1001, START_MS + 2001, START_MS + 2002):
        log.append(batch_of(100, timestamp_ms))
    assert segment_names(log) == [0, 2, 4]


def test_roll_seals_with_complete_index_files(bench: Make) -> None:
    log = bench(index_interval_bytes=150)
    log.fill(6)
    log.roll()
    assert segment_names(log) == [0, 6]
    assert len(log.paths(0).index.read_bytes()) == 2 * 8
    assert log.paths(0).time_index.read_bytes()[-12:] == (START_MS + 5).to_bytes(8) + (5).to_bytes(4)


def test_rolling_an_empty_segment_does_nothing(bench: Make) -> None:
    log = bench()
    log.roll()
    log.roll()
    assert segment_names(log) == [0]


def test_index_files_are_as_kafka_dump_log_wants_them(bench: Make) -> None:
    log = bench(index_interval_bytes=500, segment_bytes=10_000)
    for number in range(300):
        log.append(
            batch(*[b"v" * 20] * (1 + number % 5), timestamps_ms=[START_MS + number % 70] * (1 + number % 5))
        )
    log.close()
    log.open()
    assert len(log.view.segments) > 2
    for segment in log.view.segments:
        batches = dict(iter_batches(segment.path.read_bytes()))
        index = segment.path.with_suffix(".index").read_bytes()
        for at in range(0, len(index), 8):
            position = int.from_bytes(index[at + 4 : at + 8])
            assert batches[position].last_offset == segment.base_offset + int.from_bytes(index[at : at + 4])
        times = segment.path.with_suffix(".timeindex").read_bytes()
        entries = [
            (
                int.from_bytes(times[at : at + 8]),
                segment.base_offset + int.from_bytes(times[at + 8 : at + 12]),
            )
            for at in range(0, len(times), 12)
        ]
        by_last_offset = {header.last_offset: header.max_timestamp_ms for header in batches.values()}
        assert [by_last_offset[offset] for _, offset in entries] == [time for time, _ in entries]
        assert entries == sorted(set(entries))
        assert entries[-1][0] == max(by_last_offset.values())


# When the disk refuses


FAULTS = [
    ("writev", "*.log", errno.ENOSPC),
    ("writev", "*.log", errno.EIO),
    ("create", "*.log", errno.ENOSPC),
    ("create", "*.index", errno.EMFILE),
    ("create", "*.timeindex", errno.ENOSPC),
    ("writev", "*.index", errno.ENOSPC),
    ("writev", "*.timeindex", errno.ENOSPC),
    ("open_append", "*.index", errno.EMFILE),
]


@pytest.mark.parametrize(
    ("operation", "path", "error"),
    FAULTS,
    ids=[f"{operation}_{path}_{error}" for operation, path, error in FAULTS],
)
@pytest.mark.parametrize("on_call", [1, 2, 3])
def test_a_refused_append_leaves_no_trace_and_the_next_one_works(
    bench: Make, operation: str, path: str, error: int, on_call: int
) -> None:
    files = FaultyFiles()
    log = bench(files=files, segment_bytes=450, index_interval_bytes=150)
    log.fill(3)
    before, view = contents(log), log.view
    after_bytes = 130 if operation == "writev" and path == "*.log" else 0
    fault = files.fail(operation, path=path, on_call=on_call, error=error, after_bytes=after_bytes)
    with pytest.raises(KafkaStorageError) as caught:
        log.log.writer.append([batch_of(100) for _ in range(20)])
    assert fault.hits == 1
    assert str(log.directory) in caught.value.message
    assert contents(log) == before
    log.log.writer.publish()
    assert offsets(log.view) == offsets(view) == [0, 1, 2]
    assert log.log.writer.closed_reason is None
    assert log.append(*(batch_of(100) for _ in range(20)))[0] == 3
    assert offsets(log.view) == list(range(23))
    log.close()
    log.open()
    assert offsets(log.view) == list(range(23))


def test_reads_go_on_while_the_disk_is_full(bench: Make) -> None:
    files = FaultyFiles()
    log = bench(files=files)
    log.fill(10)
    files.fail("writev", every=True, error=errno.ENOSPC, after_bytes=50)
    for _ in range(3):
        with pytest.raises(KafkaStorageError, match="No space left on device"):
            log.append(batch_of(100))
        assert offsets(log.view) == list(range(10))
    files.heal()
    assert log.append(batch_of(100)) == [10]


def test_a_failed_cut_closes_the_log_to_appends_and_shows_nothing_of_it(bench: Make) -> None:
    files = FaultyFiles()
    log = bench(files=files)
    log.fill(3)
    files.fail("writev", error=errno.ENOSPC, after_bytes=50)
    files.fail("ftruncate")
    with pytest.raises(KafkaStorageError, match="No space left"):
        log.append(batch_of(100))
    with pytest.raises(
        KafkaStorageError, match=r"takes no appends: what a failed append .* could not be cut"
    ):
        log.append(batch_of(100))
    log.log.writer.publish()
    assert offsets(log.view) == [0, 1, 2]
    log.close()
    log.open()
    assert offsets(log.view) == [0, 1, 2]
    assert log.append(batch_of(100)) == [3]


def test_a_roll_that_fails_leaves_the_segment_as_it_was(bench: Make) -> None:
    files = FaultyFiles()
    log = bench(files=files)
    log.fill(3)
    before = contents(log)
    files.fail("writev", path="*.timeindex", error=errno.ENOSPC)
    with pytest.raises(KafkaStorageError, match=r"roll failed: .*No space left"):
        log.log.writer.roll()
    assert contents(log) == before
    log.roll()
    assert segment_names(log) == [0, 3]


# Bringing to disk


def test_what_was_flushed_survives_a_power_cut(bench: Make) -> None:
    files = FaultyFiles()
    log = bench(files=files, segment_bytes=500, index_interval_bytes=150)
    log.fill(12)
    log.log.writer.flush()
    assert log.log.writer.unflushed_records == 0
    log.fill(7)
    assert log.log.writer.unflushed_records == 7
    recovery_point = log.log.recovery_point
    log.abandon()
    files.lose_unsynced()
    log.open(recovery_point=recovery_point)
    assert recovery_point == 12
    assert offsets(log.view)[:12] == list(range(12))


def test_index_entries_of_a_roll_during_a_flush_are_synced_by_the_next_one(bench: Make) -> None:
    log = bench()
    writer = log.log.writer
    log.append(batch(b"a", b"b", timestamps_ms=(START_MS, START_MS + 5)))
    ticket = writer.begin_flush()
    writer.roll()
    ticket.sync()
    writer.finish_flush(ticket, None)
    synced = {Path(file.path) for sync in writer.begin_flush().segments for file in sync.files}
    assert log.paths(0).time_index in synced


def test_flushed_indexes_need_not_be_made_again(bench: Make, caplog: pytest.LogCaptureFixture) -> None:
    files = FaultyFiles()
    log = bench(files=files, segment_bytes=500, index_interval_bytes=150)
    log.fill(12)
    log.log.writer.flush()
    log.abandon()
    files.lose_unsynced()
    log.open(recovery_point=12)
    assert "making its indexes again" not in caplog.text


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("fdatasync", "*.log"),
        ("fdatasync", "*.index"),
        ("fdatasync", "*.timeindex"),
        ("fsync_directory", "*"),
    ],
)
def test_a_failed_sync_closes_the_log_to_appends_for_good_and_reads_go_on(
    bench: Make, operation: str, path: str
) -> None:
    files = FaultyFiles()
    log = bench(files=files, index_interval_bytes=0)
    log.fill(5)
    files.fail(operation, path=path)
    with pytest.raises(KafkaStorageError, match=r"flush failed: .*Input/output error"):
        log.log.writer.flush()
    assert log.log.recovery_point == 0
    for _ in range(2):
        with pytest.raises(KafkaStorageError, match="takes no appends: sync failed"):
            log.append(batch_of(100))
        with pytest.raises(KafkaStorageError, match="takes no appends: sync failed"):
            log.log.writer.flush()
    assert log.log.recovery_point == 0
    assert offsets(log.view) == list(range(5))
    log.close()
    log.open(recovery_point=0)
    assert log.append(batch_of(100)) == [5]


def test_a_full_disk_when_writing_indexes_is_no_failed_sync(bench: Make) -> None:
    files = FaultyFiles()
    log = bench(files=files, index_interval_bytes=0)
    log.fill(5)
    files.fail("writev", path="*.index", error=errno.ENOSPC, after_bytes=3)
    with pytest.raises(KafkaStorageError, match=r"flush failed: .*No space left"):
        log.log.writer.flush()
    assert log.append(batch_of(100)) == [5]
    log.log.writer.flush()
    assert log.log.recovery_point == 6
    assert len(log.paths(0).index.read_bytes()) == 5 * 8


def test_too_many_unsynced_segments_are_synced_by_the_next_append(bench: Make) -> None:
    log = bench(segment_bytes=100)
    for _ in range(3 * UNSYNCED_SEGMENTS_MAX):
        log.append(batch_of(100))
        assert len(log.log.writer._unsynced) <= UNSYNCED_SEGMENTS_MAX + 1
    assert log.log.recovery_point > 0


# Letting go


def filled(bench: Make, **options: object) -> LogBench:
    """Sealed segments 0-4, 5-9, 10-14, an active one with 15 and 16."""
    log = bench(**options)
    for count in (5, 5, 5, 2):
        log.roll()
        log.fill(count)
    return log


def test_the_log_start_moves_forward_only(bench: Make) -> None:
    log = filled(bench)
    log.log.writer.advance_log_start(7)
    log.log.writer.advance_log_start(3)
    assert log.view.log_start_offset == 7
    with pytest.raises(OffsetOutOfRangeError, match="offset 18 is after the log end offset 17"):
        log.log.writer.advance_log_start(18)
    log.log.writer.advance_log_start(17)
    assert log.view.read(17, 100).size_bytes == 0


@pytest.mark.parametrize(
    ("offset", "deleted", "start"), [(4, 0, 0), (5, 1, 5), (9, 1, 5), (14, 2, 10), (15, 3, 15), (17, 3, 15)]
)
def test_segments_all_of_whose_records_are_before_an_offset_are_deleted(
    bench: Make, offset: int, deleted: int, start: int
) -> None:
    log = filled(bench)
    assert log.log.writer.delete_segments_before(offset) == deleted
    assert log.view.log_start_offset == start
    assert offsets(log.view) == list(range(start, 17))
    assert {int(name[:20]) for name in log.names()} == set(segment_names(log))


def test_a_log_start_within_the_first_segment_stays(bench: Make) -> None:
    log = filled(bench)
    log.log.writer.advance_log_start(7)
    assert log.log.writer.delete_segments_before(7) == 1
    assert log.view.log_start_offset == 7


def test_the_view_without_them_is_published_before_files_are_unlinked(bench: Make) -> None:
    class WatchingFiles(FaultyFiles):
        """Looks at the view when a file goes."""

        def __init__(self) -> None:
            super().__init__()
            self.seen: list[list[int]] = []
            self.writer: LogWriter | None = None

        def unlink(self, path: str | Path) -> None:  # type: ignore[override]
            if self.writer is not None:
                self.seen.append([segment.base_offset for segment in self.writer.view.segments])
            super().unlink(path)

    files = WatchingFiles()
    log = filled(bench, files=files)
    files.writer = log.log.writer
    log.log.writer.delete_oldest(2)
    assert files.seen == [[10, 15]] * 6
    files.writer = None


def test_a_file_that_cannot_be_removed_is_told_and_the_log_goes_on(bench: Make) -> None:
    files = FaultyFiles()
    log = filled(bench, files=files)
    files.fail("unlink", path="*.log")
    with pytest.raises(KafkaStorageError, match=r"delete failed: .*Input/output error"):
        log.log.writer.delete_oldest(2)
    assert log.view.log_start_offset == 10
    assert log.append(batch_of(100)) == [17]


def test_deleting_more_than_there_are_leaves_the_active_segment(bench: Make) -> None:
    log = filled(bench)
    assert log.log.writer.delete_oldest(0) == 0
    assert log.log.writer.delete_oldest(99) == 3
    assert segment_names(log) == [15]


def test_unsynced_segments_can_be_deleted(bench: Make) -> None:
    log = filled(bench)
    log.log.writer.delete_oldest(3)
    log.log.writer.flush()
    assert log.log.recovery_point == 17


def test_segments_that_are_gone_are_not_replaced(bench: Make) -> None:
    log = filled(bench)
    old = log.view.sealed[:2]
    log.log.writer.delete_oldest(1)
    with pytest.raises(KafkaStorageError, match="the segments to replace are not in the log"):
        log.log.writer.replace_segments(old)
    assert offsets(log.view) == list(range(5, 17))


def test_a_replacement_without_its_files_changes_nothing(bench: Make) -> None:
    log = filled(bench)
    with pytest.raises(KafkaStorageError, match="replace failed"):
        log.log.writer.replace_segments(log.view.sealed[:2])
    assert offsets(log.view) == list(range(17))
    log.close()
    log.open()
    assert [record.offset for record in read_all(log.view)] == list(range(17))


def test_a_smaller_segment_size_takes_effect_at_once(bench: Make) -> None:
    log = bench()
    log.fill(5)
    log.log.config = config_of(segment_bytes=100)
    log.append(batch_of(100), batch_of(100))
    assert segment_names(log) == [0, 5, 6]
