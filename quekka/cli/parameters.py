"""Option values that click has no type for, as functions to give to `click.option(type=...)`."""

from datetime import datetime

import click

from quekka.errors import BadRequestError, InvalidTopicError
from quekka.offset_spec import OffsetSpec
from quekka.topic_name import check_topic_name

OFFSET_METAVAR = "WHERE"
OFFSET_HELP = "earliest, latest, an offset, timestamp:<ms>, or an ISO 8601 time (local where it has no zone)"


def topic_name(text: str) -> str:
    """A topic's name as the rules have it; raises click.BadParameter."""
    try:
        return check_topic_name(text)
    except InvalidTopicError as error:
        raise click.BadParameter(f"{error.message}.") from None


def offset_spec(text: str) -> OffsetSpec:
    """Where to start reading, as OFFSET_HELP says; raises click.BadParameter."""
    try:
        return OffsetSpec.parse(text)
    except BadRequestError:
        return OffsetSpec("timestamp", _time_ms(text))


def _time_ms(text: str) -> int:
    """Milliseconds since 1970-01-01 UTC of an ISO 8601 time; hyphens tell it from an offset out of range."""
    try:
        milliseconds = round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        milliseconds = -1
    if milliseconds < 0 or "-" not in text:
        allowed = "earliest, latest, <offset>, timestamp:<ms>, or a time such as 2026-01-31T12:00:00Z"
        raise click.BadParameter(f"{text!r} is none of {allowed}.")
    return milliseconds


def name_value(text: str) -> tuple[str, str]:
    """`name=value` as a pair; the value may be empty and hold equal signs; raises click.BadParameter."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{text!r} is not name=value.")
    return name, value
