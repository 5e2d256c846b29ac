"""Words become values, or are refused with the word in the message."""

import pytest

from quekka.errors import BadRequestError, InvalidRequiredAcksError
from quekka.protocols.text import values


@pytest.mark.parametrize(("word", "value"), [(b"0", 0), (b"007", 7), (b"9223372036854775807", 2**63 - 1)])
def test_a_whole_number_is_read(word: bytes, value: int) -> None:
    assert values.offset(word) == value


@pytest.mark.parametrize(
    "word",
    [
        b"",
        b"-1",
        b"+1",
        b"1.5",
        b"0x10",
        b"1_000",
        b" 1",
        b"ten",
        "٣".encode(),
        b"9223372036854775808",
        b"9" * 4000,
    ],
)
def test_what_is_no_whole_number_in_bounds_is_refused(word: bytes) -> None:
    with pytest.raises(BadRequestError, match="whole number from 0 to"):
        values.offset(word)


def test_the_refused_word_is_in_the_message_and_cut() -> None:
    with pytest.raises(BadRequestError, match=r"'9{64}\.\.\.'"):
        values.partition_index(b"9" * 4000)


def test_a_capped_number_beyond_its_cap_is_the_cap() -> None:
    parse = values.capped_number(1, 1000)
    assert [parse(b"1"), parse(b"1000"), parse(b"1001"), parse(b"9223372036854775807")] == [
        1,
        1000,
        1000,
        1000,
    ]
    with pytest.raises(BadRequestError, match="from 1 to"):
        parse(b"0")


@pytest.mark.parametrize(("word", "number"), [(b"0", 0), (b"1", 1), (b"all", -1)])
def test_acks_have_kafkas_numbers(word: bytes, number: int) -> None:
    assert values.acks(word) == number


@pytest.mark.parametrize("word", [b"2", b"-1", b"ALL", b""])
def test_other_acks_are_refused_with_kafkas_word(word: bytes) -> None:
    with pytest.raises(InvalidRequiredAcksError, match="0, 1, all"):
        values.acks(word)


@pytest.mark.parametrize("word", [b"earliest", b"latest", b"17", b"timestamp:1700000000000"])
def test_a_place_in_a_partition_is_read(word: bytes) -> None:
    assert str(values.offset_spec(word)) == word.decode()


def test_a_place_that_is_none_is_refused() -> None:
    with pytest.raises(BadRequestError, match="yesterday"):
        values.offset_spec(b"yesterday")


def test_text_is_decoded_utf8() -> None:
    assert values.text(b"caf%C3%A9") == "café"
