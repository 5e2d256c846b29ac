"""How far a consumer has come in one of its partitions."""

from quekka.client.topic_partition import TopicPartition


class PartitionState:
    """Offsets of one assigned partition.

        committed <= position                what was handed out and not committed lies between them
        position <= fetch_position           what was fetched and not handed out lies between them

    Threads: one at a time, the consumer's.
    """

    __slots__ = (
        "committed",
        "fetch_position",
        "is_paused",
        "needs_reset",
        "position",
        "retry_at_s",
        "topic_partition",
        "version",
    )

    def __init__(self, topic_partition: TopicPartition, position: int, committed: int | None) -> None:
        self.topic_partition = topic_partition
        self.position = position
        """The offset of the record to hand out next."""
        self.fetch_position = position
        """The offset to ask the broker for next."""
        self.committed = committed
        """As far as this consumer knows; None: nothing."""
        self.is_paused = False
        self.needs_reset: str | None = None
        """Why the position is of no use any more (OFFSET_OUT_OF_RANGE), in words."""
        self.retry_at_s = 0.0
        """Not to be fetched before, in monotonic time, after an error that may pass."""
        self.version = 0
        """Changes whenever what was asked for or fetched before must not be handed out."""

    def seek(self, offset: int) -> None:
        """Go on at `offset`."""
        self.position = offset
        self.needs_reset = None
        self.forget()

    def forget(self) -> None:
        """Drop what was fetched and not handed out; it is fetched again when it is wanted."""
        self.fetch_position = self.position
        self.version += 1
