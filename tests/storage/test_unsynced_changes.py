"""What a power cut leaves: data up to the last fsync, names up to the last fsync of their directory."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.files import FILES, Files


@pytest.fixture
def files() -> FaultyFiles:
    return FaultyFiles()


def append(files: Files, path: Path, data: bytes, *, sync: bool = False) -> None:
    fd = files.open_append(path)
    files.write_all(fd, [data])
    if sync:
        files.fdatasync(fd)
    files.close(fd)


def tree(directory: Path) -> dict[str, bytes | None]:
    """Every path below `directory`; contents of files, None for directories."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
        for path in sorted(directory.rglob("*"))
    }


def test_data_is_kept_up_to_the_last_sync(files: FaultyFiles, tmp_path: Path) -> None:
    append(FILES, tmp_path / "a", b"before")
    append(files, tmp_path / "a", b" synced", sync=True)
    append(files, tmp_path / "a", b" lost")
    files.lose_unsynced()
    assert tree(tmp_path) == {"a": b"before synced"}
    append(files, tmp_path / "a", b" again")
    files.lose_unsynced()
    assert tree(tmp_path) == {"a": b"before synced"}


@pytest.mark.parametrize(("sync", "expected"), [(True, b"01"), (False, b"012345")], ids=["synced", "not"])
def test_what_was_cut_stays_cut_when_that_was_synced(
    files: FaultyFiles, tmp_path: Path, sync: bool, expected: bytes
) -> None:
    append(files, tmp_path / "a", b"012345", sync=True)
    files.fsync_directory(tmp_path)
    fd = files.open_append(tmp_path / "a")
    files.ftruncate(fd, 2)
    if sync:
        files.fsync(fd)
    files.write_all(fd, [b"xyz"])
    files.close(fd)
    files.lose_unsynced()
    assert tree(tmp_path) == {"a": expected}


def test_a_synced_file_in_an_unsynced_directory_is_lost(files: FaultyFiles, tmp_path: Path) -> None:
    append(files, tmp_path / "a", b"data", sync=True)
    files.lose_unsynced()
    assert tree(tmp_path) == {}


def test_an_unsynced_file_in_a_synced_directory_is_empty(files: FaultyFiles, tmp_path: Path) -> None:
    append(files, tmp_path / "a", b"data")
    files.fsync_directory(tmp_path)
    files.lose_unsynced()
    assert tree(tmp_path) == {"a": b""}


def test_directories_made_and_removed_come_back_as_they_were(files: FaultyFiles, tmp_path: Path) -> None:
    files.makedirs(tmp_path / "kept" / "old")
    files.fsync_directory(tmp_path)
    files.fsync_directory(tmp_path / "kept")
    append(files, tmp_path / "kept" / "old" / "a", b"data", sync=True)
    files.fsync_directory(tmp_path / "kept" / "old")
    files.remove_tree(tmp_path / "kept" / "old")
    files.makedirs(tmp_path / "new" / "deep")
    files.mkdir(tmp_path / "kept" / "more")
    append(files, tmp_path / "new" / "deep" / "b", b"data", sync=True)
    files.lose_unsynced()
    assert tree(tmp_path) == {"kept": None, "kept/old": None, "kept/old/a": b"data"}


def test_a_removed_file_comes_back_with_what_was_synced(files: FaultyFiles, tmp_path: Path) -> None:
    append(files, tmp_path / "a", b"synced", sync=True)
    files.fsync_directory(tmp_path)
    append(files, tmp_path / "a", b" lost")
    files.unlink(tmp_path / "a")
    append(files, tmp_path / "a", b"another of that name", sync=True)
    files.lose_unsynced()
    assert tree(tmp_path) == {"a": b"synced"}


def test_a_removed_and_synced_file_stays_removed(files: FaultyFiles, tmp_path: Path) -> None:
    append(files, tmp_path / "a", b"data", sync=True)
    files.fsync_directory(tmp_path)
    files.unlink(tmp_path / "a")
    files.fsync_directory(tmp_path)
    files.lose_unsynced()
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("durable", "expected"), [(True, b"new"), (False, b"old")], ids=["durable", "not durable"]
)
def test_a_replaced_file_is_whole_whatever_happened(
    files: FaultyFiles, tmp_path: Path, durable: bool, expected: bytes
) -> None:
    files.replace_file(tmp_path / "a", b"old")
    files.replace_file(tmp_path / "a", b"new", durable=durable)
    files.lose_unsynced()
    assert (tmp_path / "a").read_bytes() == expected


def test_a_rename_without_syncing_the_file_first_is_shown_to_be_wrong(
    files: FaultyFiles, tmp_path: Path
) -> None:
    files.replace_file(tmp_path / "a", b"old")
    append(files, tmp_path / "a.new", b"new")
    files.replace(tmp_path / "a.new", tmp_path / "a")
    files.fsync_directory(tmp_path)
    files.lose_unsynced()
    assert tree(tmp_path) == {"a": b""}


def test_a_renamed_directory_is_followed(files: FaultyFiles, tmp_path: Path) -> None:
    files.mkdir(tmp_path / "new")
    append(files, tmp_path / "new" / "synced", b"data", sync=True)
    files.fsync_directory(tmp_path / "new")
    append(files, tmp_path / "new" / "not", b"data", sync=True)
    files.replace(tmp_path / "new", tmp_path / "topic")
    append(files, tmp_path / "topic" / "synced", b" lost")
    files.fsync_directory(tmp_path)
    files.lose_unsynced()
    assert tree(tmp_path) == {"topic": None, "topic/synced": b"data"}


def test_an_open_file_that_is_renamed_is_synced_under_its_new_name(
    files: FaultyFiles, tmp_path: Path
) -> None:
    fd = files.create(tmp_path / "a")
    files.replace(tmp_path / "a", tmp_path / "b")
    files.write_all(fd, [b"data"])
    files.fsync(fd)
    files.close(fd)
    files.fsync_directory(tmp_path)
    files.lose_unsynced()
    assert tree(tmp_path) == {"b": b"data"}


def test_syncing_a_removed_file_says_nothing_about_the_next_of_its_name(
    files: FaultyFiles, tmp_path: Path
) -> None:
    removed = files.create(tmp_path / "a")
    files.write_all(removed, [b"long data"])
    files.unlink(tmp_path / "a")
    append(files, tmp_path / "a", b"next")
    files.fsync(removed)
    files.close(removed)
    files.fsync_directory(tmp_path)
    files.lose_unsynced()
    assert tree(tmp_path) == {"a": b""}


def test_random_changes_are_taken_back_to_the_last_full_sync(
    files: FaultyFiles, tmp_path: Path, seed: int
) -> None:
    generator = random.Random(seed)
    for _ in range(20):
        for _ in range(generator.randrange(12)):
            generator.choice(_random_steps(files, tmp_path, generator, sync=True))()
        _sync_all(files, tmp_path)
        before = tree(tmp_path)
        for _ in range(generator.randrange(12)):
            generator.choice(_random_steps(files, tmp_path, generator, sync=False))()
        files.lose_unsynced()
        assert tree(tmp_path) == before


def _random_steps(
    files: Files, directory: Path, generator: random.Random, *, sync: bool
) -> list[Callable[[], None]]:
    names = ["a", "b", "d/a", "d/b", "e/a"]

    def path() -> Path:
        return directory / generator.choice(names)

    def write() -> None:
        target = path()
        files.makedirs(target.parent)
        append(files, target, generator.randbytes(5), sync=sync)

    def remove() -> None:
        target = path()
        if files.exists(target):
            files.unlink(target)

    def move() -> None:
        source, target = path(), path()
        if files.exists(source) and files.exists(target.parent) and source != target:
            files.replace(source, target)

    def move_directory() -> None:
        if files.exists(directory / "d") and not files.exists(directory / "e"):
            files.replace(directory / "d", directory / "e")

    def remove_directory() -> None:
        if files.exists(directory / "d"):
            files.remove_tree(directory / "d")

    return [write, write, write, remove, move, move_directory, remove_directory]


def _sync_all(files: Files, directory: Path) -> None:
    for path in [directory, *directory.rglob("*")]:
        if path.is_dir():
            files.fsync_directory(path)
        else:
            append(files, path, b"", sync=True)
