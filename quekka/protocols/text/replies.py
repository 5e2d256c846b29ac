"""Reply lines, as bytes. Every reply is one line; what may follow it is in `render` and in the log itself."""

import re
from collections.abc import Iterable

from quekka.errors import QuekkaError
from quekka.protocols.text.percent import encode_name, encode_value

OK = b"+OK\r\n"
EMPTY = b"+EMPTY\r\n"

ERROR_TEXT_MAX = 1024

_LINE_BREAKING = re.compile(r"[^ -~]+")

Word = str | int


def ok(*words: Word) -> bytes:
    """`+OK` and words that need no encoding."""
    return " ".join(["+OK", *map(str, words)]).encode("ascii") + b"\r\n"


def ok_encoded(words: Iterable[str]) -> bytes:
    """`+OK` and words that may need percent-encoding."""
    return b" ".join([b"+OK", *(encode_value(word.encode("utf-8")) for word in words)]) + b"\r\n"


def ok_values(values: Iterable[tuple[str, object]]) -> bytes:
    """`+OK` and `name=value` for each pair; true and false as Kafka writes them."""
    words = (encode_name(name.encode("utf-8")) + b"=" + encode_value(_shown(value)) for name, value in values)
    return b" ".join([b"+OK", *words]) + b"\r\n"


def published(base_offset: int, partition: int, count: int) -> list[bytes]:
    """The replies to `count` messages that were appended in a row, the first at `base_offset`."""
    line = f"+OK %d {partition}\r\n"
    return [(line % offset).encode("ascii") for offset in range(base_offset, base_offset + count)]


def published_in_a_row(base_offset: int, partition: int, count: int) -> bytes:
    """As `published`, in one piece."""
    lines = f"+OK %d {partition}\r\n" * count
    return (lines % tuple(range(base_offset, base_offset + count))).encode("ascii")


def batches(length: int, log_start_offset: int, log_end_offset: int) -> bytes:
    """The line before `length` bytes of record batches."""
    return b"+BATCHES %d %d %d\r\n" % (length, log_start_offset, log_end_offset)


def error(failure: QuekkaError) -> bytes:
    """`-ERR`, the word and what happened: one line of printable ASCII, however the message came about."""
    text = _LINE_BREAKING.sub(_percent, failure.message)[:ERROR_TEXT_MAX]
    return f"-ERR {failure.code} {text}\r\n".encode("ascii")


def _percent(match: re.Match[str]) -> str:
    return encode_value(match[0].encode("utf-8", "replace")).decode("ascii")


def _shown(value: object) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, float):
        return b"%.3f" % value
    return str(value).encode("utf-8")
