"""Variable-length integers: seven bits to a byte, lowest first, the high bit says that more follow.

    value 300, unsigned          value -2, zig-zag (written as unsigned 3)
    +----------+----------+      +----------+
    | 10101100 | 00000010 |      | 00000011 |
    +----------+----------+      +----------+

Records use the zig-zag form (0, -1, 1, -2, ... become 0, 1, 2, 3, ...), flexible Kafka requests the
unsigned one. Both carry up to 64 bits, thus at most ten bytes, of which the tenth can hold only one bit. A
longer form of a small value (`80 00` for 0) is read, as Kafka reads it. Source:
org.apache.kafka.common.utils.ByteUtils.
"""

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer

MAX_VARINT_BYTES = 10
UINT64_MAX = 2**64 - 1


def encode_varint(value: int) -> bytes:
    """The zig-zag form of `value`, which must fit in 64 bits with sign; raises OverflowError otherwise."""
    return encode_uvarint((value << 1) ^ (value >> 63))


def encode_uvarint(value: int) -> bytes:
    """The form of `value` as it is, from 0 to 2**64 - 1; raises OverflowError otherwise."""
    if not 0 <= value <= UINT64_MAX:
        raise OverflowError(f"outside the 64 bits of a varint: {value}")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(buf: Buffer, position: int) -> tuple[int, int]:
    """The zig-zag value at `position` and the position after it; raises CorruptMessageError."""
    value, position = decode_uvarint(buf, position)
    return (value >> 1) ^ -(value & 1), position


def decode_uvarint(buf: Buffer, position: int) -> tuple[int, int]:
    """The unsigned value at `position` and the position after it.

    Raises CorruptMessageError where `buf` ends inside it or it has more than 64 bits.
    """
    value = size_bytes = 0
    for byte in buf[position : position + MAX_VARINT_BYTES]:
        value |= (byte & 0x7F) << 7 * size_bytes
        size_bytes += 1
        if byte < 0x80 and value <= UINT64_MAX:
            return value, position + size_bytes
    problem = "has more than 64 bits" if size_bytes == MAX_VARINT_BYTES else "is cut"
    raise CorruptMessageError(f"byte {position}: the varint {problem}")


def varint_size(value: int) -> int:
    """Bytes that `encode_varint(value)` takes."""
    zigzag = (value << 1) ^ (value >> 63)
    return max(1, (zigzag.bit_length() + 6) // 7)
