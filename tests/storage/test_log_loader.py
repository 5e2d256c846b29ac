"""From a directory to a log: where it starts, where it ends, and what is opened for that."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from log_bench import LogBench, batch_by, batch_of, config_of, context_of, offsets

from quekka.storage.faulty_files import FaultyFiles
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


def emptied(log: LogBench) -> None:
    log.paths(10).log.write_bytes(b"")


def cut(log: LogBench) -> None:
    """One batch is left of two."""
    log.paths(10).log.write_bytes(log.paths(10).log.read_bytes()[:100])


def torn(log: LogBench) -> None:
    log.paths(10).log.write_bytes(log.paths(10).log.read_bytes()[:150])


def removed(log: LogBench) -> None:
    for path in log.paths(10):
        path.unlink()


@pytest.mark.parametrize("loses", [emptied, cut, torn, removed])
@pytest.mark.parametrize("next_stop", ["clean", "power cut", "power cut, no checkpoint"])
def test_offsets_of_records_that_are_gone_after_a_clean_stop_are_not_given_out_again(
    bench: Callable[..., LogBench],
    caplog: pytest.LogCaptureFixture,
    loses: Callable[[LogBench], None],
    next_stop: str,
) -> None:
    log = bench()
    for count in (5, 5, 2):
        log.roll()
        log.fill(count)
    log.close()
    loses(log)
    log.files = files = FaultyFiles()
    log.open(clean_end_offset=12)
    assert "ends at offset 1" in caplog.text
    assert "at the last stop it ended at 12: records are gone, and new ones come after them" in caplog.text
    kept = list(range(11 if loses in (cut, torn) else 10))
    assert offsets(log.view) == kept
    if next_stop == "clean":
        log.close()
        log.open(clean_end_offset=12)
    else:
        log.abandon()
        files.lose_unsynced()
        log.open(recovery_point=0 if "no checkpoint" in next_stop else 12)
    assert log.append(batch_of(100)) == [12]
    assert offsets(log.view) == [*kept, 12]
    assert not [name for name in log.names() if name.endswith("12.log.broken")]


def test_producers_of_records_that_are_gone_after_a_clean_stop_are_known(
    bench: Callable[..., LogBench],
) -> None:
    log = bench()
    log.append_checked(batch_by(7, 0), batch_by(7, 1))
    log.close()
    log.paths(0).log.write_bytes(b"")
    log.open(clean_end_offset=2)
    assert log.append_checked(batch_by(7, 1)) == [], "a retry of what had its offset"
    assert log.append_checked(batch_by(7, 2)) == [2]


def test_an_end_of_a_clean_stop_that_is_too_far_away_is_told_and_not_believed(
    log: LogBench, caplog: pytest.LogCaptureFixture
) -> None:
    log.open(clean_end_offset=10 + 2**31 + 1)
    assert "unless that is wrong, as it is too far away" in caplog.text
    assert log.append(batch_of(100)) == [12]
    log.close()
    log.open(clean_end_offset=10 + 2**31)
    assert log.append(batch_of(100)) == [10 + 2**31]


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


LOST: dict[str, Callable[[Path], object]] = {
    "a file removed": lambda path: path.unlink(),
    "a file emptied": lambda path: path.write_bytes(b""),
    "a file cut after a whole batch": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "another name": lambda path: path.rename(path.with_name(path.name[1:])),
}


@pytest.mark.parametrize("recovery_point", [None, 12], ids=["clean", "crash"])
@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
def test_records_that_are_missing_between_segments_are_told_and_the_others_served(
    log: LogBench,
    lose: Callable[[Path], object],
    recovery_point: int | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lose(log.paths(5).log)
    log.open(recovery_point=recovery_point)
    kept = [5, 6] if log.paths(5).log.exists() and log.paths(5).log.stat().st_size else []
    assert offsets(log.view) == [*range(5), *kept, 10, 11]
    assert log.append(batch_of(100)) == [12]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert ".log ends at offset " in errors[0]
    assert "the next segment begins at 10: the records between are gone" in errors[0]
    assert str(log.directory) in errors[0]


def test_a_first_segment_that_is_gone_after_a_clean_stop_is_told(
    log: LogBench, caplog: pytest.LogCaptureFixture
) -> None:
    log.paths(0).log.unlink()
    log.open()
    assert f"{log.directory} begins at offset 5, though its log start offset is 0" in caplog.text
    assert offsets(log.view) == list(range(5, 12))


def test_what_is_missing_before_the_log_start_does_not_matter(
    log: LogBench, caplog: pytest.LogCaptureFixture
) -> None:
    log.paths(5).log.unlink()
    log.open(log_start_offset=10)
    assert "are gone" not in caplog.text


def test_a_segment_that_is_there_twice_is_told(log: LogBench, caplog: pytest.LogCaptureFixture) -> None:
    log.paths(3).log.write_bytes(log.paths(0).log.read_bytes())
    log.open()
    assert "0.log goes on to offset 5, though another segment begins at 3" in caplog.text
    assert offsets(log.view) == list(range(12))


def test_a_damaged_end_of_a_sealed_segment_is_told_with_its_position(
    log: LogBench, caplog: pytest.LogCaptureFixture
) -> None:
    path = log.paths(5).log
    path.write_bytes(path.read_bytes()[:450])
    log.open()
    assert f"{path}: no record batch at byte 400: 50 bytes are less than a batch header" in caplog.text


@pytest.mark.parametrize("base_offset", [5, 10], ids=["sealed", "active"])
@pytest.mark.parametrize("recovery_point", [None, 0], ids=["clean", "crash"])
def test_a_directory_in_the_place_of_an_index_is_set_aside(
    log: LogBench, base_offset: int, recovery_point: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    for path in tuple(log.paths(base_offset))[1:]:
        path.unlink()
        path.mkdir()
    log.open(recovery_point=recovery_point)
    assert offsets(log.view) == list(range(12))
    for path in tuple(log.paths(base_offset))[1:]:
        assert path.is_file()
        assert path.with_name(f"{path.name}.broken").is_dir()
        assert f"{path} is a directory" in caplog.text


def test_a_directory_that_is_made_anew_is_told(
    bench: Callable[..., LogBench], caplog: pytest.LogCaptureFixture
) -> None:
    assert f"{bench().directory} is made anew" in caplog.text


@pytest.mark.parametrize("recovery_point", [None, 12], ids=["clean", "crash"])
def test_a_copy_under_a_later_name_does_not_move_the_log_end(
    log: LogBench, recovery_point: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    content = log.paths(5).log.read_bytes()
    log.paths(10**18).log.write_bytes(content)
    log.open(recovery_point=recovery_point)
    assert log.append(batch_of(100)) == [12]
    assert offsets(log.view) == list(range(13))
    assert f"{log.paths(10**18).log} begins at offset 5: its name is wrong" in caplog.text
    assert log.paths(10**18, ".broken").log.read_bytes() == content


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
