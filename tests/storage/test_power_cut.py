"""What a power cut may leave: any state that the model allows, none that it does not, the same for a seed."""

from pathlib import Path

import pytest

from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.files import Files
from quekka.storage.power_cut import SECTOR_BYTES

SEEDS = 400
"""So many that each of the few states below comes about; which ones do is fixed by the numbers."""


@pytest.fixture
def files() -> FaultyFiles:
    return FaultyFiles()


def append(files: Files, path: Path, *pieces: bytes, sync: bool = False) -> None:
    fd = files.open_append(path)
    for piece in pieces:
        files.write_all(fd, [piece])
    if sync:
        files.fdatasync(fd)
    files.close(fd)


def states(files: FaultyFiles, directory: Path, name: str = "a") -> set[bytes | None]:
    """All that the file may hold after a power cut; None where it is not there."""
    found = set()
    for seed in range(SEEDS):
        copy = directory.parent / f"copy-{directory.name}-{seed}"
        files.copy_after_power_cut(directory, copy, seed)
        path = copy / name
        found.add(path.read_bytes() if path.exists() else None)
    return found


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.mkdir()
    return path


def test_what_was_synced_is_always_there(files: FaultyFiles, disk: Path) -> None:
    append(files, disk / "a", b"synced", sync=True)
    files.fsync_directory(disk)
    assert states(files, disk) == {b"synced"}


def test_a_name_that_was_not_synced_may_be_lost_with_all_the_data(files: FaultyFiles, disk: Path) -> None:
    append(files, disk / "a", b"synced", sync=True)
    assert states(files, disk) == {b"synced", None}


def test_writes_may_be_torn_lost_kept_or_leave_zeros(files: FaultyFiles, disk: Path) -> None:
    append(files, disk / "a", b"kept ", sync=True)
    files.fsync_directory(disk)
    first, second = b"1" * (SECTOR_BYTES - 5), b"2" * SECTOR_BYTES
    append(files, disk / "a", first, second)
    found = states(files, disk)
    assert all(state is not None and state.startswith(b"kept ") for state in found)
    for state in (
        b"kept ",
        b"kept " + first,
        b"kept " + first + second,
        b"kept " + bytes(len(first)) + second,
        b"kept " + first + bytes(SECTOR_BYTES),
        b"kept " + bytes(len(first) + SECTOR_BYTES),
    ):
        assert state in found
    assert any(state is not None and state.endswith(b"22") and len(state) < 1024 for state in found), "torn"


def test_a_write_behind_a_cut_does_not_survive_without_the_cut(files: FaultyFiles, disk: Path) -> None:
    append(files, disk / "a", b"0123", sync=True)
    files.fsync_directory(disk)
    fd = files.open_append(disk / "a")
    files.ftruncate(fd, 2)
    files.write_all(fd, [b"xyz"])
    files.close(fd)
    found = states(files, disk)
    assert {b"0123", b"01", b"01xyz"} <= found
    assert all((state is not None and state[2:] in (b"23", bytes(len(state) - 2))) or state[:2] == b"01"
               for state in found if state is not None)  # fmt: skip
    assert b"01xyz3" not in found


def test_files_of_one_directory_survive_each_for_itself(files: FaultyFiles, disk: Path) -> None:
    for name in ("a", "b"):
        append(files, disk / name, b"data", sync=True)
    both = set()
    for seed in range(SEEDS):
        files.copy_after_power_cut(disk, disk.parent / f"copy-{seed}", seed)
        both.add(tuple(path.name for path in sorted((disk.parent / f"copy-{seed}").iterdir())))
    assert both == {(), ("a",), ("b",), ("a", "b")}


def test_a_rename_survives_as_a_whole_or_not_at_all(files: FaultyFiles, disk: Path) -> None:
    files.replace_file(disk / "a", b"old")
    files.replace_file(disk / "a", b"new", durable=False)
    assert states(files, disk) == {b"old", b"new"}


def test_what_a_failed_sync_did_not_bring_to_disk_no_later_one_does(files: FaultyFiles, disk: Path) -> None:
    fd = files.open_append(disk / "a")
    files.fsync_directory(disk)
    files.write_all(fd, [b"lost"])
    files.fail("fdatasync")
    with pytest.raises(OSError, match="Input/output"):
        files.fdatasync(fd)
    files.write_all(fd, [b" more"])
    files.fdatasync(fd)
    files.close(fd)
    files.lose_unsynced()
    assert (disk / "a").read_bytes() == bytes(4) + b" more"


def test_the_same_seed_leaves_the_same(files: FaultyFiles, disk: Path) -> None:
    append(files, disk / "a", *[bytes([number]) * 300 for number in range(20)])
    for copy in ("one", "two"):
        files.copy_after_power_cut(disk, disk.parent / copy, 7)
    files.lose_unsynced(7)
    one, two = (
        {path.name: path.read_bytes() for path in (disk.parent / copy).iterdir()} for copy in ("one", "two")
    )
    assert one == two


def test_untouched_files_are_copied_and_files_in_use_stay(files: FaultyFiles, disk: Path) -> None:
    (disk / "deep").mkdir()
    (disk / "deep" / "untouched").write_bytes(b"there")
    append(files, disk / "a", b"in use")
    files.copy_after_power_cut(disk, disk.parent / "copy")
    assert (disk.parent / "copy" / "deep" / "untouched").read_bytes() == b"there"
    assert not (disk.parent / "copy" / "a").exists()
    assert (disk / "a").read_bytes() == b"in use"


def test_the_moment_of_a_power_cut_is_before_a_change(files: FaultyFiles, disk: Path) -> None:
    sizes = []
    files.before_change = lambda: sizes.append(len(list(disk.iterdir())))
    append(files, disk / "a", b"1", b"2", sync=True)
    files.unlink(disk / "a")
    assert sizes == [0, 1, 1, 1, 1]
