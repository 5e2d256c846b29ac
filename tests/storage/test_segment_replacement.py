"""A cleaned segment takes the place of the old ones, or does not, wherever the machine dies in between."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from log_bench import LogBench, batch, offsets, read_all

from quekka.errors import KafkaStorageError
from quekka.formats.record_batch import patch_offsets
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.files import Files
from quekka.storage.segment import SegmentPaths
from quekka.storage.segment_indexes import SegmentIndexes
from quekka.storage.segment_replacement import commit_replacement, finish_replacement, unlink_segment


def clean(files: Files, directory: Path, base_offset: int, kept: list[int]) -> None:
    """What a cleaner does: the `.cleaned` files, on the disk, with one-record batches at the kept offsets."""
    paths = SegmentPaths.of(directory, base_offset, ".cleaned")
    indexes = SegmentIndexes(base_offset)
    data = bytearray()
    for offset in kept:
        made = batch(b"cleaned")
        patch_offsets(made, offset, 0)
        indexes.note(offset, len(data), len(made), 5, 0)
        data += made
    indexes.finish()
    files.replace_file(paths.log, data)
    files.replace_file(paths.index, indexes.offset_index.encode(0))
    files.replace_file(paths.time_index, indexes.time_index.encode(0))


@pytest.fixture
def log(bench: Callable[..., LogBench]) -> LogBench:
    """Sealed segments 0-4, 5-9, 10-14 and an active one from 15, all on the disk."""
    made = bench(files=FaultyFiles())
    for _ in range(3):
        made.fill(5)
        made.roll()
    made.fill(2)
    made.log.writer.flush()
    return made


def test_the_cleaned_segment_is_read_in_the_place_of_the_old_ones(log: LogBench) -> None:
    clean(log.files, log.directory, 0, [3, 9, 14])
    log.log.writer.replace_segments(log.view.sealed)
    assert offsets(log.view) == [3, 9, 14, 15, 16]
    assert [name for name in log.names() if name.endswith(".log")] == [
        "00000000000000000000.log", "00000000000000000015.log"
    ]  # fmt: skip
    assert not [name for name in log.names() if "cleaned" in name or "swap" in name]
    log.close()
    log.open()
    assert offsets(log.view) == [3, 9, 14, 15, 16]


def test_a_view_from_before_reads_the_old_files_even_if_it_opens_them_late(log: LogBench) -> None:
    view = log.view
    for segment in view.sealed:
        segment.forget()
    clean(log.files, log.directory, 5, [7])
    log.log.writer.replace_segments(view.sealed[1:])
    assert offsets(view) == list(range(17))
    assert offsets(log.view) == [*range(5), 7, 15, 16]
    assert {record.value for record in read_all(log.view) if record.offset == 7} == {b"cleaned"}


def replace(log: LogBench) -> None:
    """Everything between steps 3 and 7."""
    commit_replacement(log.files, log.directory, 0)
    finish_replacement(log.files, log.directory, 0, [5, 10])


OLD, NEW = list(range(17)), [3, 9, 14, 15, 16]
STEPS = [
    ("replace", "*.index.swap", 1, OLD, OLD),
    ("replace", "*.timeindex.swap", 1, OLD, OLD),
    ("fsync_directory", "*", 1, OLD, OLD),
    ("replace", "*.log.swap", 1, OLD, OLD),
    ("fsync_directory", "*", 2, NEW, OLD),
    ("replace", "*.index", 1, NEW, NEW),
    ("replace", "*.timeindex", 1, NEW, NEW),
    ("fsync_directory", "*", 3, NEW, NEW),
    ("unlink", "*05.log", 1, NEW, NEW),
    ("unlink", "*05.index", 1, NEW, NEW),
    ("unlink", "*10.log", 1, NEW, NEW),
    ("unlink", "*10.timeindex", 1, NEW, NEW),
    ("fsync_directory", "*", 4, NEW, NEW),
    ("replace", "*.log", 1, NEW, NEW),
    ("fsync_directory", "*", 5, NEW, NEW),
]
"""Each call where the replacement may end, and what is there after a kill and after a power cut."""


@pytest.mark.parametrize(
    ("operation", "path", "on_call", "after_kill", "after_power_cut"),
    STEPS,
    ids=[f"{operation} {path} {on_call}" for operation, path, on_call, _, _ in STEPS],
)
@pytest.mark.parametrize("loses_power", [False, True], ids=["killed", "power_cut"])
def test_a_crash_at_any_step_leaves_the_old_or_the_new(
    log: LogBench,
    operation: str,
    path: str,
    on_call: int,
    after_kill: list[int],
    after_power_cut: list[int],
    loses_power: bool,
) -> None:
    clean(log.files, log.directory, 0, [3, 9, 14])
    fault = log.files.fail(operation, path=path, on_call=on_call, every=True)  # type: ignore[attr-defined]
    with contextlib.suppress(OSError):  # the last sync may fail without harm
        replace(log)
    assert fault.hits == 1
    log.files.heal()  # type: ignore[attr-defined]
    log.abandon()
    if loses_power:
        log.files.lose_unsynced()  # type: ignore[attr-defined]
    log.open(recovery_point=17)
    assert offsets(log.view) == (after_power_cut if loses_power else after_kill)
    assert not [name for name in log.names() if "cleaned" in name or "swap" in name]


TRIED_AGAIN = [step[:3] for step in STEPS if step[0] != "fsync_directory" and not step[1].endswith("swap")]


@pytest.mark.parametrize(("operation", "path", "on_call"), TRIED_AGAIN)
@pytest.mark.parametrize("loses_power", [False, True], ids=["killed", "power_cut"])
def test_what_was_decided_is_finished_by_another_try(
    log: LogBench, operation: str, path: str, on_call: int, loses_power: bool
) -> None:
    clean(log.files, log.directory, 0, [3, 9, 14])
    old = log.view
    log.files.fail(operation, path=path, on_call=on_call)  # type: ignore[attr-defined]
    with pytest.raises(KafkaStorageError, match="replace failed"):
        log.log.writer.replace_segments(old.sealed)
    assert log.log.writer.replacement.unfinished == old.sealed
    assert offsets(log.view) == OLD
    log.files.heal()  # type: ignore[attr-defined]
    log.log.writer.replace_segments(old.sealed)
    assert log.log.writer.replacement.unfinished == ()
    assert (offsets(old), offsets(log.view)) == (OLD, NEW)
    log.abandon()
    if loses_power:
        log.files.lose_unsynced()  # type: ignore[attr-defined]
    log.open(recovery_point=17)
    assert offsets(log.view) == NEW


@pytest.mark.parametrize("on_call", [2, 3, 4])
def test_after_a_failed_sync_there_is_no_other_try(log: LogBench, on_call: int) -> None:
    clean(log.files, log.directory, 0, [3, 9, 14])
    log.files.fail("fsync_directory", on_call=on_call)  # type: ignore[attr-defined]
    with pytest.raises(KafkaStorageError, match="replace failed"):
        log.log.writer.replace_segments(log.view.sealed)
    assert log.log.writer.replacement.unfinished == ()
    assert offsets(log.view) == OLD


def test_a_replacement_that_was_finished_survives_a_power_cut(log: LogBench) -> None:
    clean(log.files, log.directory, 0, [3, 14])
    log.log.writer.replace_segments(log.view.sealed)
    log.abandon()
    log.files.lose_unsynced()  # type: ignore[attr-defined]
    log.open(recovery_point=17)
    assert offsets(log.view) == [3, 14, 15, 16]


def test_unlink_segment_takes_the_log_first_and_does_not_mind_what_is_gone(tmp_path: Path) -> None:
    files = FaultyFiles()
    paths = SegmentPaths.of(tmp_path, 0)
    for path in paths:
        path.touch()
    files.fail("unlink", path="*.index")
    with pytest.raises(OSError, match="Input/output error"):
        unlink_segment(files, paths)
    assert [path.exists() for path in paths] == [False, True, True]
    unlink_segment(files, paths)
    assert [path.exists() for path in paths] == [False, False, False]
