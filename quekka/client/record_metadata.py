"""Where a record ended up."""

from typing import NamedTuple


class RecordMetadata(NamedTuple):
    """The answer to a send."""

    topic: str
    partition: int
    offset: int
    """-1 with `acks=0`, where nobody says."""
    timestamp_ms: int
    """The producer's timestamp; a topic with `message.timestamp.type=LogAppendTime` stores its own."""
