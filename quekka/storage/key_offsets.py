"""What compaction must know: for every key the offset of its last record.

    key    a key shorter than 32 bytes itself, else its SHA-256, so that an entry has a bounded size; a
           digest has 32 bytes, so it is never mistaken for a key
    value  the offset

How many keys it holds is bounded too. Where a log has more, cleaning goes up to the record that did not fit
and the rest waits for the next pass; that record may be in the middle of a batch, which alone may have more
keys than there is room for. Source: org.apache.kafka.storage.internals.log.SkimpyOffsetMap, which keeps an
MD5, and Cleaner.buildOffsetMapForSegment.
"""

from hashlib import sha256

DIGEST_BYTES = 32


class KeyOffsets:
    """The last offsets of at most `keys_max` keys.

    Threads: the one that cleans.
    """

    def __init__(self, keys_max: int) -> None:
        if keys_max < 1:
            raise ValueError(f"a map of {keys_max} keys")
        self._keys_max = keys_max
        self._offsets: dict[bytes, int] = {}
        self.latest_offset = -1
        """Up to which offset the log was read; records after it are not touched."""

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, key: bytes, offset: int) -> bool:
        """Take in the next record that has a key; False when there is no room, and then reading ends here."""
        entry = _entry(key)
        if len(self._offsets) >= self._keys_max and entry not in self._offsets:
            return False
        self._offsets[entry] = offset
        self.latest_offset = offset
        return True

    def is_superseded(self, key: bytes, offset: int) -> bool:
        """Whether a record of this key comes after the one at `offset`."""
        return self._offsets.get(_entry(key), -1) > offset


def _entry(key: bytes) -> bytes:
    return key if len(key) < DIGEST_BYTES else sha256(key).digest()
