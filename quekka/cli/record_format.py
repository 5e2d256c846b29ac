r"""How quekka-consume writes a record: a template, or one of three formats with a name.

A template is text with these in it (the letters are those of kcat's -f):

    %t topic    %p partition    %o offset    %T timestamp, milliseconds since 1970-01-01 UTC
    %k key      %K its length   %v value     %V its length    %h headers, a=1,b=2    %% a percent sign
    \n \t \r \0 \\ and \xHH

Keys, values and header values come out byte for byte; a null is written as `null_text`, and its length is -1.

    value   the value and a newline: what `--format lines` of quekka-produce reads
    full    one line for people: topic/partition@offset, time, key, headers, value; unprintable bytes escaped
    json    one JSON object in a line: what `--format json` of quekka-produce reads; bytes that are not UTF-8
            are {"base64": "..."}, headers a list of [name, value]
"""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from quekka.cli.table import printable

if TYPE_CHECKING:
    from quekka.client import ConsumerRecord

RecordFormatter = Callable[["ConsumerRecord"], bytes]
"""Record to the bytes to write."""

_TOKEN = re.compile(rb"%.?|\\x[0-9a-fA-F]{2}|\\.?|[^%\\]+", re.DOTALL)
_ESCAPES = {rb"\n": b"\n", rb"\t": b"\t", rb"\r": b"\r", rb"\0": b"\0", b"\\\\": b"\\", b"%%": b"%"}


def record_formatter(text: str, null_text: bytes = b"", *, color: bool = False) -> RecordFormatter:
    """The formatter that `text` names or spells out; raises ValueError that says what is wrong in a template.

    `color` is for the format `full` only: the others are data.
    """
    if text == "value":
        return lambda record: (null_text if record.value is None else record.value) + b"\n"
    if text == "full":
        return lambda record: _full(record, color=color)
    if text == "json":
        return _json
    return _compile(text, null_text)


def _compile(template: str, null_text: bytes) -> RecordFormatter:
    """A template as a list of functions, so that nothing is parsed per record."""
    fields = _fields(null_text)
    tokens = _TOKEN.findall(template.encode("utf-8", "surrogateescape"))
    parts = [fields.get(token) or _constant(_literal(template, token)) for token in tokens]
    if not parts:
        raise ValueError("the format is empty")
    return lambda record: b"".join([part(record) for part in parts])


def _constant(text: bytes) -> RecordFormatter:
    return lambda _record: text


def _literal(template: str, token: bytes) -> bytes:
    """The bytes that a token which is no field stands for."""
    if token in _ESCAPES:
        return _ESCAPES[token]
    if token.startswith(b"\\x") and len(token) == 4:
        return bytes.fromhex(token[2:].decode("ascii"))
    if token[:1] in (b"%", b"\\"):
        raise ValueError(f"{template!r}: {token.decode(errors='replace')} stands for nothing")
    return token


def _fields(null_text: bytes) -> dict[bytes, RecordFormatter]:
    def data(value: bytes | None) -> bytes:
        return null_text if value is None else value

    def headers(record: "ConsumerRecord") -> bytes:
        return b",".join(name.encode() + b"=" + data(value) for name, value in record.headers)

    return {
        b"%t": lambda record: record.topic.encode(),
        b"%p": lambda record: b"%d" % record.partition,
        b"%o": lambda record: b"%d" % record.offset,
        b"%T": lambda record: b"%d" % record.timestamp_ms,
        b"%k": lambda record: data(record.key),
        b"%K": lambda record: b"%d" % _length(record.key),
        b"%v": lambda record: data(record.value),
        b"%V": lambda record: b"%d" % _length(record.value),
        b"%h": headers,
    }


def _length(data: bytes | None) -> int:
    return -1 if data is None else len(data)


def _full(record: "ConsumerRecord", *, color: bool) -> bytes:
    place = f"{record.topic}/{record.partition}@{record.offset}"
    words = [_styled(place, color, "cyan"), _styled(_time(record.timestamp_ms), color, "bright_black")]
    if record.key is not None:
        words.append(_styled("key=", color, "green") + _readable(record.key))
    for name, data in record.headers:
        words.append(_styled(f"{printable(name)}=", color, "yellow") + _readable(data))
    words.append(_readable(record.value) if record.value is not None else _styled("null", color, "red"))
    return ("  ".join(words) + "\n").encode()


def _styled(text: str, color: bool, name: str) -> str:
    return click.style(text, fg=name) if color else text


def _readable(data: bytes | None) -> str:
    return "null" if data is None else printable(data.decode("utf-8", "backslashreplace"))


def _time(timestamp_ms: int) -> str:
    """ISO 8601 in UTC; the bare number for a time that no calendar has."""
    try:
        moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return str(timestamp_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(record: "ConsumerRecord") -> bytes:
    fields = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": _json_value(record.key),
        "value": _json_value(record.value),
        "headers": [[name, _json_value(data)] for name, data in record.headers],
    }
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _json_value(data: bytes | None) -> str | dict[str, str] | None:
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}
