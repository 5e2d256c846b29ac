"""Topic and group names as words of a line."""

from quekka.errors import BadRequestError, InvalidGroupIdError
from quekka.protocols.text.percent import decode, printable
from quekka.topic_name import check_topic_name

GROUP_BYTES_MAX = 249


def parse_topic(word: bytes) -> str:
    """The topic called `word`; raises InvalidTopicError that repeats it."""
    return check_topic_name(word.decode("latin-1"))


def parse_group(word: bytes) -> str:
    """The group called `word`, percent-decoded; raises InvalidGroupIdError or BadRequestError."""
    name = decode(word)
    if not 1 <= len(name) <= GROUP_BYTES_MAX:
        raise InvalidGroupIdError(f"a group name has 1 to {GROUP_BYTES_MAX} bytes, not {len(name)}")
    return decode_utf8(name)


def decode_utf8(value: bytes) -> str:
    """`value` as text; raises BadRequestError that repeats it where it is not UTF-8."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequestError(f"'{printable(value)}' is not UTF-8") from None
