"""Where to start reading: a word, a number or a time, as people write it in requests and on command lines."""

from dataclasses import dataclass
from typing import Literal

from quekka.errors import BadRequestError

OFFSET_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class OffsetSpec:
    """`earliest`, `latest`, a plain offset, or `timestamp:<ms>` (source: quekka-protocol(7), SUBSCRIBE)."""

    kind: Literal["earliest", "latest", "offset", "timestamp"]
    value: int = 0
    """The offset, or milliseconds since 1970-01-01 UTC."""

    @classmethod
    def parse(cls, text: str) -> "OffsetSpec":
        """Read one; raises BadRequestError that repeats what was written."""
        if text == "earliest":
            return EARLIEST
        if text == "latest":
            return LATEST
        kind, colon, digits = text.rpartition(":")
        if kind not in ("", "timestamp") or (colon and not kind):
            raise _not_a_position(text)
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 19) or int(digits) > OFFSET_MAX:
            raise _not_a_position(text)
        return cls("timestamp" if kind else "offset", int(digits))

    def __str__(self) -> str:
        if self.kind == "timestamp":
            return f"timestamp:{self.value}"
        return str(self.value) if self.kind == "offset" else self.kind


def _not_a_position(text: str) -> BadRequestError:
    return BadRequestError(f"{text[:64]!r} is none of earliest, latest, <offset>, timestamp:<ms>")


EARLIEST = OffsetSpec("earliest")
LATEST = OffsetSpec("latest")
