"""Repairs: bytes are moved, never dropped, and what is left can be read."""

from pathlib import Path

import pytest

from quekka.formats.record_batch import iter_batches, iter_checked_batches, iter_records, patch_offsets
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.checkpoint_file import CheckpointFile
from quekka.storage.damage_scan import Damage
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.files import COPY_CHUNK_BYTES, FILES
from quekka.storage.log_inspector import inspect_offset_index, inspect_time_index
from quekka.storage.segment import SegmentPaths
from quekka.storage.segment_repair import (
    cut_damage,
    lower_checkpoint,
    raise_checkpoint,
    rebuild_indexes,
    renumber_batch,
    set_aside,
)


def make_batch(base_offset: int, size_bytes: int = 10) -> bytes:
    builder = BatchBuilder(base_offset + 1)
    builder.append(None, bytes(size_bytes))
    batch = builder.build()
    patch_offsets(batch, base_offset, 0)
    return bytes(batch)


def write_log(directory: Path, data: bytes) -> Path:
    path = SegmentPaths.of(directory, 0).log
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("after", [b"", make_batch(5), make_batch(5, 2 * COPY_CHUNK_BYTES)])
def test_damaged_bytes_are_moved_aside_and_the_rest_stays(tmp_path: Path, after: bytes) -> None:
    before = make_batch(0)
    path = write_log(tmp_path, before + b"damage" + after)
    done = cut_damage(FILES, tmp_path, 0, Damage(len(before), 6, "what"), 0)
    assert done == "6 bytes moved to 00000000000000000000.log.broken"
    assert path.read_bytes() == before + after
    assert path.with_name(f"{path.name}.broken").read_bytes() == b"damage"
    _, offset_index, time_index = SegmentPaths.of(tmp_path, 0)
    assert [entry.position for entry in inspect_offset_index(offset_index)] == [len(before)] * bool(after)
    assert list(inspect_time_index(time_index))
    assert not list(tmp_path.glob("*.tmp"))


def test_an_empty_batch_stands_for_the_offsets_that_are_lost(tmp_path: Path) -> None:
    first, last = make_batch(0), make_batch(5)
    path = write_log(tmp_path, first + b"damage" + last)
    done = cut_damage(FILES, tmp_path, 0, Damage(len(first), 6, "what", 1, 5), 0)
    assert done == "6 bytes moved to 00000000000000000000.log.broken, offsets 1 to 4 are left out"
    data = path.read_bytes()
    assert data.startswith(first)
    assert data.endswith(last)
    headers = [header for _, header in iter_checked_batches(data, 0, 6)]
    assert [(header.base_offset, header.last_offset, header.records_count) for header in headers] == [
        (0, 0, 1), (1, 4, 0), (5, 5, 1)
    ]  # fmt: skip
    assert list(iter_records(data, len(first))) == []


def test_a_gap_without_damaged_bytes_is_filled_too(tmp_path: Path) -> None:
    path = write_log(tmp_path, make_batch(0))
    done = cut_damage(FILES, tmp_path, 0, Damage(len(make_batch(0)), 0, "what", 1, 9), 0)
    assert done == "offsets 1 to 8 are left out"
    assert [header.next_offset for _, header in iter_batches(path.read_bytes())] == [1, 9]
    assert not list(tmp_path.glob("*.broken"))


def test_more_offsets_than_a_batch_can_have_stay_a_gap(tmp_path: Path) -> None:
    path = write_log(tmp_path, make_batch(0))
    assert cut_damage(FILES, tmp_path, 0, Damage(0, 0, "what", 1, 2**31 + 1), 0) == "nothing to take out"
    assert path.read_bytes() == make_batch(0)


def test_a_batch_gets_its_base_offset_back(tmp_path: Path) -> None:
    path = write_log(tmp_path, make_batch(0) + make_batch(900) + make_batch(2))
    assert renumber_batch(FILES, tmp_path, 0, len(make_batch(0)), 1, 0) == "base offset 900 made 1"
    assert [header.base_offset for _, header in iter_checked_batches(path.read_bytes(), 0, 3)] == [0, 1, 2]
    _, offset_index, _ = SegmentPaths.of(tmp_path, 0)
    assert [entry.relative_offset for entry in inspect_offset_index(offset_index)] == [1, 2]


def test_an_index_is_made_where_a_directory_was(tmp_path: Path) -> None:
    write_log(tmp_path, make_batch(0))
    _, offset_index, _ = SegmentPaths.of(tmp_path, 0)
    offset_index.mkdir()
    rebuild_indexes(FILES, tmp_path, 0, 0)
    assert offset_index.is_file()
    assert offset_index.with_name(f"{offset_index.name}.broken").is_dir()


def test_one_offset_of_a_checkpoint_is_raised(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(tmp_path, "log-start-offset-checkpoint")
    checkpoint.write({0: 10, 1: 99})
    assert raise_checkpoint(checkpoint, 0, 12) == "offset raised to 12"
    assert checkpoint.read() == {0: 12, 1: 99}


def test_what_was_moved_aside_earlier_stays(tmp_path: Path) -> None:
    path = write_log(tmp_path, b"xx" + b"yy")
    cut_damage(FILES, tmp_path, 0, Damage(2, 2, "what"), 0)
    cut_damage(FILES, tmp_path, 0, Damage(0, 2, "what"), 0)
    assert path.read_bytes() == b""
    assert path.with_name(f"{path.name}.broken").read_bytes() == b"yy"
    assert path.with_name(f"{path.name}.broken.1").read_bytes() == b"xx"


def test_a_power_cut_after_a_repair_changes_nothing(tmp_path: Path) -> None:
    files = FaultyFiles()
    path = write_log(tmp_path, make_batch(0) + b"damage" + make_batch(5))
    cut_damage(files, tmp_path, 0, Damage(len(make_batch(0)), 6, "what"), 0)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    files.lose_unsynced()
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
    assert path.read_bytes() == make_batch(0) + make_batch(5)


def test_a_repair_that_fails_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    files = FaultyFiles()
    data = make_batch(0) + b"damage" + make_batch(5)
    path = write_log(tmp_path, data)
    files.fail("writev", path="*.tmp")
    with pytest.raises(OSError, match="Input/output"):
        cut_damage(files, tmp_path, 0, Damage(len(make_batch(0)), 6, "what"), 0)
    assert path.read_bytes() == data


def test_indexes_are_made_from_the_batches(tmp_path: Path) -> None:
    write_log(tmp_path, make_batch(0) + make_batch(1) + make_batch(2))
    assert rebuild_indexes(FILES, tmp_path, 0, 0) == "indexes made anew"
    _, offset_index, time_index = SegmentPaths.of(tmp_path, 0)
    assert [entry.relative_offset for entry in inspect_offset_index(offset_index)] == [1, 2]
    assert [entry.timestamp_ms for entry in inspect_time_index(time_index)][-1] == 3


def test_a_file_is_set_aside_under_a_free_name(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "checkpoint").write_bytes(b"x")
        done = set_aside(FILES, tmp_path / "checkpoint")
    assert done == "renamed to checkpoint.broken.1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.broken", "checkpoint.broken.1"]


def test_only_offsets_beyond_the_end_are_lowered(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(tmp_path, "recovery-point-offset-checkpoint")
    checkpoint.write({0: 10, 1: 99, 2: 7})
    assert lower_checkpoint(checkpoint, {0: 10, 1: 20}, {0: 0, 1: 5}) == "partition 1 lowered to 5"
    assert checkpoint.read() == {0: 10, 1: 5, 2: 7}
