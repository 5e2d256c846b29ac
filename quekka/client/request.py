"""Request lines of the text protocol, in which no value can end the line or add a word."""

from collections.abc import Mapping

from quekka.protocols.text.percent import encode_name, encode_value

Word = str | int


def request_line(command: str, *words: Word, options: Mapping[str, Word] | None = None) -> bytes:
    """`COMMAND word... name=value...` with its line end; what needs it is percent-encoded."""
    parts = [command.encode("ascii"), *(_encode(word) for word in words)]
    for name, value in (options or {}).items():
        parts.append(encode_name(name.encode()) + b"=" + _encode(value))
    return b" ".join(parts) + b"\r\n"


def _encode(word: Word) -> bytes:
    return encode_value(str(word).encode())
