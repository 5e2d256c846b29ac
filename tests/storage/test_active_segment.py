"""The segment that is written: rolling, marks, and which files are open when."""

import os
from pathlib import Path

import pytest
from log_bench import START_MS, batch_of, config_of, context_of

from quekka.errors import KafkaStorageError
from quekka.storage.active_segment import ActiveSegment
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.log_config import LogConfig


def segment_with(tmp_path: Path, *timestamps_ms: int, size_bytes: int = 100) -> ActiveSegment:
    """One batch of `size_bytes` with one record for each timestamp; base offset 50."""
    segment = ActiveSegment.create(context_of(tmp_path), 50)
    for timestamp_ms in timestamps_ms:
        add(segment, timestamp_ms, size_bytes)
    return segment


def add(segment: ActiveSegment, timestamp_ms: int = START_MS, size_bytes: int = 100) -> None:
    segment.add(segment.next_offset + 1, size_bytes, timestamp_ms, 150)
    segment.write([batch_of(size_bytes, timestamp_ms)])


@pytest.mark.parametrize(
    ("settings", "size_bytes", "last_offset", "timestamp_ms", "rolls"),
    [
        ({"segment_bytes": 300}, 100, 52, START_MS, False),
        ({"segment_bytes": 300}, 101, 52, START_MS, True),
        ({"segment_ms": 1000}, 100, 52, START_MS + 1000, False),
        ({"segment_ms": 1000}, 100, 52, START_MS + 1001, True),
        ({"segment_ms": 1000}, 100, 52, START_MS - 5000, False),
        ({}, 100, 50 + 2**31 - 1, START_MS, False),
        ({}, 100, 50 + 2**31, START_MS, True),
        ({"segment_index_bytes": 16}, 100, 52, START_MS, False),
        ({"segment_index_bytes": 12}, 100, 52, START_MS, False),
    ],
    ids=[
        "size_fits", "size_is_too_much", "time_is_not_over", "time_is_over", "older_than_the_first",
        "last_relative_offset", "relative_offset_overflow", "index_has_room", "index_without_an_entry_yet",
    ],
)  # fmt: skip
def test_when_to_roll(
    tmp_path: Path,
    settings: dict[str, int],
    size_bytes: int,
    last_offset: int,
    timestamp_ms: int,
    rolls: bool,
) -> None:
    segment = segment_with(tmp_path, START_MS, START_MS + 500)
    assert segment.must_roll(config_of(**settings), size_bytes, last_offset, timestamp_ms) is rolls


@pytest.mark.parametrize(
    ("timestamps_ms", "index_bytes", "rolls"),
    [
        ([1, 2, 3], 12, True),
        ([1, 2, 3], 23, True),
        ([1, 2, 3], 24, False),
        ([5, 5, 5, 5, 5], 24, False),
        ([1, 2, 3, 4, 5], 24, True),
    ],
    ids=["one_entry_is_all", "one_time_entry_is_all", "room_for_two", "times_do_not_grow", "both_have_two"],
)
def test_a_full_index_rolls(tmp_path: Path, timestamps_ms: list[int], index_bytes: int, rolls: bool) -> None:
    segment = segment_with(tmp_path, *timestamps_ms)
    config = config_of(segment_index_bytes=index_bytes)
    assert segment.must_roll(config, 100, segment.next_offset, timestamps_ms[-1]) is rolls


def test_an_empty_segment_takes_any_batch(tmp_path: Path) -> None:
    segment = segment_with(tmp_path)
    assert not segment.must_roll(config_of(segment_bytes=100, segment_ms=1), 5000, 50, START_MS)


def test_records_without_a_time_roll_by_the_clock(tmp_path: Path) -> None:
    segment = segment_with(tmp_path, -1)
    config = config_of(segment_ms=1000)
    assert not segment.must_roll(config, 100, 51, -1)
    segment._context.clock.advance(ms=1001)  # type: ignore[attr-defined]
    assert segment.must_roll(config, 100, 51, -1)
    assert segment.must_roll(config, 100, 51, START_MS)


def test_restore_and_cut_files_leave_what_was_there_at_the_mark(tmp_path: Path) -> None:
    segment = segment_with(tmp_path, 1, 2, 3)
    segment.write_indexes()
    mark, files = segment.mark(), [path.read_bytes() for path in segment.paths]
    for timestamp_ms in range(10, 20):
        add(segment, timestamp_ms)
    segment.seal()
    segment.restore(mark)
    segment.cut_files()
    assert segment.mark() == mark
    assert [path.read_bytes() for path in segment.paths] == files
    add(segment, 30)
    assert segment.view().locate(53, 1) == (300, 100)


def test_the_log_is_held_open_only_while_there_is_something_to_sync(tmp_path: Path) -> None:
    segment = segment_with(tmp_path, 1, 2, 3)
    segment.write_indexes()
    files = segment.unsynced_files()
    assert [Path(file.path).name[20:] for file in files] == [".log", ".index", ".timeindex"]
    add(segment, 4)
    segment.was_synced(300, files)
    assert [Path(file.path).name[20:] for file in segment.unsynced_files()] == [".log"]
    segment.was_synced(400, segment.unsynced_files())
    assert segment.unsynced_files() == ()
    add(segment, 5)
    assert segment.paths.log.stat().st_size == 500


def test_a_file_that_another_process_changed_is_not_appended_to(tmp_path: Path) -> None:
    segment = segment_with(tmp_path, 1)
    segment.was_synced(100, ())
    with segment.paths.log.open("ab") as file:
        file.write(b"intruder")
    with pytest.raises(KafkaStorageError, match="has 108 bytes instead of 100: changed by another process"):
        add(segment)


@pytest.mark.parametrize("suffix", [".log", ".index", ".timeindex"])
def test_a_segment_that_cannot_be_created_leaves_no_files(tmp_path: Path, suffix: str) -> None:
    files = FaultyFiles()
    files.fail("create", path=f"*{suffix}", error=28)
    with pytest.raises(OSError, match="No space left"):
        ActiveSegment.create(context_of(tmp_path, files), 0)
    assert os.listdir(tmp_path) == []


def test_a_stale_index_beside_a_new_log_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000000.index").write_bytes(b"another life")
    segment = ActiveSegment.create(context_of(tmp_path), 0)
    assert segment.paths.index.read_bytes() == b""


def test_a_log_of_that_name_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000000.log").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        ActiveSegment.create(context_of(tmp_path), 0)
    assert (tmp_path / "00000000000000000000.log").read_bytes() == b"precious"


def test_an_index_that_cannot_be_written_is_written_whole_the_next_time(tmp_path: Path) -> None:
    files = FaultyFiles()
    segment = ActiveSegment.create(context_of(tmp_path, files), 0)
    for timestamp_ms in range(5):
        add(segment, timestamp_ms)
    files.fail("writev", path="*.index", error=28, after_bytes=5)
    with pytest.raises(OSError, match="No space left"):
        segment.write_indexes()
    assert len(segment.paths.index.read_bytes()) == 5
    segment.write_indexes()
    assert segment.paths.index.read_bytes() == segment.indexes.offset_index.encode(0) != b""
    assert segment.paths.time_index.read_bytes() == segment.indexes.time_index.encode(0) != b""


def test_a_view_does_not_see_what_comes_after_it(tmp_path: Path) -> None:
    segment = segment_with(tmp_path, 1, 2)
    view = segment.view()
    add(segment, 9)
    assert (view.size_bytes, view.next_offset, view.max_timestamp_ms) == (200, 52, 2)
    assert view.locate(51, 9999) == (100, 100)
    assert view.offset_index().count == 0
    assert segment.view().locate(51, 9999) == (100, 200)
    assert segment.view().offset_index().count == 1


def test_the_default_config_does_not_roll_small_segments(tmp_path: Path) -> None:
    segment = segment_with(tmp_path, START_MS)
    assert not segment.must_roll(LogConfig.from_settings({}), 1_000_000, 51, START_MS)
