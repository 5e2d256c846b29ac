"""From a directory to a log: where it starts, where it ends, and what is opened for that."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from log_bench import LogBench, batch_of, config_of, context_of, offsets

from quekka.storage.log_loader import LogLoader
from quekka.storage.segment import SegmentPaths


def load(
    directory: Path, log_start_offset: int = 0, recovery_point: int | None = None
) -> tuple[list[int], int, int]:
    """Base offsets of the segments, log start offset, log end offset."""
    context = context_of(directory)
    loaded = LogLoader(context, config_of().index_interval_bytes, recovery_point).load(log_start_offset)
    bases = [segment.base_offset for segment in loaded.sealed] + [loaded.active.base_offset]
    loaded.active.let_go()
    context.file_cache.close_all()
    return bases, loaded.log_start_offset, loaded.active.next_offset


def test_a_new_log_has_one_empty_segment_at_its_start(tmp_path: Path) -> None:
    assert load(tmp_path / "0") == ([0], 0, 0)
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == [
        "00000000000000000000.index", "00000000000000000000.log", "00000000000000000000.timeindex"
    ]  # fmt: skip


@pytest.mark.parametrize("recovery_point", [None, 0, 500])
def test_a_log_that_lost_everything_goes_on_at_its_start_offset(
    tmp_path: Path, recovery_point: int | None
) -> None:
    assert load(tmp_path / "0", 500, recovery_point) == ([500], 500, 500)


@pytest.fixture
def log(bench: Callable[..., LogBench]) -> LogBench:
    """Closed; segments 0-4, 5-9 and an active one with 10-11."""
    made = bench()
    for count in (5, 5, 2):
        made.roll()
        made.fill(count)
    made.close()
    return made


@pytest.mark.parametrize("recovery_point", [None, 0, 5, 7, 12])
def test_all_segments_are_found(log: LogBench, recovery_point: int | None) -> None:
    assert load(log.directory, 0, recovery_point) == ([0, 5, 10], 0, 12)


@pytest.mark.parametrize(
    ("given", "expected"), [(0, 0), (3, 3), (7, 7), (12, 12)], ids=["none", "within", "later", "at_the_end"]
)
def test_the_log_start_offset_is_kept(log: LogBench, given: int, expected: int) -> None:
    assert load(log.directory, given)[1] == expected


def test_the_log_starts_no_earlier_than_its_first_segment(log: LogBench) -> None:
    for path in SegmentPaths.of(log.directory, 0):
        path.unlink()
    assert load(log.directory, 3) == ([5, 10], 5, 12)


@pytest.mark.parametrize("recovery_point", [None, 0])
def test_a_log_start_beyond_the_end_goes_on_in_a_new_segment(
    log: LogBench, recovery_point: int | None
) -> None:
    log.open(recovery_point=recovery_point, log_start_offset=100)
    assert [segment.base_offset for segment in log.view.segments] == [0, 5, 10, 100]
    assert log.append(batch_of(100)) == [100]
    assert offsets(log.view) == [100]
    log.log.writer.delete_segments_before(100)
    assert [segment.base_offset for segment in log.view.segments] == [100]


def test_an_empty_active_segment_before_the_log_start_is_dropped(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.close()
    assert load(log.directory, 100) == ([100], 100, 100)


def test_a_clean_open_opens_no_sealed_segment(log: LogBench) -> None:
    log.open()
    assert log.cache.open_count == 1  # the last one's .log, for the batches after the last index entry


def test_a_sealed_segment_without_indexes_gets_them_again(
    log: LogBench, caplog: pytest.LogCaptureFixture
) -> None:
    kept = {path: path.read_bytes() for path in SegmentPaths.of(log.directory, 0)}
    log.paths(0).index.unlink()
    log.paths(0).time_index.write_bytes(b"torn")
    assert load(log.directory) == ([0, 5, 10], 0, 12)
    assert {path: path.read_bytes() for path in SegmentPaths.of(log.directory, 0)} == kept
    assert "making its indexes again: 00000000000000000000.index is missing" in caplog.text


def test_foreign_files_stay(log: LogBench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    (log.directory / "README").write_text("mine")
    load(log.directory)
    assert (log.directory / "README").read_text() == "mine"
    assert "README: not part of the log, left alone" in caplog.text


def test_an_empty_segment_at_the_end_is_written_on(log: LogBench) -> None:
    log.open()
    log.roll()
    log.close()
    log.open(recovery_point=3)
    assert log.append(batch_of(100)) == [12]
    assert offsets(log.view) == list(range(13))
