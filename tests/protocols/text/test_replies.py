"""Every reply is one line, whatever the message holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quekka.errors import BadRequestError, OffsetOutOfRangeError, UnknownServerError
from quekka.protocols.text import replies


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (replies.OK, b"+OK\r\n"),
        (replies.EMPTY, b"+EMPTY\r\n"),
        (replies.ok(), b"+OK\r\n"),
        (replies.ok("logs"), b"+OK logs\r\n"),
        (replies.ok(5, 0), b"+OK 5 0\r\n"),
        (replies.ok_encoded([]), b"+OK\r\n"),
        (replies.ok_encoded(["a b", "é"]), b"+OK a%20b %C3%A9\r\n"),
        (replies.batches(73, 0, 1), b"+BATCHES 73 0 1\r\n"),
        (replies.published_in_a_row(41, 2, 3), b"+OK 41 2\r\n+OK 42 2\r\n+OK 43 2\r\n"),
        (b"".join(replies.published(41, 2, 2)), b"+OK 41 2\r\n+OK 42 2\r\n"),
    ],
)
def test_a_reply_is_written_as_the_contract_says(reply: bytes, line: bytes) -> None:
    assert reply == line


def test_values_are_encoded_and_shown_as_kafka_shows_them() -> None:
    values = {"a": 1, "b": True, "c": False, "d": 1.5, "e": "x y", "f=g": "", "h": "é"}
    expected = b"+OK a=1 b=true c=false d=1.500 e=x%20y f%3Dg= h=%C3%A9\r\n"
    assert replies.ok_values(values.items()) == expected


def test_an_error_has_its_word_and_its_message() -> None:
    assert (
        replies.error(OffsetOutOfRangeError("offset 9 of 5")) == b"-ERR OFFSET_OUT_OF_RANGE offset 9 of 5\r\n"
    )


def test_an_error_without_a_message_repeats_its_word() -> None:
    assert replies.error(BadRequestError()) == b"-ERR BAD_REQUEST BAD_REQUEST\r\n"


@given(st.text(max_size=3000))
def test_an_error_is_one_printable_line_of_bounded_length(message: str) -> None:
    line = replies.error(UnknownServerError(message))
    assert line.endswith(b"\r\n")
    assert all(0x20 <= byte <= 0x7E for byte in line[:-2])
    assert len(line) <= replies.ERROR_TEXT_MAX + 40
