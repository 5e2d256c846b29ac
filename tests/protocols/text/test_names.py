"""Topic and group names as words of a line."""

import pytest

from quekka.errors import BadRequestError, InvalidGroupIdError, InvalidTopicError
from quekka.protocols.text.names import decode_utf8, parse_group, parse_topic


@pytest.mark.parametrize("name", [b"logs", b"a", b"x" * 249, b"A.b_c-9", b"...", b"__consumer_offsets"])
def test_a_legal_topic_name_is_taken_as_it_is(name: bytes) -> None:
    assert parse_topic(name) == name.decode()


@pytest.mark.parametrize(
    "name", [b"", b".", b"..", b"x" * 250, b"a/b", b"a%20b", b"a b", b"caf\xc3\xa9", b"a\x00"]
)
def test_an_illegal_topic_name_is_refused(name: bytes) -> None:
    with pytest.raises(InvalidTopicError):
        parse_topic(name)


def test_a_refused_topic_name_is_repeated() -> None:
    with pytest.raises(InvalidTopicError, match="lo/gs"):
        parse_topic(b"lo/gs")


@pytest.mark.parametrize(
    ("word", "group"),
    [(b"g", "g"), (b"my%20group", "my group"), (b"%C3%A9", "é"), (b"g=1", "g=1"), (b"x" * 249, "x" * 249)],
)
def test_a_group_is_percent_decoded(word: bytes, group: str) -> None:
    assert parse_group(word) == group


def test_a_group_has_1_to_249_bytes_after_decoding() -> None:
    assert parse_group(b"%C3%A9" * 124) == "é" * 124
    for word in (b"", b"x" * 250, b"%C3%A9" * 125):
        with pytest.raises(InvalidGroupIdError, match="249"):
            parse_group(word)


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(BadRequestError, match="%FF"):
        decode_utf8(b"\xff")
    with pytest.raises(BadRequestError, match="UTF-8"):
        parse_group(b"%ff")
