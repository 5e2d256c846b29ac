"""Percent-encoding (RFC 3986, 2.1): what a space, `%`, control or non-ASCII byte in a line becomes."""

import re

from quekka.errors import BadRequestError

_UNSAFE_IN_VALUE = re.compile(rb"[^!-$&-~]")
_UNSAFE_IN_NAME = re.compile(rb"[^!-$&-<>-~]")  # as above, and `=`, which ends the name of an option
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_UNPRINTABLE = re.compile(rb"[^ -~]")

ESCAPES = tuple(b"%%%02X" % byte for byte in range(256))


def encode_value(value: bytes) -> bytes:
    """`value` as it is written after `name=`, or as a word of its own."""
    return _UNSAFE_IN_VALUE.sub(_escape, value)


def encode_name(name: bytes) -> bytes:
    """`name` as it is written before `=`."""
    return _UNSAFE_IN_NAME.sub(_escape, name)


def _escape(match: re.Match[bytes]) -> bytes:
    return ESCAPES[match[0][0]]


def decode(word: bytes) -> bytes:
    """The bytes that `word` stands for; raises BadRequestError for a `%` without two hex digits after it."""
    if b"%" not in word:
        return word
    return _ESCAPE.sub(_unescape, word)


def _unescape(match: re.Match[bytes]) -> bytes:
    if match[1] is None:
        raise BadRequestError("a % is not followed by two hexadecimal digits (a % itself is written %25)")
    return bytes((int(match[1], 16),))


def printable(word: bytes, limit: int = 64) -> str:
    """`word` for an error message: cut to `limit` bytes, every byte that does not print percent-encoded."""
    text = _UNPRINTABLE.sub(_escape, word[:limit]).decode("ascii")
    return f"{text}..." if len(word) > limit else text
