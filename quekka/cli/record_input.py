"""What quekka-produce reads: lines, JSON lines or whole files, each turned into a record to send.

`lines`: a line is a value, or with a key separator a key and a value; bytes are taken as they are, only the
newline goes. `json`: a line is an object with these members, of which only `value` must be there (`topic` and
`offset` are allowed and ignored, so that what `quekka-consume --format json` writes can be produced again):

    key, value      text, null, or {"base64": "..."} for bytes that are no text
    headers         {"name": value, ...} or [["name", value], ...], values as above
    partition       a number; else the key, or the broker, chooses
    timestamp_ms    milliseconds since 1970-01-01 UTC; else the present time
"""

import base64
import json
import select
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol

from quekka.errors import InvalidRecordError
from quekka.formats.record import Header

LINE_MAX_BYTES = 100 * 1024 * 1024
"""Kafka's socket.request.max.bytes: what is longer could not be sent in any case."""

_CHUNK_BYTES = 1 << 18
_JSON_MEMBERS = {"topic", "offset", "partition", "timestamp_ms", "key", "value", "headers"}


class InputRecord(NamedTuple):
    """A record to send; None for what the input does not say, but `value` None is a tombstone."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[Header, ...] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


class InputItem(NamedTuple):
    """A line, or a file, and where it came from, for messages."""

    place: str
    data: bytes


RecordParser = Callable[[bytes], InputRecord]
"""A line, or a file, to a record; raises InvalidRecordError with the reason."""


class Source(Protocol):
    """A binary stream that can give what is there without waiting to fill a buffer."""

    def read1(self, size: int, /) -> bytes: ...

    def fileno(self) -> int: ...


def read_lines(source: Source, place: str, on_idle: Callable[[], None]) -> Iterator[InputItem]:
    """The lines of `source` without their newlines; of one beyond LINE_MAX_BYTES, more than that many bytes.

    `on_idle` is called before waiting for input that is not there yet.
    """
    number = 1
    rest = bytearray()
    while True:
        if not _is_ready(source):
            on_idle()
        chunk = source.read1(_CHUNK_BYTES)
        *lines, tail = chunk.split(b"\n")
        for line in lines:
            yield InputItem(f"{place}{number}", bytes(rest) + line)
            rest.clear()
            number += 1
        if len(rest) <= LINE_MAX_BYTES:
            rest += tail
        if not chunk:
            break
    if rest:
        yield InputItem(f"{place}{number}", bytes(rest))


def read_whole(source: BinaryIO, place: str) -> InputItem:
    """All of `source` as one item; of one that is too long, its first LINE_MAX_BYTES + 1 bytes."""
    return InputItem(place, source.read(LINE_MAX_BYTES + 1))


def _is_ready(source: Source) -> bool:
    """Whether reading gives something, or the end, at once; true of what is no file, since it cannot wait."""
    try:
        descriptor = source.fileno()
    except OSError:
        return True
    return bool(select.select([descriptor], [], [], 0)[0])


def value_parser(null_value: bytes | None) -> RecordParser:
    """The whole item is the value; `null_value` stands for a null."""

    def parse(data: bytes) -> InputRecord:
        _check_length(data)
        return InputRecord(None if data == null_value else data)

    return parse


def key_value_parser(separator: bytes, null_value: bytes | None) -> RecordParser:
    """Key, the first `separator`, value."""

    def parse(data: bytes) -> InputRecord:
        _check_length(data)
        key, found, value = data.partition(separator)
        if not found:
            raise InvalidRecordError(f"no key separator {separator.decode(errors='backslashreplace')!r}")
        return InputRecord(None if value == null_value else value, key)

    return parse


def parse_json(data: bytes) -> InputRecord:
    """A JSON object as the module's docstring describes it."""
    _check_length(data)
    try:
        members = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidRecordError(f"not JSON: {error}") from None
    if not isinstance(members, dict):
        raise InvalidRecordError("not a JSON object")
    unknown = sorted(members.keys() - _JSON_MEMBERS)
    if unknown:
        raise InvalidRecordError(f"unknown member {unknown[0]!r}")
    if "value" not in members:
        raise InvalidRecordError("no member 'value'")
    return InputRecord(
        _json_bytes(members["value"], "value"),
        _json_bytes(members.get("key"), "key"),
        _json_headers(members.get("headers")),
        _json_number(members.get("partition"), "partition", 2**31 - 1),
        _json_number(members.get("timestamp_ms"), "timestamp_ms", 2**63 - 1),
    )


def _check_length(data: bytes) -> None:
    if len(data) > LINE_MAX_BYTES:
        raise InvalidRecordError(f"longer than {LINE_MAX_BYTES} bytes")


def _json_bytes(value: Any, name: str) -> bytes | None:
    if value is None:
        return None
    try:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, dict) and value.keys() == {"base64"}:
            return base64.b64decode(value["base64"], validate=True)
    except (ValueError, TypeError) as error:
        raise InvalidRecordError(f"{name}: {error}") from None
    raise InvalidRecordError(f'{name} is neither text nor null nor {{"base64": "..."}}')


def _json_headers(value: Any) -> tuple[Header, ...]:
    pairs = list(value.items()) if isinstance(value, dict) else ([] if value is None else value)
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise InvalidRecordError('headers are neither {"name": value} nor [["name", value]]')
    return tuple((name, _json_bytes(data, f"header {name!r}")) for name, data in pairs)


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)


def _json_number(value: Any, name: str, maximum: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise InvalidRecordError(f"{name} is not a whole number from 0 to {maximum}")
    return value
