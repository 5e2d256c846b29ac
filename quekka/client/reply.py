r"""Reply lines of the text protocol, read.

    +OK <data>\r\n                      Reply("OK", "<data>")
    +EMPTY\r\n                          Reply("EMPTY")
    +BATCHES <length> <start> <end>     Reply("BATCHES", "<length> <start> <end>", payload_bytes=<length>)
    -ERR <CODE> <what happened>\r\n     Reply("ERR", "<CODE> <what happened>")

Source: quekka-protocol(7), Replies. `+MESSAGES` is missing here because this client never asks for it.
"""

from dataclasses import dataclass

from quekka.errors import QuekkaError, UnknownServerError, error_for
from quekka.protocols.text.percent import decode

LENGTH_DIGITS_MAX = 10
EXCERPT_BYTES = 80
"""How much of a reply that makes no sense is shown in the error about it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; `payload` is empty for all but BATCHES."""

    kind: str
    text: str = ""
    payload: bytearray | bytes = b""
    payload_bytes: int = 0

    @property
    def error(self) -> QuekkaError | None:
        """The exception that an `-ERR` line stands for; None for any other reply."""
        if self.kind != "ERR":
            return None
        code, _, message = self.text.partition(" ")
        return error_for(code, message)

    def words(self) -> list[str]:
        """The words of an `+OK` reply, percent-decoded."""
        return [_decode(word) for word in self.text.split()]

    def integer(self, index: int = 0) -> int:
        """The number that is word `index`; raises UnknownServerError where there is none."""
        words = self.text.split()
        try:
            return int(words[index])
        except (IndexError, ValueError):
            excerpt = self.text[:EXCERPT_BYTES]
            raise UnknownServerError(f"the broker's reply {excerpt!r} has no number at {index}") from None

    def fields(self) -> "ReplyFields":
        """The `name=value` pairs of an `+OK` reply."""
        pairs = (word.partition("=") for word in self.text.split())
        return ReplyFields({_decode(name): _decode(value) for name, _, value in pairs})


class ReplyFields(dict[str, str]):
    """`name=value` pairs; a missing or malformed one is an error that names it."""

    def text(self, name: str) -> str:
        """Raises UnknownServerError where there is no such field."""
        try:
            return self[name]
        except KeyError:
            raise UnknownServerError(f"the broker's reply has no field {name}") from None

    def integer(self, name: str) -> int:
        """Raises UnknownServerError where there is no such field, or it is no number."""
        value = self.text(name)
        try:
            return int(value)
        except ValueError:
            excerpt = value[:EXCERPT_BYTES]
            raise UnknownServerError(f"the broker's reply has {name}={excerpt!r}, no number") from None


def parse_reply_line(line: bytes) -> Reply:
    """The reply that `line` is or begins, without its line end; UnknownServerError for anything else."""
    word, _, rest = line.partition(b" ")
    text = rest.decode("utf-8", "replace")
    if word == b"+OK":
        return Reply("OK", text)
    if word == b"-ERR":
        return Reply("ERR", text)
    if word == b"+BATCHES":
        return Reply("BATCHES", text, payload_bytes=_payload_bytes(line))
    if word == b"+EMPTY":
        return Reply("EMPTY")
    raise _no_reply(line)


def _payload_bytes(line: bytes) -> int:
    length = line.split()[1:2]
    if not (length and length[0].isdigit() and len(length[0]) <= LENGTH_DIGITS_MAX):
        raise _no_reply(line)
    return int(length[0])


def _no_reply(line: bytes) -> UnknownServerError:
    return UnknownServerError(f"not a reply of a Quekka broker: {line[:EXCERPT_BYTES]!r}")


def _decode(word: str) -> str:
    return decode(word.encode()).decode("utf-8", "replace")
