"""The rules for topic names (source: org.apache.kafka.common.internals.Topic; quekka-protocol(7), Names)."""

import re

from quekka.errors import InvalidTopicError, TopicAuthorizationFailedError

TOPIC_NAME_BYTES_MAX = 249
OFFSETS_TOPIC = "__consumer_offsets"

_legal = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)


def check_topic_name(name: str) -> str:
    """`name` itself; raises InvalidTopicError that shows it where it breaks the rules."""
    if _legal.fullmatch(name) is None or name in (".", ".."):
        raise InvalidTopicError(
            f"{name[:64]!r} is no topic name: 1 to 249 of A-Z a-z 0-9 . _ -, and not . or .."
        )
    return name


def is_internal(name: str) -> bool:
    """True for the broker's own topics: readable by everyone, written by the broker alone."""
    return name.startswith("__")


def check_writable(name: str) -> str:
    """`name` itself; raises TopicAuthorizationFailedError for a topic of the broker's own."""
    if is_internal(name):
        raise TopicAuthorizationFailedError(f"{name} is the broker's own topic: it can be read, not written")
    return name


def collision_key(name: str) -> str:
    """Names with the same key are refused side by side: Kafka's metrics cannot tell `.` from `_`."""
    return name.replace(".", "_")
