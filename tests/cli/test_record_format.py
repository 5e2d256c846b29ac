"""How quekka-consume writes a record."""

import json

import click
import pytest

from quekka.cli.record_format import record_formatter
from quekka.client import ConsumerRecord

RECORD = ConsumerRecord("orders", 3, 42, 1_700_000_000_123, b"k1", b"v\xff\x00", (("a", b"1"), ("b", None)))
TOMBSTONE = ConsumerRecord("orders", 0, 0, 0, None, None)


@pytest.mark.parametrize(
    ("template", "written"),
    [
        pytest.param(r"%t %p %o %T\n", b"orders 3 42 1700000000123\n", id="place and time"),
        pytest.param("%k=%v", b"k1=v\xff\x00", id="bytes come out as they are"),
        pytest.param("%K:%V", b"2:3", id="lengths"),
        pytest.param("%h", b"a=1,b=", id="headers"),
        pytest.param("100%%", b"100%", id="percent"),
        pytest.param(r"\t\r\0\\\x41\xff", b"\t\r\0\\A\xff", id="escapes"),
        pytest.param("☃ %k", "☃ k1".encode(), id="unicode"),
    ],
)
def test_a_template_writes(template: str, written: bytes) -> None:
    assert record_formatter(template)(RECORD) == written


def test_a_null_is_written_as_asked_and_has_the_length_minus_one() -> None:
    assert record_formatter("%k,%v,%K,%V", b"NULL")(TOMBSTONE) == b"NULL,NULL,-1,-1"


@pytest.mark.parametrize(
    ("template", "wrong"),
    [("%z", "%z"), ("%", "%"), ("a\\", "\\"), ("\\q", r"\q"), ("\\xg1", r"\x"), ("%é", "%")],
)
def test_a_template_that_means_nothing_is_refused_with_what_is_wrong(template: str, wrong: str) -> None:
    with pytest.raises(ValueError, match="stands for nothing") as caught:
        record_formatter(template)
    assert f": {wrong}" in str(caught.value)


def test_an_empty_template_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        record_formatter("")


def test_value_is_the_value_and_a_newline() -> None:
    assert record_formatter("value")(RECORD) == b"v\xff\x00\n"
    assert record_formatter("value", b"NULL")(TOMBSTONE) == b"NULL\n"


def test_full_is_one_line_without_bytes_that_a_terminal_obeys() -> None:
    record = RECORD._replace(value="zürich\n\x1b[2J".encode() + b"\xff")
    assert record_formatter("full")(record).decode() == (
        "orders/3@42  2023-11-14T22:13:20.123Z  key=k1  a=1  b=null  zürich\\n\\x1b[2J\\xff\n"
    )


def test_full_shows_a_tombstone() -> None:
    assert record_formatter("full")(TOMBSTONE) == b"orders/0@0  1970-01-01T00:00:00.000Z  null\n"


def test_full_shows_a_time_that_no_calendar_has() -> None:
    assert b"  9223372036854775807  " in record_formatter("full")(RECORD._replace(timestamp_ms=2**63 - 1))


def test_full_in_colour_is_the_same_text() -> None:
    coloured = record_formatter("full", color=True)(RECORD).decode()
    assert "\x1b[" in coloured
    assert click.unstyle(coloured).encode() == record_formatter("full")(RECORD)


def test_json_is_one_line_with_every_field() -> None:
    line = record_formatter("json")(RECORD)
    assert line.endswith(b"\n")
    assert json.loads(line) == {
        "topic": "orders",
        "partition": 3,
        "offset": 42,
        "timestamp_ms": 1_700_000_000_123,
        "key": "k1",
        "value": {"base64": "dv8A"},
        "headers": [["a", "1"], ["b", None]],
    }


def test_json_keeps_unicode_readable_and_newlines_inside() -> None:
    line = record_formatter("json")(RECORD._replace(value="ü\n☃".encode()))
    assert '"value": "ü\\n☃"'.encode() in line
