"""The hash by which Kafka's Java client picks a partition for a key, so that all clients agree.

Austin Appleby's MurmurHash2, 32 bits, with Kafka's seed. Source: org.apache.kafka.common.utils.Utils.murmur2.
"""

import struct

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_SHIFT = 24
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash of `data` as a signed number of 32 bits."""
    words = len(data) // 4
    state = _SEED ^ len(data)
    for word in struct.unpack_from(f"<{words}I", data):
        mixed = (word * _MULTIPLIER) & _MASK
        mixed = ((mixed ^ (mixed >> _SHIFT)) * _MULTIPLIER) & _MASK
        state = ((state * _MULTIPLIER) & _MASK) ^ mixed
    if len(data) % 4:
        state = ((state ^ int.from_bytes(data[words * 4 :], "little")) * _MULTIPLIER) & _MASK
    state = ((state ^ (state >> 13)) * _MULTIPLIER) & _MASK
    state ^= state >> 15
    return state - 2**32 if state >= 2**31 else state


def partition_for_key(key: bytes, partitions: int) -> int:
    """The number of the partition, below `partitions`, in which records with `key` belong."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
