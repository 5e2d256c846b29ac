"""Which partition a record goes to."""

from collections.abc import Callable
from functools import lru_cache

from quekka.formats.murmur2 import partition_for_key

Partitioner = Callable[[bytes | None, int], int | None]
"""Takes a record's key and the topic's number of partitions; answers a partition, or None: the sticky one."""

KEYS_REMEMBERED = 8192
"""Hashing a key costs more than finding it; keys of which there are few come again and again."""


def default_partitioner() -> Partitioner:
    """Keys by murmur2, as Kafka's Java client does; records without a key stick to one for a batch."""
    remembered = lru_cache(maxsize=KEYS_REMEMBERED)(partition_for_key)

    def choose(key: bytes | None, partitions: int) -> int | None:
        return None if key is None else remembered(key, partitions)

    return choose
