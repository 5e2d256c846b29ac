"""The time index in memory, mapped and on the disk: the same answers from all three."""

import struct

import pytest

from quekka.errors import CorruptMessageError
from quekka.formats.index_entry import TimeIndexEntry
from quekka.storage.time_index import NO_TIMESTAMP, MappedTimeIndex, TimeIndex, TimeIndexView, TimeSearch

ENTRIES = [(1000, 9), (5000, 19), (5001, 25)]


def filled(entries: list[tuple[int, int]]) -> TimeIndex:
    index = TimeIndex()
    for entry in entries:
        index.append(*entry)
    return index


def in_memory(entries: list[tuple[int, int]]) -> TimeSearch:
    index = filled(entries)
    index.append(2**62, 2**31 - 1)  # came after the view was taken
    return TimeIndexView(index, len(entries))


def mapped(entries: list[tuple[int, int]]) -> TimeSearch:
    return MappedTimeIndex(filled(entries).encode(0))


@pytest.fixture(params=[in_memory, mapped], ids=["in_memory", "mapped"])
def search(request: pytest.FixtureRequest) -> TimeSearch:
    found: TimeSearch = request.param(ENTRIES)
    return found


@pytest.mark.parametrize(
    ("timestamp_ms", "relative_offset"),
    [(-1, 0), (999, 0), (1000, 9), (4999, 9), (5000, 19), (5001, 25), (2**62, 25)],
)
def test_floor_is_the_last_entry_at_or_before(
    search: TimeSearch, timestamp_ms: int, relative_offset: int
) -> None:
    assert search.floor(timestamp_ms) == relative_offset


def test_the_last_entry_and_the_count_are_those_of_the_view(search: TimeSearch) -> None:
    assert search.count == 3
    assert search.last() == TimeIndexEntry(5001, 25)


@pytest.mark.parametrize("make", [in_memory, mapped])
def test_an_empty_index_leads_to_the_start(make: object) -> None:
    search: TimeSearch = make([])  # type: ignore[operator]
    assert (search.count, search.floor(5), search.last()) == (0, 0, None)


def test_the_file_holds_big_endian_entries() -> None:
    assert filled(ENTRIES).encode(1) == struct.pack(">qiqi", 5000, 19, 5001, 25)


def test_what_was_encoded_is_decoded() -> None:
    index = TimeIndex.decode(filled(ENTRIES).encode(0))
    assert list(zip(index.timestamps_ms, index.relative_offsets, strict=True)) == ENTRIES


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\0" * 13, "13 bytes are no multiple of 12"),
        (struct.pack(">qiqi", 5, 1, 5, 2), "the timestamps do not rise"),
        (struct.pack(">qiqi", 5, 2, 6, 2), "the offsets do not rise"),
        (struct.pack(">qi", -5, 2), "the timestamps do not rise"),
    ],
    ids=["torn", "timestamp_twice", "offset_twice", "negative"],
)
def test_bytes_that_are_no_index_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(CorruptMessageError, match=why):
        TimeIndex.decode(data)


def test_a_torn_file_says_so_when_mapped() -> None:
    index = MappedTimeIndex(filled(ENTRIES).encode(0) + b"abc")
    assert (index.count, index.cut_bytes) == (3, 3)


def test_truncate_forgets_the_last_entries() -> None:
    index = filled(ENTRIES)
    index.truncate(2)
    assert (index.count, index.last_timestamp_ms()) == (2, 5000)
    index.truncate(0)
    assert index.last_timestamp_ms() == NO_TIMESTAMP
