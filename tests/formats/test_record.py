"""Single records, against bytes written out by hand, and what a hostile producer could write."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.errors import CorruptMessageError
from quekka.formats.record import (
    Header,
    RawRecord,
    Record,
    decode_record,
    encode_headers,
    encode_record,
    walk_records,
)

FUZZ = settings(derandomize=True, deadline=None, max_examples=200)
HEADERS = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.none() | st.binary(max_size=9)
    ),
    max_size=4,
)
NULLABLE = st.none() | st.binary(max_size=200)

GOLDEN = [
    ("value_only", (0, 0, None, b"hi", ()), "10 00 00 00 01 04 6869 00"),
    ("tombstone", (1, 0, b"k", None, ()), "0e 00 00 02 02 6b 01 00"),
    ("empty_key_and_value", (0, 0, b"", b"", ()), "0c 00 00 00 00 00 00"),
    ("all_null", (0, 0, None, None, ()), "0c 00 00 00 01 01 00"),
    ("deltas_of_two_bytes", (64, -65, None, b"", ()), "10 00 8101 8001 01 00 00"),
    (
        "headers",
        (2, 3, b"k", b"v", (("a", b"1"), ("é", None), ("", b""))),
        "24 00 06 04 02 6b 02 76 06 02 61 02 31 04 c3a9 01 00 00",
    ),
]

# Each is a batch's records with their count; offsets may go from 100 to 109.
HOSTILE = [
    ("nothing_for_one_record", "", 1, "record 0 of 1.*cut"),
    ("fewer_than_the_count", "0c000000010100", 2, "record 1 of 2.*cut"),
    ("more_than_the_count", "0c000000010100 0c000002010100", 1, "7 bytes are left over"),
    ("records_where_there_are_none", "0c000000010100", 0, "7 bytes are left over"),
    ("count_of_2_to_the_31", "0c000000010100", 2**31 - 1, "record 1 of 2147483647.*cut"),
    ("length_negative", "0d000000010100", 1, "its length is negative"),
    ("length_minus_one", "01", 1, "its length is negative"),
    ("length_zero", "00", 1, "cut"),
    ("length_zero_before_more", "00 0c000000010100", 1, "headers announced"),
    ("length_too_small", "0a000000010100", 1, "ends at byte 6"),
    ("length_too_large", "0e000000010100", 1, "ends at byte 8"),
    ("length_past_the_end", "feffffff0f000000010100", 1, "ends at byte 2147483652"),
    ("length_overlong", "ffffffffffffffffff7f000000010100", 1, "more than 64 bits"),
    ("length_cut", "80", 1, "cut"),
    ("length_cut_after_three_bytes", "808080", 1, "is cut"),
    ("timestamp_delta_cut", "0c0080", 1, "cut"),
    ("offset_delta_cut", "0c000080", 1, "cut"),
    ("offset_delta_negative", "0c000001010100", 1, "offset 100 is not in 100"),
    ("offset_delta_past_the_last", "0c000014010100", 1, "offset 110 is not in 100..109"),
    ("offset_repeated", "0c000002010100 0c000002010100", 2, "record 1 .*offset 101 is not in 102..109"),
    ("offset_falling", "0c000004010100 0c000002010100", 2, "record 1 .*offset 101 is not in 103..109"),
    ("offset_of_64_bits", "1e0000 feffffffffffffffff01 010100", 1, "is not in"),
    ("key_length_minus_two", "0c000000030100", 1, "the length of its key is negative"),
    ("key_length_past_the_record", "0c000000060100 0000", 1, "cut|ends at byte 7"),
    ("key_length_huge", "14000000 feffffff0f 0100", 1, "cut"),
    ("value_length_minus_two", "0c000000010300", 1, "the length of its value is negative"),
    ("value_length_past_the_end", "0c000000017e00", 1, "cut"),
    ("value_length_into_the_next", "0c000000010800 0c000002010100", 2, "byte 11: 1 headers announced"),
    ("value_length_of_2_to_the_63", "1e00000001 feffffffffffffffff01 00", 1, "cut"),
    ("headers_count_negative", "0c000000010101", 1, "-1 headers announced"),
    ("headers_count_huge", "1400000001 01feffffff0f", 1, "2147483647 headers announced, 0 found"),
    ("headers_fewer", "1000000001 01 04 00 00", 1, "2 headers announced, 1 found"),
    ("headers_more", "1400000001 01 02 0000 0000", 1, "ends at byte 11"),
    ("header_key_null", "1000000001 01 02 01 00", 1, "key of a header is null"),
    ("header_key_past_the_end", "1000000001 01 02 7e 00", 1, "63 bytes, 1 are left"),
    ("header_value_negative", "1000000001 01 02 00 03", 1, "-2 bytes"),
    ("header_value_cut", "0e00000001 01 02 00", 1, "cut"),
    ("header_into_the_next", "0e00000001 01 02 00 0c000002010100", 2, "are left|ends at byte 8"),
    ("timestamp_of_65_bits", "1e00 feffffffffffffffff01 00 010100", 1, "timestamp .* more than 64 bits"),
]


def walk(data: bytes, count: int, from_offset: int = 0) -> list[RawRecord]:
    records = walk_records(
        data, count, base_offset=100, last_offset=109, base_timestamp_ms=1000, from_offset=from_offset
    )
    return list(records)


@pytest.mark.parametrize(
    ("fields", "encoded"), [case[1:] for case in GOLDEN], ids=[case[0] for case in GOLDEN]
)
def test_bytes_are_those_of_kafka(
    fields: tuple[int, int, bytes | None, bytes | None, Sequence[Header]], encoded: str
) -> None:
    data = bytes.fromhex(encoded)
    offset_delta, timestamp_delta_ms, key, value, headers = fields
    record = Record(100 + offset_delta, 1000 + timestamp_delta_ms, key, value, tuple(headers))
    assert encode_record(*fields) == data
    assert decode_record(data, 0, 100, 1000) == (record, len(data))
    assert decode_record(b"??" + data + b"!", 2, 100, 1000) == (record, 2 + len(data))


@pytest.mark.parametrize(
    ("encoded", "count", "problem"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_hostile_records_are_refused(encoded: str, count: int, problem: str) -> None:
    with pytest.raises(CorruptMessageError, match=problem):
        walk(bytes.fromhex(encoded), count)


def test_records_before_the_damage_come_first() -> None:
    good = encode_record(0, 0, None, b"good")
    records = walk_records(good + b"\x01", 2, base_offset=0, last_offset=1, base_timestamp_ms=0)
    assert next(records) == (0, 0, None, b"good", ())
    with pytest.raises(CorruptMessageError, match="record 1 of 2"):
        next(records)


def test_records_before_an_offset_are_left_out() -> None:
    data = b"".join(encode_record(delta, 0, b"key", b"v" * 100, (("h", None),)) for delta in range(10))
    for from_offset in (0, 100, 104, 109, 110):
        offsets = [offset for offset, *_ in walk(data, 10, from_offset)]
        assert offsets == list(range(max(100, from_offset), 110))


def test_append_time_is_the_timestamp_of_all() -> None:
    data = encode_record(0, -5, None, b"") + encode_record(1, 500, None, b"")
    records = walk_records(data, 2, base_offset=0, last_offset=1, base_timestamp_ms=1000, append_time_ms=7777)
    assert [timestamp_ms for _, timestamp_ms, *_ in records] == [7777, 7777]


def test_header_keys_that_are_no_utf8_are_shown_as_java_shows_them() -> None:
    data = bytes.fromhex("12 00 00 00 01 01 02 02 ff 01")
    record, _ = decode_record(data)
    assert record.headers == (("\ufffd", None),)


@pytest.mark.parametrize("data", [b"", b"\x10", b"\x10" + bytes(7), b"\x0f" + bytes(8), b"\x80"])
def test_single_record_that_is_cut_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptMessageError, match="byte 0"):
        decode_record(data)


@FUZZ
@given(st.integers(0, 2**31 - 1), st.integers(-(2**63), 2**63 - 1 - 1000), NULLABLE, NULLABLE, HEADERS)
def test_what_was_encoded_is_decoded(
    offset_delta: int,
    timestamp_delta_ms: int,
    key: bytes | None,
    value: bytes | None,
    headers: list[Header],
) -> None:
    data = encode_record(offset_delta, timestamp_delta_ms, key, value, headers)
    record = Record(100 + offset_delta, 1000 + timestamp_delta_ms, key, value, tuple(headers))
    assert decode_record(data, 0, 100, 1000) == (record, len(data))
    assert data.endswith(encode_headers(headers))


@FUZZ
@given(st.binary(max_size=60), st.integers(0, 2**31 - 1))
def test_any_bytes_are_decoded_or_refused(data: bytes, count: int) -> None:
    try:
        records = walk(data, count)
    except CorruptMessageError:
        return
    assert len(records) == count


@FUZZ
@given(st.data())
def test_flipped_bytes_never_give_more_than_was_there(data: st.DataObject) -> None:
    whole = b"".join(encode_record(delta, delta, b"key", b"value", (("h", b"x"),)) for delta in range(5))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        records = walk(bytes(damaged), 5)
    except CorruptMessageError:
        return
    assert [offset for offset, *_ in records] == sorted({offset for offset, *_ in records})
    sizes = [len(key or b"") + len(value or b"") for _, _, key, value, _ in records]
    assert sum(sizes) <= len(whole)
