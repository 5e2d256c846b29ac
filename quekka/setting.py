"""What a setting is: one row of a table that options, files, environment, CREATE and the man page share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quekka.errors import InvalidConfigError

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,30}")
"""What Kafka takes for one: `int` would also take 1_000, blanks, and the digits of all scripts."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A named value with Kafka's name where Kafka has one.

    `parse` turns text into the value and raises ValueError with the reason; `default` is a value already
    parsed.
    """

    name: str
    parse: Callable[[str], Any]
    default: Any
    doc: str
    dynamic: bool = True
    """May be changed while the broker runs."""

    def read(self, text: str) -> Any:
        """The value of `text`; raises InvalidConfigError that names the setting and the text."""
        try:
            return self.parse(text)
        except ValueError as error:
            raise InvalidConfigError(f"{self.name}={text}: {error}") from None

    def show(self, value: Any) -> str:
        """The text that `read` would turn into `value`."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, tuple | list):
            return ",".join(str(item) for item in value)
        return str(value)


def find_setting(table: Mapping[str, Setting], name: str) -> Setting:
    """The row called `name`; raises InvalidConfigError that names it where there is none."""
    try:
        return table[name]
    except KeyError:
        raise InvalidConfigError(f"{name}: no such setting") from None


def integer(minimum: int, maximum: int = 2**63 - 1) -> Callable[[str], int]:
    """A whole number within bounds, both included."""

    def parse(text: str) -> int:
        if not WHOLE_NUMBER.fullmatch(text):
            raise ValueError("not a whole number")
        value = int(text)
        if not minimum <= value <= maximum:
            raise ValueError(f"not between {minimum} and {maximum}")
        return value

    return parse


def real(minimum: float, maximum: float) -> Callable[[str], float]:
    """A decimal number within bounds, both included."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("not a number") from None
        if not minimum <= value <= maximum:
            raise ValueError(f"not between {minimum} and {maximum}")
        return value

    return parse


def boolean(text: str) -> bool:
    """`true` or `false`, in any case, as Kafka spells them."""
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise ValueError("neither true nor false")
    return lowered == "true"


def choice(*words: str) -> Callable[[str], str]:
    """One of `words`, exactly."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"not one of {', '.join(words)}")
        return text

    return parse


def text(value: str) -> str:
    """Any text."""
    return value
