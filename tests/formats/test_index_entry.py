"""Entries of offset and time indexes, against bytes written out by hand."""

import pytest

from quekka.errors import CorruptMessageError
from quekka.formats.index_entry import (
    OFFSET_ENTRY_BYTES,
    TIME_ENTRY_BYTES,
    OffsetIndexEntry,
    TimeIndexEntry,
    decode_offset_entry,
    decode_time_entry,
    encode_offset_entry,
    encode_time_entry,
)

OFFSET_ENTRIES = [
    (0, 0, "00000000 00000000"),
    (41, 4096, "00000029 00001000"),
    (2**31 - 1, 2**31 - 1, "7fffffff 7fffffff"),
]

TIME_ENTRIES = [
    (1000, 7, "00000000000003e8 00000007"),
    (-1, 0, "ffffffffffffffff 00000000"),
    (2**63 - 1, 2**31 - 1, "7fffffffffffffff 7fffffff"),
]


@pytest.mark.parametrize(("relative_offset", "position", "encoded"), OFFSET_ENTRIES)
def test_offset_entry_has_eight_bytes(relative_offset: int, position: int, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert len(data) == OFFSET_ENTRY_BYTES
    assert encode_offset_entry(relative_offset, position) == data
    assert decode_offset_entry(data, 0) == OffsetIndexEntry(relative_offset, position)


@pytest.mark.parametrize(("timestamp_ms", "relative_offset", "encoded"), TIME_ENTRIES)
def test_time_entry_has_twelve_bytes(timestamp_ms: int, relative_offset: int, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert len(data) == TIME_ENTRY_BYTES
    assert encode_time_entry(timestamp_ms, relative_offset) == data
    assert decode_time_entry(data, 0) == TimeIndexEntry(timestamp_ms, relative_offset)


def test_entries_are_found_by_their_number_in_any_buffer() -> None:
    offsets = b"".join(encode_offset_entry(n, n * 100) for n in range(5))
    times = b"".join(encode_time_entry(n * 1000, n) for n in range(5))
    for form in (bytes, bytearray, memoryview):
        assert decode_offset_entry(form(offsets), 3) == (3, 300)
        assert decode_time_entry(form(times), 4) == (4000, 4)


@pytest.mark.parametrize(("relative_offset", "position"), [(-1, 0), (0, -1), (2**31, 0), (0, 2**31)])
def test_offset_entry_refuses_what_does_not_fit(relative_offset: int, position: int) -> None:
    with pytest.raises(OverflowError, match="offset index entry"):
        encode_offset_entry(relative_offset, position)


@pytest.mark.parametrize(
    ("timestamp_ms", "relative_offset"), [(2**63, 0), (-(2**63) - 1, 0), (0, -1), (0, 2**31)]
)
def test_time_entry_refuses_what_does_not_fit(timestamp_ms: int, relative_offset: int) -> None:
    with pytest.raises(OverflowError, match="time index entry"):
        encode_time_entry(timestamp_ms, relative_offset)


@pytest.mark.parametrize("index", [1, 2, 10**9])
def test_cut_entries_are_told_with_their_position(index: int) -> None:
    with pytest.raises(CorruptMessageError, match=f"byte {8 * index}: the offset index entry is cut"):
        decode_offset_entry(bytes(15), index)
    with pytest.raises(CorruptMessageError, match=f"byte {12 * index}: the time index entry is cut"):
        decode_time_entry(bytes(23), index)


@pytest.mark.parametrize("encoded", ["ffffffff 00000000", "00000000 80000000"])
def test_negative_numbers_in_an_offset_entry_are_damage(encoded: str) -> None:
    with pytest.raises(CorruptMessageError, match="byte 8: negative"):
        decode_offset_entry(bytes(8) + bytes.fromhex(encoded), 1)


def test_negative_offset_in_a_time_entry_is_damage() -> None:
    with pytest.raises(CorruptMessageError, match="byte 0: negative"):
        decode_time_entry(bytes.fromhex("0000000000000000 80000000"), 0)
