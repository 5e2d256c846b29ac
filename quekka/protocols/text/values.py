"""How one word of a line becomes a value: functions that raise BadRequestError and repeat the word."""

from collections.abc import Callable

from quekka.errors import BadRequestError, InvalidRequiredAcksError
from quekka.offset_spec import OffsetSpec
from quekka.protocols.text.names import decode_utf8
from quekka.protocols.text.percent import decode, printable
from quekka.protocols.text.request import ACKS_ALL, ACKS_NONE

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
_DIGITS_MAX = 19  # the most that a 64-bit number has; int() of far more would cost quadratic time

_ACKS = {b"0": ACKS_NONE, b"1": 1, b"all": ACKS_ALL}


def whole_number(minimum: int, maximum: int) -> Callable[[bytes], int]:
    """A parser of whole numbers within bounds, both included."""

    def parse(word: bytes) -> int:
        if word.isdigit() and len(word) <= _DIGITS_MAX and minimum <= (value := int(word)) <= maximum:
            return value
        raise BadRequestError(f"'{printable(word)}' is no whole number from {minimum} to {maximum}")

    return parse


def capped_number(minimum: int, cap: int) -> Callable[[bytes], int]:
    """A parser of whole numbers from `minimum` on that takes more than `cap` for `cap`."""
    parse_any = whole_number(minimum, INT64_MAX)

    def parse(word: bytes) -> int:
        return min(parse_any(word), cap)

    return parse


partition_index = whole_number(0, INT32_MAX)
partition_count = whole_number(0, INT32_MAX)
offset = whole_number(0, INT64_MAX)
timestamp = whole_number(0, INT64_MAX)
payload_length = whole_number(0, INT64_MAX)


def acks(word: bytes) -> int:
    """`0`, `1` or `all`; raises InvalidRequiredAcksError."""
    try:
        return _ACKS[word]
    except KeyError:
        raise InvalidRequiredAcksError(f"acks={printable(word)} is none of 0, 1, all") from None


def offset_spec(word: bytes) -> OffsetSpec:
    """`earliest`, `latest`, an offset or `timestamp:<ms>`."""
    return OffsetSpec.parse(printable(word))


def text(word: bytes) -> str:
    """Percent-decoded UTF-8."""
    return decode_utf8(decode(word))
