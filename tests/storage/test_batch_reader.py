"""read_batches: every batch once, whatever its size, and damage named by file and position."""

from pathlib import Path

import pytest

from quekka.errors import CorruptMessageError
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.batch_reader import CHUNK_BYTES, read_batches
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import FILES


def make_batch(size_bytes: int) -> bytes:
    builder = BatchBuilder(1)
    builder.append(None, bytes(size_bytes))
    return bytes(builder.build())


def open_file(path: Path, data: bytes) -> OpenFile:
    path.write_bytes(data)
    return OpenFile(FILES, path, FILES.open_read(path))


@pytest.mark.parametrize(
    "sizes",
    [[], [1], [1, 2, 3], [CHUNK_BYTES - 100], [CHUNK_BYTES * 2, 5, CHUNK_BYTES, 7], [300] * 9000],
    ids=["none", "one", "small", "about a chunk", "larger than chunks", "many"],
)
def test_every_batch_comes_whole_and_in_order(tmp_path: Path, sizes: list[int]) -> None:
    batches = [make_batch(size) for size in sizes]
    data = b"".join(batches)
    file = open_file(tmp_path / "a.log", data)
    found = list(read_batches(file, 0, len(data)))
    assert [bytes(batch.data) for batch in found] == batches
    for batch in found:
        assert data[batch.position : batch.position + batch.header.size_bytes] == batch.data


def test_reading_starts_and_ends_where_it_is_told(tmp_path: Path) -> None:
    first, second, third = make_batch(1), make_batch(2), make_batch(3)
    file = open_file(tmp_path / "a.log", first + second + third)
    found = list(read_batches(file, len(first), len(first + second)))
    assert [bytes(batch.data) for batch in found] == [second]


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (b"\x00" * 10, "a batch header takes 61 bytes, 10 are left"),
        (b"\x00" * 100, "magic 0"),
        (make_batch(5)[:-1], "a batch of 73 bytes, 72 are left"),
        (make_batch(CHUNK_BYTES)[:-1], "are left"),
    ],
    ids=["less than a header", "zeros", "cut", "large and cut"],
)
def test_damage_is_named_after_the_batches_before_it(tmp_path: Path, tail: bytes, message: str) -> None:
    good = make_batch(10)
    file = open_file(tmp_path / "a.log", good + tail)
    batches = read_batches(file, 0, len(good + tail))
    assert bytes(next(batches).data) == good
    with pytest.raises(CorruptMessageError) as damaged:
        next(batches)
    assert message in damaged.value.message
    assert str(tmp_path / "a.log") in damaged.value.message
    assert str(len(good)) in damaged.value.message
