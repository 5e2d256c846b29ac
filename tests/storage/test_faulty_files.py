"""FaultyFiles: the call that was named fails, no other, and unsynced changes can be lost."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from quekka.storage.faulty_files import OPERATIONS, FaultyFiles
from quekka.storage.files import Files


@pytest.fixture
def files() -> FaultyFiles:
    return FaultyFiles()


def append(files: Files, path: Path, data: bytes, *, sync: bool = False) -> None:
    fd = files.open_append(path)
    try:
        files.write_all(fd, [data])
        if sync:
            files.fdatasync(fd)
    finally:
        files.close(fd)


def with_fd(call: Callable[[Files, int], object]) -> Callable[[Files, Path], object]:
    def run(files: Files, directory: Path) -> object:
        fd = os.open(directory / "file", os.O_RDWR | os.O_APPEND)
        try:
            return call(files, fd)
        finally:
            os.close(fd)

    return run


CALLS: dict[str, Callable[[Files, Path], object]] = {
    "open_read": lambda files, d: files.open_read(d / "file"),
    "open_append": lambda files, d: files.open_append(d / "file"),
    "create": lambda files, d: files.create(d / "new"),
    "pread": with_fd(lambda files, fd: files.pread(fd, 1, 0)),
    "preadv": with_fd(lambda files, fd: files.read_into(fd, bytearray(1), 0)),
    "mmap_readonly": with_fd(lambda files, fd: files.mmap_readonly(fd)),
    "writev": with_fd(lambda files, fd: files.write_all(fd, [b"x"])),
    "ftruncate": with_fd(lambda files, fd: files.ftruncate(fd, 0)),
    "fsync": with_fd(lambda files, fd: files.fsync(fd)),
    "fdatasync": with_fd(lambda files, fd: files.fdatasync(fd)),
    "fsync_directory": lambda files, d: files.fsync_directory(d),
    "listdir": lambda files, d: files.listdir(d),
    "size": lambda files, d: files.size(d / "file"),
    "size_of": with_fd(lambda files, fd: files.size_of(fd)),
    "modified_ms": lambda files, d: files.modified_ms(d / "file"),
    "mkdir": lambda files, d: files.mkdir(d / "new"),
    "makedirs": lambda files, d: files.makedirs(d / "new" / "er"),
    "unlink": lambda files, d: files.unlink(d / "file"),
    "rmdir": lambda files, d: files.rmdir(d / "directory"),
    "replace": lambda files, d: files.replace(d / "file", d / "new"),
    "lock": with_fd(lambda files, fd: files.lock(fd)),
}


def test_every_operation_of_files_can_fail() -> None:
    made_of_others = {
        "exists", "is_directory", "read_into", "read_file", "write_all", "replace_file", "copy_tail",
        "remove_tree",
    }  # fmt: skip
    assert {name for name in vars(Files) if not name.startswith("_")} - made_of_others == OPERATIONS
    assert set(CALLS) | {"close"} == OPERATIONS


@pytest.mark.parametrize("operation", CALLS)
def test_a_call_fails_without_having_happened(files: FaultyFiles, tmp_path: Path, operation: str) -> None:
    (tmp_path / "file").write_bytes(b"data")
    (tmp_path / "directory").mkdir()
    fault = files.fail(operation, error=errno.EROFS)
    with pytest.raises(OSError, match="Read-only file system") as failed:
        CALLS[operation](files, tmp_path)
    assert failed.value.errno == errno.EROFS
    assert failed.value.filename
    assert fault.hits == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["directory", "file"]
    assert (tmp_path / "file").read_bytes() == b"data"


def test_a_close_that_fails_has_closed(files: FaultyFiles, tmp_path: Path) -> None:
    fd = files.create(tmp_path / "a")
    files.fail("close", path="*/a")
    with pytest.raises(OSError, match="Input/output"):
        files.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_only_the_call_that_was_counted_fails(files: FaultyFiles, tmp_path: Path) -> None:
    fault = files.fail("writev", path="*.log", on_call=2)
    append(files, tmp_path / "a.index", b"1")
    append(files, tmp_path / "a.log", b"1")
    with pytest.raises(OSError, match="Input/output"):
        append(files, tmp_path / "a.log", b"2")
    append(files, tmp_path / "a.log", b"3")
    assert (tmp_path / "a.log").read_bytes() == b"13"
    assert (fault.calls, fault.hits) == (3, 1)


def test_every_call_fails_until_healed(files: FaultyFiles, tmp_path: Path) -> None:
    files.fail("writev", on_call=2, every=True, error=errno.ENOSPC)
    append(files, tmp_path / "a", b"1")
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            append(files, tmp_path / "a", b"2")
    files.heal()
    append(files, tmp_path / "a", b"3")
    assert (tmp_path / "a").read_bytes() == b"13"


def test_a_failing_write_can_leave_torn_bytes(files: FaultyFiles, tmp_path: Path) -> None:
    files.fail("writev", error=errno.ENOSPC, after_bytes=5)
    fd = files.create(tmp_path / "a")
    with pytest.raises(OSError, match="No space left"):
        files.writev(fd, [b"0123", b"4567"])
    files.close(fd)
    assert (tmp_path / "a").read_bytes() == b"01234"


def test_short_writes_return_their_count(files: FaultyFiles, tmp_path: Path) -> None:
    fault = files.shorten_writes(3)
    fd = files.create(tmp_path / "a")
    assert files.writev(fd, [b"0123"]) == 3
    assert files.write_all(fd, [b"ab", b"cde"]) == 5
    files.close(fd)
    assert (tmp_path / "a").read_bytes() == b"012abcde"
    assert fault.hits == 3


@pytest.mark.parametrize(
    ("operation", "options"), [("write", {}), ("fsync", {"error": 0}), ("fsync", {"after_bytes": 1})]
)
def test_a_fault_that_cannot_happen_is_refused(
    files: FaultyFiles, operation: str, options: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match=operation):
        files.fail(operation, **options)  # type: ignore[arg-type]


def test_a_failed_fsync_keeps_nothing_safe(files: FaultyFiles, tmp_path: Path) -> None:
    append(files, tmp_path / "a", b"1", sync=True)
    files.fsync_directory(tmp_path)
    files.fail("fdatasync")
    with pytest.raises(OSError, match="Input/output"):
        append(files, tmp_path / "a", b"2", sync=True)
    files.lose_unsynced()
    assert (tmp_path / "a").read_bytes() == b"1"
