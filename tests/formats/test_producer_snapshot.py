"""Producer snapshots, against bytes written out by hand, and every way to damage them."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.errors import CorruptMessageError
from quekka.formats.crc32c import portable_crc32c
from quekka.formats.producer_snapshot import (
    ENTRY_BYTES,
    HEAD_BYTES,
    ProducerSnapshotEntry,
    decode_producer_snapshot,
    encode_producer_snapshot,
)

FUZZ = settings(derandomize=True, deadline=None, max_examples=200)

ONE = ProducerSnapshotEntry(7, 1, 12, 42, 2, 1000)
LARGEST = ProducerSnapshotEntry(
    2**63 - 1, 2**15 - 1, 2**31 - 1, 2**63 - 1, 2**31 - 1, 2**63 - 1, 2**31 - 1, 2**63 - 1
)
ONLY_A_MARKER = ProducerSnapshotEntry(0, 0, -1, -1, 0, -1, 3, 17)

GOLDEN = {
    "none": ([], "0001 48674bc7 00000000"),
    "one": (
        [ONE],
        "0001 e1485733 00000001"
        "0000000000000007 0001 0000000c 000000000000002a 00000002 00000000000003e8 ffffffff ffffffffffffffff",
    ),
    "extremes": (
        [LARGEST, ONLY_A_MARKER],
        "0001 36fbc0e4 00000002"
        "7fffffffffffffff 7fff 7fffffff 7fffffffffffffff 7fffffff 7fffffffffffffff 7fffffff 7fffffffffffffff"
        "0000000000000000 0000 ffffffff ffffffffffffffff 00000000 ffffffffffffffff 00000003 0000000000000011",
    ),
}


@pytest.mark.parametrize(("entries", "encoded"), GOLDEN.values(), ids=GOLDEN)
def test_bytes_are_those_of_kafka(entries: list[ProducerSnapshotEntry], encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert encode_producer_snapshot(entries) == data
    assert decode_producer_snapshot(data) == entries
    assert decode_producer_snapshot(memoryview(data)) == entries
    assert len(data) == HEAD_BYTES + ENTRY_BYTES * len(entries) == 10 + 46 * len(entries)


def sealed(data: bytes) -> bytes:
    """`data` with the CRC-32C that it should have."""
    return data[:2] + struct.pack(">I", portable_crc32c(data[6:])) + data[6:]


WHOLE = encode_producer_snapshot([ONE, ONLY_A_MARKER])
DAMAGED = {
    "empty": (b"", "0 bytes, the head alone has 10"),
    "cut_in_the_head": (WHOLE[:9], "9 bytes, the head alone has 10"),
    "other_version": (sealed(b"\0\2" + WHOLE[2:]), "version 2, only 1"),
    "zeros": (bytes(len(WHOLE)), "version 0, only 1"),
    "crc": (WHOLE[:2] + b"\0\0\0\0" + WHOLE[6:], "CRC-32C [0-9a-f]{8}, not 00000000"),
    "cut": (WHOLE[:-1], "CRC-32C"),
    "cut_at_an_entry": (WHOLE[:-ENTRY_BYTES], "CRC-32C"),
    "longer": (WHOLE + b"\0", "CRC-32C"),
    "count_too_small": (sealed(WHOLE[:6] + b"\0\0\0\1" + WHOLE[10:]), "102 bytes do not hold 1 producers"),
    "count_negative": (sealed(WHOLE[:6] + b"\xff\xff\xff\xff"), "10 bytes do not hold -1 producers"),
    "producer_id_negative": (sealed(WHOLE[:10] + b"\xff" + WHOLE[11:]), "entry 0 has negative numbers"),
    "offset_delta_negative": (
        encode_producer_snapshot([ONE, ONE._replace(offset_delta=-1)]),
        "entry 1 has negative numbers",
    ),
}


@pytest.mark.parametrize(("data", "problem"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_named(data: bytes, problem: str) -> None:
    with pytest.raises(CorruptMessageError, match=f"producer snapshot: .*{problem}"):
        decode_producer_snapshot(data)


@pytest.mark.parametrize("position", range(len(WHOLE)))
def test_any_flipped_byte_is_noticed(position: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[position] ^= 0x40
    with pytest.raises(CorruptMessageError):
        decode_producer_snapshot(damaged)


@FUZZ
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(CorruptMessageError):
        decode_producer_snapshot(data)
    with pytest.raises(CorruptMessageError):
        decode_producer_snapshot(sealed(b"\0\1" + data.ljust(HEAD_BYTES, b"\xee")))
