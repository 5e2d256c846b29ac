"""A record as a consumer hands it out."""

from typing import Any, NamedTuple

from quekka.formats.record import Header


class ConsumerRecord(NamedTuple):
    """One record and where it lay.

    `key` and `value` are `bytes` or None; with a deserializer they are what that returned.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """Milliseconds since 1970-01-01 UTC, the producer's or the broker's by `message.timestamp.type`."""
    key: Any
    value: Any
    """None: the record deletes its key in a compacted topic (a tombstone)."""
    headers: tuple[Header, ...] = ()
