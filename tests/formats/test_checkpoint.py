"""Checkpoint files: Kafka's text, whole or refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.errors import CorruptMessageError
from quekka.formats.checkpoint import format_checkpoint, parse_checkpoint

FUZZ = settings(derandomize=True, deadline=None, max_examples=200)
TOPICS = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True)
OFFSETS = st.dictionaries(st.tuples(TOPICS, st.integers(0, 10**6)), st.integers(0, 2**63 - 1), max_size=5)

DAMAGED = [
    ("empty", b"", "line 1: cut"),
    ("only_a_version", b"0\n", "line 2: cut"),
    ("count_cut", b"0\n1", "line 2: cut"),
    ("last_line_cut", b"0\n1\nt 0 12", "line 3: cut"),
    ("entry_missing", b"0\n2\nt 0 12\n", "line 2: tells of 2 lines, 1 follow"),
    ("entry_too_many", b"0\n0\nt 0 12\n", "line 2: tells of 0 lines, 1 follow"),
    ("other_version", b"1\n0\n", "line 1: version 1"),
    ("version_no_number", b"x\n0\n", "line 1: 'x' is not a number"),
    ("count_no_number", b"0\n-1\n", "line 2: '-1' is not a number"),
    ("offset_no_number", b"0\n1\nt 0 x\n", "line 3: 'x' is not a number"),
    ("offset_negative", b"0\n1\nt 0 -4\n", "line 3: '-4' is not a number"),
    ("offset_too_long", b"0\n1\nt 0 " + b"9" * 5000 + b"\n", "line 3: '9999"),
    ("partition_no_number", b"0\n2\nt 0 1\nt b 1\n", "line 4: 'b' is not a number"),
    ("words_missing", b"0\n1\nt 0\n", "line 3: 't 0' is not topic, partition, offset"),
    ("words_too_many", b"0\n1\nt 0 1 2\n", "line 3"),
    ("topic_empty", b"0\n1\n 0 1\n", "line 3"),
    ("zeros", bytes(30), "line 1: cut"),
    ("no_utf8", b"0\n1\n\xff 0 1\n", "byte 4: not UTF-8"),
]


def test_text_is_that_of_kafka() -> None:
    offsets = {("orders", 1): 840, ("orders", 0): 1200, ("audit", 10): 0, ("audit", 9): 2**63 - 1}
    text = b"0\n4\naudit 9 9223372036854775807\naudit 10 0\norders 0 1200\norders 1 840\n"
    assert format_checkpoint(offsets) == text
    assert parse_checkpoint(text) == offsets


def test_no_offsets_are_a_file_too() -> None:
    assert format_checkpoint({}) == b"0\n0\n"
    assert parse_checkpoint(b"0\n0\n") == {}


@pytest.mark.parametrize(
    ("data", "problem"), [case[1:] for case in DAMAGED], ids=[case[0] for case in DAMAGED]
)
def test_damage_is_told_with_its_line(data: bytes, problem: str) -> None:
    with pytest.raises(CorruptMessageError, match=problem):
        parse_checkpoint(data)


@FUZZ
@given(OFFSETS)
def test_what_was_formatted_is_parsed(offsets: dict[tuple[str, int], int]) -> None:
    assert parse_checkpoint(format_checkpoint(offsets)) == offsets


@FUZZ
@given(OFFSETS, st.data())
def test_every_cut_is_noticed(offsets: dict[tuple[str, int], int], data: st.DataObject) -> None:
    whole = format_checkpoint(offsets)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(CorruptMessageError):
        parse_checkpoint(cut)


@FUZZ
@given(st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    try:
        offsets = parse_checkpoint(b"0\n" + data)
    except CorruptMessageError:
        return
    assert parse_checkpoint(format_checkpoint(offsets)) == offsets
