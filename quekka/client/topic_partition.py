"""One partition of one topic, by name."""

from typing import NamedTuple


class TopicPartition(NamedTuple):
    """A topic's name and a partition's number: what offsets, positions and assignments belong to."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"
