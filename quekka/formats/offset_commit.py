"""Keys and values of `__consumer_offsets`, the compacted topic in which groups keep their committed offsets.

    key    +-----------+-------+-------+-------------+
           | version 2 | group | topic | partition 4 |    version 0 or 1: a committed offset
           +-----------+-------+-------+-------------+
           +-----------+-------+
           | version 2 | group |                          version 2: the group itself
           +-----------+-------+

    value  +-----------+----------+----------------+----------+--------------------+--------------------+
           | version 2 | offset 8 | leader epoch 4 | metadata | commit timestamp 8 | expire timestamp 8 |
           +-----------+----------+----------------+----------+--------------------+--------------------+
           leader epoch: in version 3 only; expire timestamp: in version 1 only

The numbers in the boxes are sizes in bytes. Big-endian; before a text stands its length in two bytes. A null
value is a tombstone: the offset is deleted. Written are key versions 1 and 2 and value version 3.
Source: OffsetCommitKey.json, GroupMetadataKey.json and OffsetCommitValue.json in Kafka's group-coordinator.
"""

import struct
from dataclasses import dataclass

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer

OFFSET_KEY_VERSIONS = (0, 1)
GROUP_KEY_VERSION = 2
VALUE_VERSION = 3
NO_LEADER_EPOCH = -1
NO_EXPIRE_TIMESTAMP_MS = -1
TEXT_BYTES_MAX = 2**15 - 1

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")


@dataclass(frozen=True, slots=True)
class OffsetCommitKey:
    """Whose committed offset, and where."""

    group: str
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class GroupMetadataKey:
    """The group itself: its members and their assignment."""

    group: str


@dataclass(frozen=True, slots=True)
class OffsetCommitValue:
    """A committed offset: what to read next."""

    offset: int
    leader_epoch: int
    """NO_LEADER_EPOCH where the client did not say."""
    metadata: str
    """The client's own note."""
    commit_timestamp_ms: int
    expire_timestamp_ms: int = NO_EXPIRE_TIMESTAMP_MS
    """Only old brokers wrote one; it is read and not written."""


def encode_key(key: OffsetCommitKey | GroupMetadataKey) -> bytes:
    """The key of a record; raises ValueError for a name of more than 32767 bytes."""
    if isinstance(key, GroupMetadataKey):
        return _INT16.pack(GROUP_KEY_VERSION) + _text(key.group)
    start = _INT16.pack(OFFSET_KEY_VERSIONS[-1])
    return start + _text(key.group) + _text(key.topic) + _INT32.pack(key.partition)


def encode_value(value: OffsetCommitValue) -> bytes:
    """The value of a record; raises ValueError for metadata of more than 32767 bytes."""
    return b"".join(
        (
            _INT16.pack(VALUE_VERSION),
            _INT64.pack(value.offset),
            _INT32.pack(value.leader_epoch),
            _text(value.metadata),
            _INT64.pack(value.commit_timestamp_ms),
        )
    )


def decode_key(data: Buffer) -> OffsetCommitKey | GroupMetadataKey:
    """What the key stands for; raises CorruptMessageError, for a version that is not known as well."""
    fields = _Fields(data, "key")
    version = fields.number(_INT16)
    key: OffsetCommitKey | GroupMetadataKey
    if version in OFFSET_KEY_VERSIONS:
        key = OffsetCommitKey(fields.text(), fields.text(), fields.number(_INT32))
    elif version == GROUP_KEY_VERSION:
        key = GroupMetadataKey(fields.text())
    else:
        raise fields.corrupt(0, f"version {version} is not known")
    fields.finish()
    return key


def decode_value(data: Buffer | None) -> OffsetCommitValue | None:
    """The committed offset, None for a tombstone; raises CorruptMessageError as `decode_key` does."""
    if data is None:
        return None
    fields = _Fields(data, "value")
    version = fields.number(_INT16)
    if not 0 <= version <= VALUE_VERSION:
        raise fields.corrupt(0, f"version {version} is not known")
    value = OffsetCommitValue(
        offset=fields.number(_INT64),
        leader_epoch=fields.number(_INT32) if version == 3 else NO_LEADER_EPOCH,
        metadata=fields.text(),
        commit_timestamp_ms=fields.number(_INT64),
        expire_timestamp_ms=fields.number(_INT64) if version == 1 else NO_EXPIRE_TIMESTAMP_MS,
    )
    fields.finish()
    return value


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) > TEXT_BYTES_MAX:
        raise ValueError(f"a text of {len(data)} bytes, at most {TEXT_BYTES_MAX} fit")
    return _INT16.pack(len(data)) + data


class _Fields:
    """Reads one field after another."""

    def __init__(self, data: Buffer, what: str) -> None:
        self._data = data
        self._what = what
        self._position = 0

    def number(self, form: struct.Struct) -> int:
        (value,) = form.unpack(self._take(form.size))
        return int(value)

    def text(self) -> str:
        length = self.number(_INT16)
        start = self._position
        try:
            return str(self._take(length), "utf-8")
        except UnicodeDecodeError:
            raise self.corrupt(start, "no UTF-8") from None

    def finish(self) -> None:
        if self._position != len(self._data):
            raise self.corrupt(self._position, f"{len(self._data) - self._position} bytes are left over")

    def _take(self, size_bytes: int) -> Buffer:
        start, end = self._position, self._position + size_bytes
        if not start <= end <= len(self._data):
            raise self.corrupt(start, f"{size_bytes} bytes, {len(self._data) - start} are left")
        self._position = end
        return self._data[start:end]

    def corrupt(self, position: int, problem: str) -> CorruptMessageError:
        return CorruptMessageError(f"{self._what} in the offsets topic, byte {position}: {problem}")
