"""Files: thin calls, and the few that are made of several."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from quekka.formats import Buffer
from quekka.storage.files import COPY_CHUNK_BYTES, FILES, IOV_MAX, TEMPORARY_SUFFIX, Files


class ShortWrites(Files):
    """Writes at most three bytes a call."""

    def __init__(self) -> None:
        self.calls = 0

    def writev(self, fd: int, buffers: Sequence[Buffer]) -> int:
        self.calls += 1
        return os.write(fd, b"".join(buffers)[:3])


class ShortReads(Files):
    """Reads at most two bytes a call."""

    def preadv(self, fd: int, buffers: Sequence[bytearray | memoryview], position: int) -> int:
        return os.preadv(fd, [memoryview(buffers[0])[:2]], position)


def test_descriptors_are_close_on_exec(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for fd in (FILES.create(path), FILES.open_append(path), FILES.open_read(path)):
        assert not os.get_inheritable(fd)
        FILES.close(fd)


def test_create_refuses_a_file_that_exists(tmp_path: Path) -> None:
    FILES.close(FILES.create(tmp_path / "a"))
    with pytest.raises(FileExistsError, match="a"):
        FILES.create(tmp_path / "a")


def test_appends_go_to_the_end_and_can_be_read_back(tmp_path: Path) -> None:
    fd = FILES.open_append(tmp_path / "a")
    assert FILES.writev(fd, [b"one", bytearray(b"two")]) == 6
    FILES.close(fd)
    fd = FILES.open_append(tmp_path / "a")
    FILES.write_all(fd, [memoryview(b"three")])
    assert FILES.pread(fd, 100, 3) == b"twothree"
    assert FILES.pread(fd, 100, 50) == b""
    FILES.ftruncate(fd, 4)
    FILES.fsync(fd)
    FILES.fdatasync(fd)
    assert FILES.size_of(fd) == FILES.size(tmp_path / "a") == 4
    FILES.close(fd)


def test_write_all_goes_on_after_short_writes(tmp_path: Path) -> None:
    files = ShortWrites()
    fd = files.create(tmp_path / "a")
    assert files.write_all(fd, [b"", b"0123456789", b"", memoryview(b"abcd")]) == 14
    files.close(fd)
    assert (tmp_path / "a").read_bytes() == b"0123456789abcd"
    assert files.calls == 5


def test_write_all_takes_more_buffers_than_one_writev(tmp_path: Path) -> None:
    fd = FILES.create(tmp_path / "a")
    assert FILES.write_all(fd, [b"xy"] * (IOV_MAX * 2 + 5)) == 2 * (IOV_MAX * 2 + 5)
    FILES.close(fd)
    assert FILES.size(tmp_path / "a") == 2 * (IOV_MAX * 2 + 5)


def test_write_all_counts_bytes_of_wide_memoryviews(tmp_path: Path) -> None:
    fd = FILES.create(tmp_path / "a")
    assert FILES.write_all(fd, [memoryview(bytearray(16)).cast("Q")]) == 16
    FILES.close(fd)


@pytest.mark.parametrize(
    ("size", "expected"), [(4, 4), (10, 10), (11, 10)], ids=["part", "all", "past the end"]
)
def test_read_into_fills_the_buffer_by_short_reads(tmp_path: Path, size: int, expected: int) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    files = ShortReads()
    fd = files.open_read(tmp_path / "a")
    buffer = bytearray(size)
    assert files.read_into(fd, buffer, 0) == expected
    assert buffer[:expected] == b"0123456789"[:expected]
    files.close(fd)


def test_read_file_reads_more_than_one_chunk(tmp_path: Path) -> None:
    data = os.urandom(COPY_CHUNK_BYTES + 17)
    (tmp_path / "a").write_bytes(data)
    assert FILES.read_file(tmp_path / "a") == data


def test_a_map_outlives_its_descriptor(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mapped")
    fd = FILES.open_read(tmp_path / "a")
    mapped = FILES.mmap_readonly(fd)
    FILES.close(fd)
    assert mapped[:] == b"mapped"
    with pytest.raises(TypeError):
        mapped[0] = 1
    mapped.close()


def test_mapping_an_empty_file_is_a_value_error(tmp_path: Path) -> None:
    fd = FILES.create(tmp_path / "a")
    with pytest.raises(ValueError, match="empty"):
        FILES.mmap_readonly(fd)
    FILES.close(fd)


def test_the_lock_is_held_by_one_open_file_even_within_a_process(tmp_path: Path) -> None:
    first, second = FILES.open_append(tmp_path / "lock"), FILES.open_append(tmp_path / "lock")
    assert FILES.lock(first)
    assert not FILES.lock(second)
    FILES.close(first)
    assert FILES.lock(second)
    FILES.close(second)


def test_replace_file_leaves_the_new_contents_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "topic.json"
    FILES.replace_file(path, b"old")
    (tmp_path / f"topic.json{TEMPORARY_SUFFIX}").write_bytes(b"left by a crash")
    FILES.replace_file(path, b"new", durable=False)
    assert path.read_bytes() == b"new"
    assert FILES.listdir(tmp_path) == ["topic.json"]


def test_replace_file_keeps_the_old_contents_when_the_write_fails(tmp_path: Path) -> None:
    class NoSpace(Files):
        def writev(self, fd: int, buffers: Sequence[Buffer]) -> int:
            raise OSError(28, "No space left on device")

    path = tmp_path / "topic.json"
    FILES.replace_file(path, b"old")
    with pytest.raises(OSError, match="No space"):
        NoSpace().replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_copy_tail_keeps_what_lies_after_a_position(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"whole batches|torn")
    fd = FILES.open_read(tmp_path / "log")
    assert FILES.copy_tail(fd, 14, tmp_path / "log.broken") == 4
    assert (tmp_path / "log.broken").read_bytes() == b"torn"
    with pytest.raises(FileExistsError):
        FILES.copy_tail(fd, 14, tmp_path / "log.broken")
    FILES.close(fd)


def test_remove_tree_removes_links_and_not_what_they_point_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"x")
    FILES.makedirs(tmp_path / "gone" / "deep")
    FILES.mkdir(tmp_path / "gone" / "more")
    (tmp_path / "gone" / "deep" / "file").write_bytes(b"x")
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    FILES.remove_tree(tmp_path / "gone")
    assert not FILES.exists(tmp_path / "gone")
    assert FILES.exists(tmp_path / "kept" / "file")


def test_names_are_listed_sorted_and_told_apart(tmp_path: Path) -> None:
    FILES.makedirs(tmp_path / "b")
    FILES.makedirs(tmp_path / "b")
    FILES.replace_file(tmp_path / "a", b"x")
    assert FILES.listdir(tmp_path) == ["a", "b"]
    assert FILES.is_directory(tmp_path / "b")
    assert not FILES.is_directory(tmp_path / "a")
    os.utime(tmp_path / "a", ns=(0, 1_700_000_000_123_456_789))
    assert FILES.modified_ms(tmp_path / "a") == 1_700_000_000_123
    FILES.fsync_directory(tmp_path)
    FILES.rmdir(tmp_path / "b")
    FILES.unlink(tmp_path / "a")
    assert FILES.listdir(tmp_path) == []
