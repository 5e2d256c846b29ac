"""The offset index in memory, mapped and on the disk: the same answers from all three."""

import mmap
import random
import struct
from pathlib import Path

import pytest

from quekka.errors import CorruptMessageError
from quekka.formats.index_entry import OffsetIndexEntry
from quekka.storage.files import FILES
from quekka.storage.offset_index import MappedOffsetIndex, OffsetIndex, OffsetIndexView, OffsetSearch

ENTRIES = [(9, 1000), (19, 2000), (25, 3000)]


def filled(entries: list[tuple[int, int]]) -> OffsetIndex:
    index = OffsetIndex()
    for entry in entries:
        index.append(*entry)
    return index


def in_memory(entries: list[tuple[int, int]]) -> OffsetSearch:
    index = filled(entries)
    index.append(2**31 - 1, 2**31 - 1)  # came after the view was taken
    return OffsetIndexView(index, len(entries))


def mapped(entries: list[tuple[int, int]]) -> OffsetSearch:
    return MappedOffsetIndex(filled(entries).encode(0))


@pytest.fixture(params=[in_memory, mapped], ids=["in_memory", "mapped"])
def search(request: pytest.FixtureRequest) -> OffsetSearch:
    found: OffsetSearch = request.param(ENTRIES)
    return found


@pytest.mark.parametrize(
    ("relative_offset", "position"),
    [(0, 0), (8, 0), (9, 1000), (18, 1000), (19, 2000), (24, 2000), (25, 3000), (1_000_000, 3000)],
)
def test_floor_is_the_last_batch_that_ends_at_or_before(
    search: OffsetSearch, relative_offset: int, position: int
) -> None:
    assert search.floor(relative_offset) == position


@pytest.mark.parametrize(
    ("limit", "position"), [(0, 0), (999, 0), (1000, 1000), (2500, 2000), (3000, 3000), (9999, 3000)]
)
def test_floor_position_is_the_last_known_start(search: OffsetSearch, limit: int, position: int) -> None:
    assert search.floor_position(limit) == position


def test_the_last_entry_and_the_count_are_those_of_the_view(search: OffsetSearch) -> None:
    assert search.count == 3
    assert search.last() == OffsetIndexEntry(25, 3000)


@pytest.mark.parametrize("make", [in_memory, mapped])
def test_an_empty_index_leads_to_the_start(make: object) -> None:
    search: OffsetSearch = make([])  # type: ignore[operator]
    assert (search.count, search.floor(5), search.floor_position(5), search.last()) == (0, 0, 0, None)


def test_memory_and_map_agree_on_any_index(seed: int, tmp_path: Path) -> None:
    random.seed(seed)
    offsets = sorted(random.sample(range(100_000), 500))
    entries = list(zip(offsets, sorted(random.sample(range(2**31), 500)), strict=True))
    path = tmp_path / "0.index"
    path.write_bytes(filled(entries).encode(0))
    with path.open("rb") as file:
        real_map = MappedOffsetIndex(FILES.mmap_readonly(file.fileno()))
    memory = in_memory(entries)
    for _ in range(500):
        offset, position = random.randrange(100_100), random.randrange(2**31)
        assert real_map.floor(offset) == memory.floor(offset)
        assert real_map.floor_position(position) == memory.floor_position(position)


def test_a_map_lives_as_long_as_its_index(tmp_path: Path) -> None:
    path = tmp_path / "0.index"
    path.write_bytes(filled(ENTRIES).encode(0))
    with path.open("rb") as file:
        index = MappedOffsetIndex(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    path.unlink()
    assert index.floor(19) == 2000


def test_the_file_holds_big_endian_pairs() -> None:
    assert filled(ENTRIES).encode(1) == struct.pack(">4i", 19, 2000, 25, 3000)
    assert filled(ENTRIES).encode(3) == b""


def test_what_was_encoded_is_decoded() -> None:
    index = OffsetIndex.decode(filled(ENTRIES).encode(0))
    assert list(zip(index.relative_offsets, index.positions, strict=True)) == ENTRIES


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\0" * 7, "7 bytes are no multiple of 8"),
        (struct.pack(">4i", 5, 100, 5, 200), "the offsets do not rise"),
        (struct.pack(">4i", 5, 100, 6, 100), "the positions do not rise"),
        (struct.pack(">4i", 5, 100, 0, 0), "do not rise"),
        (struct.pack(">2i", -1, 100), "the offsets do not rise"),
        (struct.pack(">2i", 1, -100), "the positions do not rise"),
    ],
    ids=["torn", "offset_twice", "position_twice", "zeroes_at_the_end", "negative", "negative_position"],
)
def test_bytes_that_are_no_index_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(CorruptMessageError, match=why):
        OffsetIndex.decode(data)


def test_a_torn_file_says_so_when_mapped() -> None:
    index = MappedOffsetIndex(filled(ENTRIES).encode(0) + b"abc")
    assert (index.count, index.cut_bytes) == (3, 3)


def test_truncate_forgets_the_last_entries() -> None:
    index = filled(ENTRIES)
    index.truncate(1)
    assert (index.count, list(index.positions), list(index.relative_offsets)) == (1, [1000], [9])
