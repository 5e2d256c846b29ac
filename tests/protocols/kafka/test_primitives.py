"""quekka.protocols.kafka.primitives: each type forth and back, and every length that lies."""

import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from quekka.protocols.kafka import primitives
from quekka.protocols.kafka.primitives import (
    ARRAY_ELEMENTS_MAX,
    MALFORMED,
    TAGGED_FIELDS_MAX,
    MalformedError,
    describe_malformed,
    put_elements,
    put_numbers,
    put_tagged_fields,
    put_uvarint,
    read_elements,
    read_numbers,
    read_tag,
    read_tag_count,
    read_uvarint,
    skip_tagged_fields,
)

LONG = "ü" * 100
FORTH_AND_BACK = [
    ("string", "", b"\x00\x00"),
    ("string", "logs", b"\x00\x04logs"),
    ("nullable_string", None, b"\xff\xff"),
    ("nullable_string", "logs", b"\x00\x04logs"),
    ("compact_string", "", b"\x01"),
    ("compact_string", LONG, b"\xc9\x01" + LONG.encode()),
    ("compact_string", "x" * 32767, b"\x80\x80\x02" + b"x" * 32767),
    ("compact_nullable_string", None, b"\x00"),
    ("compact_nullable_string", "é", b"\x03\xc3\xa9"),
    ("bytes", b"\x00\xff", b"\x00\x00\x00\x02\x00\xff"),
    ("nullable_bytes", None, b"\xff\xff\xff\xff"),
    ("nullable_bytes", b"", b"\x00\x00\x00\x00"),
    ("compact_bytes", b"ab", b"\x03ab"),
    ("compact_nullable_bytes", None, b"\x00"),
    ("compact_nullable_bytes", b"", b"\x01"),
    ("uuid", UUID(int=1), bytes(15) + b"\x01"),
    ("int16_length", -1, b"\xff\xff"),
    ("int32_length", 3, b"\x00\x00\x00\x03"),
    ("compact_length", -1, b"\x00"),
    ("compact_length", 126, b"\x7f"),
    ("compact_length", 127, b"\x80\x01"),
    ("uvarint", 300, b"\xac\x02"),
    ("uvarint", 2**32 - 1, b"\xff\xff\xff\xff\x0f"),
]
IDS = [f"{name}-{str(value)[:8]}" for name, value, _ in FORTH_AND_BACK]


def reader(name: str) -> Callable[..., Any]:
    return getattr(primitives, f"read_{name}")


@pytest.mark.parametrize(("name", "value", "data"), FORTH_AND_BACK, ids=IDS)
def test_a_value_becomes_bytes_and_a_value_again(name: str, value: Any, data: bytes) -> None:
    out = bytearray()
    getattr(primitives, f"put_{name}")(out, value)
    assert out == data
    assert reader(name)(b"--" + data + b"--", 2) == (value, 2 + len(data))


@pytest.mark.parametrize(("name", "value", "data"), FORTH_AND_BACK, ids=IDS)
def test_a_value_that_is_cut_anywhere_is_malformed(name: str, value: Any, data: bytes) -> None:
    for end in range(len(data)):
        with pytest.raises(MALFORMED):
            reader(name)(data[:end], 0)


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("string", b"\xff\xff", "a length of -1, and 0 bytes are left"),
        ("string", b"\x80\x00abc", "a length of -32768, and 3 bytes are left"),
        ("string", b"\x00\x04abc", "a length of 4, and 3 bytes are left"),
        ("nullable_string", b"\xff\xfe", "a length of -2"),
        ("compact_string", b"\x00", "a length of -1"),
        ("compact_string", b"\xff\xff\xff\xff\x0fabc", "a length of 4294967294, and 3"),
        ("compact_string", b"\xff\xff\xff\xff\x10", "more than 32 bits"),
        ("compact_string", b"\x80\x80\x80\x80\x80\x01", "more than 32 bits"),
        ("bytes", b"\xff\xff\xff\xff", "a length of -1"),
        ("bytes", b"\x7f\xff\xff\xff", "a length of 2147483647, and 0"),
        ("compact_string", b"\x81\x80\x02" + bytes(2**15), "32768 bytes, 32767 are allowed"),
        ("compact_nullable_string", b"\x81\x80\x02" + bytes(2**15), "32768 bytes, 32767 are allowed"),
        ("compact_bytes", b"\x00", "a length of -1"),
        ("records", b"\xff\xff\xff\xfe", "a length of -2"),
        ("compact_records", b"\x05abc", "a length of 4, and 3"),
        ("string", b"\x00\x02\xc3\x28", "the text is not UTF-8"),
        ("int32_length", b"\x00", "the message ends inside"),
        ("uvarint", b"\x80", "the message ends inside"),
    ],
)
def test_a_length_that_lies_is_named(name: str, data: bytes, problem: str) -> None:
    with pytest.raises(MALFORMED) as caught:
        reader(name)(data, 0)
    assert problem in describe_malformed(caught.value)


def test_records_are_a_slice_of_the_buffer() -> None:
    buffer = bytearray(b"\x00\x00\x00\x03abc")
    records, end = primitives.read_records(buffer, 0)
    assert end == 7
    buffer[4:7] = b"xyz"
    assert records == b"xyz"
    assert primitives.read_compact_records(b"\x04abc", 0)[0] == b"abc"


def test_bytes_are_a_copy() -> None:
    buffer = bytearray(b"\x00\x00\x00\x03abc")
    data, _ = primitives.read_bytes(buffer, 0)
    buffer[4:7] = b"xyz"
    assert data == b"abc"


def test_null_records_are_none() -> None:
    assert primitives.read_records(b"\xff\xff\xff\xff", 0) == (None, 4)
    assert primitives.read_compact_records(b"\x00", 0) == (None, 1)


def test_elements_and_numbers_follow_each_other() -> None:
    out = bytearray()
    put_elements(out, ["a", "b"], primitives.put_string)
    put_numbers(out, [1, -1], "i")
    strings, position = read_elements(out, 0, 2, primitives.read_string, 2)
    assert strings == ("a", "b")
    assert read_numbers(out, position, 2, "i") == ((1, -1), len(out))


@pytest.mark.parametrize(
    ("count", "problem"),
    [
        (-1, "an array of -1 elements"),
        (-(2**31), "an array of -2147483648"),
        (3, "an array of 3 elements, and 5 bytes are left"),
        (ARRAY_ELEMENTS_MAX + 1, "1000000 are allowed"),
    ],
)
def test_a_count_that_cannot_be_is_refused(count: int, problem: str) -> None:
    with pytest.raises(MalformedError, match=problem):
        read_elements(b"12345", 0, count, primitives.read_string, 2)
    with pytest.raises(MalformedError, match=problem):
        read_numbers(b"12345", 0, count, "h")


def test_tagged_fields_are_found_by_their_sizes() -> None:
    out = bytearray()
    put_tagged_fields(out, [(0, bytearray(b"abc")), (300, bytearray(200))])
    count, position = read_tag_count(out, 0)
    assert count == 2
    assert read_tag(out, position) == (0, 3, 6)
    tag, start, end = read_tag(out, 6)
    assert (tag, end - start, end) == (300, 200, len(out))
    assert skip_tagged_fields(out, 0) == len(out)


def test_too_many_tagged_fields_are_refused() -> None:
    out = bytearray()
    put_uvarint(out, TAGGED_FIELDS_MAX + 1)
    with pytest.raises(MalformedError, match="10001 tagged fields, 10000 are allowed"):
        skip_tagged_fields(out, 0)


def test_a_tagged_field_longer_than_the_message_is_refused() -> None:
    with pytest.raises(MalformedError, match="a length of 5, and 2 bytes are left"):
        skip_tagged_fields(b"\x01\x00\x05ab", 0)


def test_a_uvarint_may_be_longer_than_needed() -> None:
    assert read_uvarint(b"\x80\x00", 0) == (0, 2)


def test_a_value_that_does_not_fit_is_not_written() -> None:
    with pytest.raises(struct.error):
        primitives.put_string(bytearray(), "x" * 40_000)
    with pytest.raises(UnicodeEncodeError):
        primitives.put_string(bytearray(), "\ud800")
