"""What quekka-produce reads."""

import contextlib
import io
import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quekka.cli import record_input
from quekka.cli.record_format import record_formatter
from quekka.cli.record_input import (
    InputItem,
    InputRecord,
    key_value_parser,
    parse_json,
    read_lines,
    read_whole,
    value_parser,
)
from quekka.client import ConsumerRecord
from quekka.errors import InvalidRecordError


def nothing() -> None:
    """Nobody minds waiting."""


def lines_of(data: bytes) -> list[InputItem]:
    return list(read_lines(io.BytesIO(data), "line ", nothing))


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"a\nb\n", [b"a", b"b"], id="two"),
        pytest.param(b"a\nb", [b"a", b"b"], id="last without newline"),
        pytest.param(b"\n\n", [b"", b""], id="empty lines are records"),
        pytest.param(b"a\r\n", [b"a\r"], id="only the newline goes"),
        pytest.param(b"\xff\x00\n", [b"\xff\x00"], id="binary"),
    ],
)
def test_lines(data: bytes, lines: list[bytes]) -> None:
    assert [item.data for item in lines_of(data)] == lines


def test_lines_know_their_numbers() -> None:
    assert [item.place for item in lines_of(b"a\n\nc")] == ["line 1", "line 2", "line 3"]


@given(st.binary(max_size=200), st.integers(1, 9))
def test_lines_do_not_depend_on_how_the_bytes_arrive(data: bytes, size: int) -> None:
    class Dripping(io.BytesIO):
        def read1(self, _size: int | None = -1, /) -> bytes:
            return super().read1(size)

    dripped = list(read_lines(Dripping(data), "line ", nothing))
    assert dripped == lines_of(data)


def test_a_line_that_is_too_long_is_refused_and_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_input, "LINE_MAX_BYTES", 10)
    long, short = lines_of(b"x" * 100 + b"\nok\n")
    with pytest.raises(InvalidRecordError, match="longer than 10 bytes"):
        value_parser(None)(long.data)
    assert value_parser(None)(short.data) == InputRecord(b"ok")


def test_a_line_without_end_takes_no_unbounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_input, "LINE_MAX_BYTES", 10)
    monkeypatch.setattr(record_input, "_CHUNK_BYTES", 8)
    (item,) = lines_of(b"x" * 1000)
    assert 10 < len(item.data) <= 18


def test_waiting_for_input_is_announced_once_what_was_there_has_been_given_out() -> None:
    reading, writing = os.pipe()
    events: list[str] = []

    def on_idle() -> None:
        events.append("idle")
        os.close(writing)

    os.write(writing, b"a\nb\n")
    with open(reading, "rb") as stream:
        for item in read_lines(stream, "", on_idle):
            events.append(item.data.decode())
    assert events == ["a", "b", "idle"]


def test_a_whole_file_is_one_item() -> None:
    assert read_whole(io.BytesIO(b"a\nb\n"), "f") == InputItem("f", b"a\nb\n")


def test_the_null_marker_is_a_tombstone() -> None:
    parse = value_parser(b"NULL")
    assert [parse(b"NULL").value, parse(b"NULLS").value, parse(b"").value] == [None, b"NULLS", b""]


@pytest.mark.parametrize(
    ("line", "record"),
    [
        pytest.param(b"k::v", InputRecord(b"v", b"k"), id="key and value"),
        pytest.param(b"k::v::w", InputRecord(b"v::w", b"k"), id="first separator"),
        pytest.param(b"::v", InputRecord(b"v", b""), id="empty key"),
        pytest.param(b"k::", InputRecord(b"", b"k"), id="empty value"),
        pytest.param(b"k::NULL", InputRecord(None, b"k"), id="tombstone"),
    ],
)
def test_a_key_separator_splits(line: bytes, record: InputRecord) -> None:
    assert key_value_parser(b"::", b"NULL")(line) == record


def test_a_line_without_the_key_separator_is_refused() -> None:
    with pytest.raises(InvalidRecordError, match="no key separator ':'"):
        key_value_parser(b":", None)(b"value")


@pytest.mark.parametrize(
    ("line", "record"),
    [
        pytest.param(b'{"value": "v"}', InputRecord(b"v"), id="only a value"),
        pytest.param(b'{"value": null, "key": "k"}', InputRecord(None, b"k"), id="tombstone"),
        pytest.param(b'{"value": {"base64": "/wA="}}', InputRecord(b"\xff\x00"), id="bytes"),
        pytest.param(
            '{"value": "ü", "headers": {"a": "1", "b": null}}'.encode(),
            InputRecord("ü".encode(), headers=(("a", b"1"), ("b", None))),
            id="headers as an object",
        ),
        pytest.param(
            b'{"value": "v", "headers": [["a", "1"], ["a", {"base64": "/w=="}]]}',
            InputRecord(b"v", headers=(("a", b"1"), ("a", b"\xff"))),
            id="headers as a list",
        ),
        pytest.param(
            b'{"value": "v", "partition": 2, "timestamp_ms": 5, "topic": "t", "offset": 9}',
            InputRecord(b"v", partition=2, timestamp_ms=5),
            id="place and time",
        ),
    ],
)
def test_json(line: bytes, record: InputRecord) -> None:
    assert parse_json(line) == record


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b"{", "not JSON", id="cut"),
        pytest.param(b"\xff", "not JSON", id="not text"),
        pytest.param(b"[" * 100_000, "not JSON", id="deep"),
        pytest.param(b"1" * 10_000, "not JSON", id="a number of many digits"),
        pytest.param(b"[]", "not a JSON object", id="list"),
        pytest.param(b"{}", "no member 'value'", id="no value"),
        pytest.param(b'{"value": "v", "vlaue": 1}', "unknown member 'vlaue'", id="unknown member"),
        pytest.param(b'{"value": 7}', "value is neither text nor null", id="number as value"),
        pytest.param(b'{"value": {"base64": "?"}}', "value: ", id="bad base64"),
        pytest.param(b'{"value": {"base64": 7}}', "value: ", id="number as base64"),
        pytest.param(b'{"value": "\\ud800"}', "value: ", id="half a surrogate pair"),
        pytest.param(b'{"value": "v", "key": []}', "key is neither", id="list as key"),
        pytest.param(b'{"value": "v", "headers": 1}', "headers are neither", id="headers no object"),
        pytest.param(b'{"value": "v", "headers": [["a"]]}', "headers are neither", id="header no pair"),
        pytest.param(b'{"value": "v", "headers": {"a": 1}}', "header 'a' is neither", id="header value"),
        pytest.param(b'{"value": "v", "partition": -1}', "partition is not a whole number", id="partition"),
        pytest.param(b'{"value": "v", "partition": true}', "partition is not a whole number", id="boolean"),
        pytest.param(b'{"value": "v", "timestamp_ms": 1.5}', "timestamp_ms is not a whole", id="timestamp"),
    ],
)
def test_json_that_is_no_record_is_refused_with_the_reason(line: bytes, reason: str) -> None:
    with pytest.raises(InvalidRecordError, match=reason):
        parse_json(line)


BYTES_OR_NULL = st.none() | st.binary(max_size=20) | st.text(max_size=20).map(lambda text: text.encode())
HEADERS = st.lists(st.tuples(st.text(max_size=8), BYTES_OR_NULL), max_size=3).map(tuple)


@given(BYTES_OR_NULL, BYTES_OR_NULL, HEADERS)
def test_what_consume_writes_as_json_is_read_back_the_same(
    key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    written = record_formatter("json")(ConsumerRecord("t", 1, 2, 3, key, value, headers))
    (item,) = lines_of(written)
    assert parse_json(item.data) == InputRecord(value, key, headers, 1, 3)


PARSERS: list[Callable[[bytes], InputRecord]] = [value_parser(None), key_value_parser(b":", None), parse_json]


@pytest.mark.parametrize("parse", PARSERS)
@given(data=st.binary(max_size=50))
def test_any_line_is_a_record_or_refused(parse: Callable[[bytes], InputRecord], data: bytes) -> None:
    with contextlib.suppress(InvalidRecordError):
        assert isinstance(parse(data), InputRecord)
