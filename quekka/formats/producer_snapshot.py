"""Producer snapshots: what a partition knew of its idempotent producers when its log ended at some offset.

    00000000000000170210.snapshot

     0  +-----------+-----------------------+-----------------------+
        | version 2 | CRC-32C             4 | count               4 |
    10  +-----------+-----------------------+-----------------------+
        | for each producer, 46 bytes:                              |
        |   producer id                 8     producer epoch      2 |
        |   last sequence               4     last offset         8 |
        |   offset delta                4     timestamp, ms       8 |
        |   coordinator epoch           4                           |
        |   current transaction's first offset                    8 |
        +-----------------------------------------------------------+

Big-endian, the CRC-32C unsigned; it covers the bytes from 6, the count, to the end. The version is 1. Of each
producer's batches only the last is kept: its last sequence, its last offset, its last offset delta and its
largest timestamp; -1 in the first two where there is none. The coordinator epoch and the first offset are -1
where no transaction has ended, or none is under way. Source: ProducerStateManager in
org.apache.kafka.storage.internals.log.

Worked example: producer 7 with epoch 1, whose last batch had the sequences 10 to 12 and the offsets 40 to 42.

    00 01                     version 1
    e1 48 57 33               CRC-32C of all below
    00 00 00 01               1 producer:
    00 00 00 00 00 00 00 07     producer id 7
    00 01                       producer epoch 1
    00 00 00 0c                 last sequence 12
    00 00 00 00 00 00 00 2a     last offset 42
    00 00 00 02                 offset delta 2
    00 00 00 00 00 00 03 e8     timestamp 1000
    ff ff ff ff                 no coordinator epoch
    ff ff ff ff ff ff ff ff     no transaction
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer
from quekka.formats.crc32c import crc32c

VERSION = 1

_HEAD = struct.Struct(">hIi")
_ENTRY = struct.Struct(">qhiqiqiq")
_CRC_START = 6
"""First byte that the CRC-32C covers."""

HEAD_BYTES = _HEAD.size
ENTRY_BYTES = _ENTRY.size


class ProducerSnapshotEntry(NamedTuple):
    """One producer, in the order of the bytes."""

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    """From the first to the last record of the last batch."""
    timestamp_ms: int
    coordinator_epoch: int = -1
    current_txn_first_offset: int = -1


def encode_producer_snapshot(entries: Sequence[ProducerSnapshotEntry]) -> bytes:
    """The file's content."""
    count = len(entries)
    data = bytearray(_HEAD.pack(VERSION, 0, count))
    for entry in entries:
        data += _ENTRY.pack(*entry)
    _HEAD.pack_into(data, 0, VERSION, crc32c(memoryview(data)[_CRC_START:]), count)
    return bytes(data)


def decode_producer_snapshot(data: Buffer) -> list[ProducerSnapshotEntry]:
    """The producers; raises CorruptMessageError that says what is wrong."""
    if len(data) < HEAD_BYTES:
        raise CorruptMessageError(f"producer snapshot: {len(data)} bytes, the head alone has {HEAD_BYTES}")
    version, crc, count = _HEAD.unpack_from(data)
    if version != VERSION:
        raise CorruptMessageError(f"producer snapshot: version {version}, only {VERSION} is supported")
    actual = crc32c(memoryview(data)[_CRC_START:])
    if actual != crc:
        raise CorruptMessageError(f"producer snapshot: CRC-32C {actual:08x}, not {crc:08x}")
    if len(data) != HEAD_BYTES + count * ENTRY_BYTES:
        raise CorruptMessageError(f"producer snapshot: {len(data)} bytes do not hold {count} producers")
    entries = [ProducerSnapshotEntry._make(row) for row in _ENTRY.iter_unpack(memoryview(data)[HEAD_BYTES:])]
    for index, entry in enumerate(entries):
        if entry.producer_id < 0 or entry.offset_delta < 0:
            raise CorruptMessageError(f"producer snapshot: entry {index} has negative numbers: {entry}")
    return entries
