"""Percent-encoding: what is written can be read back, and nothing can end a line or a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quekka.errors import BadRequestError
from quekka.protocols.text.percent import decode, encode_name, encode_value, printable

ENCODED = {
    "plain": (b"user42", b"user42"),
    "space": (b"user 42", b"user%2042"),
    "percent": (b"50%", b"50%25"),
    "line_end": (b"a\r\nb", b"a%0D%0Ab"),
    "utf8": ("é".encode(), b"%C3%A9"),
    "zero": (b"\x00", b"%00"),
    "delete": (b"\x7f", b"%7F"),
    "equals_stays_in_a_value": (b"a=b", b"a=b"),
    "empty": (b"", b""),
}


@pytest.mark.parametrize(("value", "encoded"), ENCODED.values(), ids=ENCODED)
def test_a_value_is_encoded_where_it_must_be(value: bytes, encoded: bytes) -> None:
    assert encode_value(value) == encoded


def test_a_name_cannot_hold_the_equals_that_would_end_it() -> None:
    assert encode_name(b"a=b c") == b"a%3Db%20c"


@given(st.binary(max_size=200))
def test_decoding_undoes_encoding(value: bytes) -> None:
    assert decode(encode_value(value)) == value
    assert decode(encode_name(value)) == value


@given(st.binary(max_size=200))
def test_encoded_bytes_are_one_printable_word(value: bytes) -> None:
    for encoded in (encode_value(value), encode_name(value)):
        assert all(0x21 <= byte <= 0x7E for byte in encoded)
    assert b"=" not in encode_name(value)


def test_lower_case_digits_are_read() -> None:
    assert decode(b"%c3%a9") == "é".encode()


@pytest.mark.parametrize("word", [b"%", b"a%2", b"%zz", b"%2 0", b"100%"])
def test_a_percent_without_two_digits_is_refused(word: bytes) -> None:
    with pytest.raises(BadRequestError, match="hexadecimal"):
        decode(word)


def test_words_in_messages_are_cut_and_printable() -> None:
    assert printable(b"a\x1b[31m") == "a%1B[31m"
    assert printable(b"x" * 100) == "x" * 64 + "..."
