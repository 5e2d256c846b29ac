"""Files are closed when they are not needed, never while they are, and never mixed up."""

import os
import threading
from pathlib import Path

import pytest

from quekka.errors import KafkaStorageError
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.file_cache import CachedFile, FileCache, OpenFile
from quekka.storage.files import FILES, Files


def made(tmp_path: Path, count: int) -> list[Path]:
    paths = [tmp_path / f"{number}.log" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    return paths


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_a_file_opens_with_the_first_get_and_stays_open(tmp_path: Path) -> None:
    cache = FileCache(FILES, 2)
    file = cache.log_file(made(tmp_path, 1)[0])
    assert cache.open_count == 0
    assert file.get() is file.get()
    assert cache.open_count == 1


def test_no_more_than_the_limit_stay_open(tmp_path: Path) -> None:
    cache = FileCache(FILES, 3)
    fds = [cache.log_file(path).get().fileno for path in made(tmp_path, 10)]
    assert cache.open_count == 3
    assert len(set(fds)) < 10


def test_an_evicted_file_opens_again(tmp_path: Path) -> None:
    cache = FileCache(FILES, 1)
    first, second = (cache.log_file(path) for path in made(tmp_path, 2))
    assert first.get().read(0, 1) == b"0"
    assert second.get().read(0, 1) == b"1"
    assert first.get().read(0, 1) == b"0"


def test_eviction_does_not_close_a_file_in_use(tmp_path: Path) -> None:
    cache = FileCache(FILES, 1)
    first, second = (cache.log_file(path) for path in made(tmp_path, 2))
    held = first.get()
    second.get()
    assert held.read(0, 1) == b"0"
    fd = held.fileno
    del held
    assert not is_open(fd)


def test_a_file_that_was_read_since_the_last_round_is_spared(tmp_path: Path) -> None:
    cache = FileCache(FILES, 2)
    used, unused, third = (cache.log_file(path) for path in made(tmp_path, 3))
    fd = used.get().fileno
    unused_fd = unused.get().fileno
    used.get()
    third.get()
    assert is_open(fd)
    assert used.get().fileno == fd
    assert third.get().fileno == unused_fd or not is_open(unused_fd)


def test_a_kept_file_is_readable_after_its_name_is_gone_and_others_came(tmp_path: Path) -> None:
    cache = FileCache(FILES, 1)
    path, *others = made(tmp_path, 4)
    file = cache.log_file(path)
    file.keep()
    path.unlink()
    for other in others:
        cache.log_file(other).get()
    assert file.get().read(0, 1) == b"0"
    assert cache.open_count == 1


def test_a_kept_file_closes_with_its_owner(tmp_path: Path) -> None:
    cache = FileCache(FILES, 1)
    file = cache.log_file(made(tmp_path, 1)[0])
    file.keep()
    fd = file.get().fileno
    del file
    assert not is_open(fd)


def test_forget_closes_and_a_later_get_opens_again(tmp_path: Path) -> None:
    cache = FileCache(FILES, 5)
    file = cache.log_file(made(tmp_path, 1)[0])
    fd = file.get().fileno
    file.forget()
    assert not is_open(fd)
    assert cache.open_count == 0
    assert file.get().read(0, 1) == b"0"


class SwappingFiles(Files):
    """Lets something happen between the decision to open a file and its opening."""

    def __init__(self) -> None:
        self.before_open = lambda: None

    def open_read(self, path: os.PathLike[str] | str) -> int:
        happening, self.before_open = self.before_open, lambda: None
        happening()
        return super().open_read(path)


@pytest.mark.parametrize("comes_after", [b"", b"another life"], ids=["unlinked", "replaced"])
def test_who_opens_late_gets_the_file_that_was_kept(tmp_path: Path, comes_after: bytes) -> None:
    files = SwappingFiles()
    cache = FileCache(files, 5)
    path = made(tmp_path, 1)[0]
    file = cache.log_file(path)

    def writer_is_faster() -> None:
        file.keep()
        path.unlink()
        if comes_after:
            path.write_bytes(comes_after)

    files.before_open = writer_is_faster
    assert file.get().read(0, 1) == b"0"


@pytest.mark.parametrize("was_open", [False, True])
def test_a_retired_file_is_not_opened_again(tmp_path: Path, was_open: bool) -> None:
    cache = FileCache(FILES, 5)
    path = made(tmp_path, 1)[0]
    file = cache.log_file(path)
    reading = file.get() if was_open else None
    file.retire()
    path.unlink()
    path.write_bytes(b"another life")
    with pytest.raises(KafkaStorageError, match="topic was deleted"):
        file.get()
    if reading is not None:
        assert reading.read(0, 1) == b"0"


def test_who_opens_a_file_that_is_retired_meanwhile_is_refused(tmp_path: Path) -> None:
    files = SwappingFiles()
    cache = FileCache(files, 5)
    file = cache.log_file(made(tmp_path, 1)[0])
    files.before_open = file.retire
    with pytest.raises(KafkaStorageError, match="topic was deleted"):
        file.get()
    assert cache.open_count == 0


def test_two_threads_that_open_the_same_file_get_the_same_one(tmp_path: Path) -> None:
    files = SwappingFiles()
    cache = FileCache(files, 5)
    file = cache.log_file(made(tmp_path, 1)[0])
    found: list[OpenFile] = []

    def other_opens() -> None:
        thread = threading.Thread(target=lambda: found.append(file.get()))
        thread.start()
        thread.join()

    files.before_open = other_opens
    assert file.get() is found[0]
    assert cache.open_count == 1


def test_close_all_closes_what_nobody_uses_and_refuses_the_rest(tmp_path: Path) -> None:
    cache = FileCache(FILES, 5)
    unused, used = (cache.log_file(path) for path in made(tmp_path, 2))
    fd = unused.get().fileno
    held = used.get()
    cache.close_all()
    assert not is_open(fd)
    assert held.read(0, 1) == b"1"
    with pytest.raises(KafkaStorageError, match="closed"):
        unused.get()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KafkaStorageError, match=r"No such file.*gone\.log"):
        FileCache(FILES, 1).log_file(tmp_path / "gone.log").get()


def test_a_cache_of_no_files_is_refused() -> None:
    with pytest.raises(ValueError, match="0 files"):
        FileCache(FILES, 0)


def test_what_is_made_of_a_file_can_be_cached_too() -> None:
    made_of: list[int] = []

    def load() -> list[int]:
        made_of.append(1)
        return made_of

    cached: CachedFile[list[int]] = FileCache(FILES, 1).cached(load)
    assert cached.get() is cached.get()
    assert made_of == [1]


# OpenFile


def test_read_gives_exactly_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"abcdef")
    file = OpenFile(FILES, path, FILES.open_read(path))
    assert file.read(1, 3) == b"bcd"
    buffer = bytearray(2)
    file.read_into(memoryview(buffer), 4)
    assert buffer == b"ef"


def test_a_file_shorter_than_it_should_be_is_named_with_the_position(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"abc")
    file = OpenFile(FILES, path, FILES.open_read(path))
    with pytest.raises(KafkaStorageError, match=r"a\.log ends at byte 3"):
        file.read(1, 10)
    with pytest.raises(KafkaStorageError, match=r"a\.log ends at byte 3"):
        file.read_into(memoryview(bytearray(10)), 0)


def test_a_disk_that_cannot_be_read_is_named_with_the_position(tmp_path: Path) -> None:
    files = FaultyFiles()
    path = tmp_path / "a.log"
    path.write_bytes(b"abc")
    file = OpenFile(files, path, files.open_read(path))
    for operation in ("pread", "preadv"):
        files.fail(operation)
    with pytest.raises(KafkaStorageError, match=r"a\.log: reading at byte 1: Input/output error"):
        file.read(1, 1)
    with pytest.raises(KafkaStorageError, match=r"a\.log: reading at byte 2: Input/output error"):
        file.read_into(memoryview(bytearray(1)), 2)


def test_a_close_that_fails_is_told_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.log").write_bytes(b"data")
    files = FaultyFiles()
    file = OpenFile(files, tmp_path / "a.log", files.open_read(tmp_path / "a.log"))
    files.fail("close")
    del file
    assert f"{tmp_path / 'a.log'}: closing: " in caplog.text
