"""Variable-length integers, against values written out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.errors import CorruptMessageError
from quekka.formats.varint import (
    decode_uvarint,
    decode_varint,
    encode_uvarint,
    encode_varint,
    varint_size,
)

FUZZ = settings(derandomize=True, deadline=None, max_examples=200)

ZIGZAG = [
    (0, "00"),
    (-1, "01"),
    (1, "02"),
    (-2, "03"),
    (63, "7e"),
    (-64, "7f"),
    (64, "8001"),
    (-65, "8101"),
    (150, "ac02"),
    (2**31 - 1, "feffffff0f"),
    (-(2**31), "ffffffff0f"),
    (2**63 - 1, "feffffffffffffffff01"),
    (-(2**63), "ffffffffffffffffff01"),
]

UNSIGNED = [
    (0, "00"),
    (127, "7f"),
    (128, "8001"),
    (300, "ac02"),
    (16383, "ff7f"),
    (16384, "808001"),
    (2**64 - 1, "ffffffffffffffffff01"),
]

DAMAGED = [
    ("", "is cut"),
    ("80", "is cut"),
    ("ffffffffffffffffff", "is cut"),
    ("ffffffffffffffffff02", "more than 64 bits"),
    ("ffffffffffffffffff80", "more than 64 bits"),
    ("8080808080808080808000", "more than 64 bits"),
]


@pytest.mark.parametrize(("value", "encoded"), ZIGZAG)
def test_zigzag_form_is_that_of_kafka(value: int, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert encode_varint(value) == data
    assert decode_varint(data, 0) == (value, len(data))
    assert varint_size(value) == len(data)


@pytest.mark.parametrize(("value", "encoded"), UNSIGNED)
def test_unsigned_form_is_that_of_kafka(value: int, encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert encode_uvarint(value) == data
    assert decode_uvarint(data, 0) == (value, len(data))


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**200, -(2**200)])
def test_more_than_64_bits_with_sign_are_not_encoded(value: int) -> None:
    with pytest.raises(OverflowError, match="64 bits"):
        encode_varint(value)


@pytest.mark.parametrize("value", [-1, 2**64])
def test_more_than_64_bits_without_sign_are_not_encoded(value: int) -> None:
    with pytest.raises(OverflowError, match="64 bits"):
        encode_uvarint(value)


@pytest.mark.parametrize(("encoded", "problem"), DAMAGED)
def test_damage_is_told_with_its_position(encoded: str, problem: str) -> None:
    data = b"??" + bytes.fromhex(encoded)
    for decode in (decode_varint, decode_uvarint):
        with pytest.raises(CorruptMessageError, match=f"byte 2: .*{problem}"):
            decode(data, 2)


@pytest.mark.parametrize("encoded", ["8000", "80808000", "80808080808080808000"])
def test_padded_zero_is_read_as_kafka_reads_it(encoded: str) -> None:
    data = bytes.fromhex(encoded)
    assert decode_varint(data, 0) == (0, len(data))


@FUZZ
@given(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_what_was_encoded_is_decoded_from_any_buffer(value: int, before: bytes, after: bytes) -> None:
    encoded = encode_varint(value)
    data = before + encoded + after
    expected = (value, len(before) + len(encoded))
    assert len(encoded) == varint_size(value)
    for buf in (data, bytearray(data), memoryview(data)):
        assert decode_varint(buf, len(before)) == expected


@FUZZ
@given(st.binary(max_size=12))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        value, position = decode_uvarint(data, 0)
    except CorruptMessageError:
        assert all(byte >= 0x80 for byte in data[:9])
    else:
        assert 0 <= value < 2**64
        assert data[position - 1] < 0x80
        assert position <= 10
