import pytest

from quekka.client.reply import parse_reply_line
from quekka.errors import OffsetOutOfRangeError, UnknownServerError


@pytest.mark.parametrize(
    ("line", "kind", "text", "payload_bytes"),
    [
        pytest.param(b"+OK", "OK", "", 0, id="ok"),
        pytest.param(b"+OK 17 0", "OK", "17 0", 0, id="ok-with-data"),
        pytest.param(b"+EMPTY", "EMPTY", "", 0, id="empty"),
        pytest.param(b"+BATCHES 61 0 1", "BATCHES", "61 0 1", 61, id="batches"),
        pytest.param(b"-ERR BAD_REQUEST no such thing", "ERR", "BAD_REQUEST no such thing", 0, id="error"),
    ],
)
def test_replies_are_read(line: bytes, kind: str, text: str, payload_bytes: int) -> None:
    reply = parse_reply_line(line)
    assert (reply.kind, reply.text, reply.payload_bytes) == (kind, text, payload_bytes)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"+FINE",
        b"+OKAY",
        b"+MESSAGES 1",
        b"HTTP/1.1 400 Bad Request",
        b"+BATCHES",
        b"+BATCHES -1 0 0",
        b"+BATCHES x 0 0",
        b"+BATCHES " + b"9" * 5000,
        b"\x00\x00\x00\x2a\xff",
    ],
)
def test_what_is_no_reply_is_shown_in_the_error(line: bytes) -> None:
    with pytest.raises(UnknownServerError, match="not a reply of a Quekka broker") as refused:
        parse_reply_line(line)
    assert len(refused.value.message) < 500


def test_an_error_is_the_exception_of_its_code() -> None:
    error = parse_reply_line(b"-ERR OFFSET_OUT_OF_RANGE offset 9 is not in 0..5").error
    assert isinstance(error, OffsetOutOfRangeError)
    assert error.message == "offset 9 is not in 0..5"


def test_an_error_with_a_code_that_is_not_known_keeps_it() -> None:
    error = parse_reply_line(b"-ERR NEW_ERROR what happened").error
    assert isinstance(error, UnknownServerError)
    assert error.message == "NEW_ERROR what happened"


def test_words_and_fields_are_percent_decoded() -> None:
    assert parse_reply_line(b"+OK a%20b c").words() == ["a b", "c"]
    assert parse_reply_line(b"+OK group=a%20b members=0").fields() == {"group": "a b", "members": "0"}


def test_a_missing_number_is_an_error_that_shows_the_reply() -> None:
    reply = parse_reply_line(b"+OK 17 x")
    assert reply.integer() == 17
    for index in (1, 2):
        with pytest.raises(UnknownServerError, match=f"'17 x' has no number at {index}"):
            reply.integer(index)


def test_a_missing_or_malformed_field_is_an_error_that_names_it() -> None:
    fields = parse_reply_line(b"+OK a=1 b=x").fields()
    assert fields.integer("a") == 1
    assert fields.text("b") == "x"
    with pytest.raises(UnknownServerError, match="no field c"):
        fields.text("c")
    with pytest.raises(UnknownServerError, match="b='x', no number"):
        fields.integer("b")
