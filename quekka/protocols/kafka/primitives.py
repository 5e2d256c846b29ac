"""The primitive types of the Kafka protocol: how a value becomes bytes and how bytes become a value again.

All numbers are big-endian. What has no fixed size begins with its length, in one of two spellings:

    string   int16 n, n bytes        compact string   uvarint n + 1, n bytes
    bytes    int32 n, n bytes        compact bytes    uvarint n + 1, n bytes
    array    int32 n, n elements     compact array    uvarint n + 1, n elements

n = -1 stands for null, so a null in compact spelling is the byte 0. Records are bytes that hold record
batches. A nullable struct is an int8, -1 for null or 1, and the struct. Flexible messages end every struct
with its tagged fields:

    +---------------+ +-------------+--------------------+-----------------+
    | uvarint count | | uvarint tag | uvarint size_bytes | size_bytes bytes| ...
    +---------------+ +-------------+--------------------+-----------------+

A reader takes a buffer and a position and returns the value and the position after it. What it reads was
sent by a stranger: every length is compared with the bytes that are there before anything is made of it.
Source: the Kafka protocol guide, "Protocol Primitive Types"; KIP-482 for compact types and tagged fields.
"""

import struct
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from quekka.formats import Buffer

ARRAY_ELEMENTS_MAX = 1_000_000
TAGGED_FIELDS_MAX = 10_000
"""Both as in Kafka 4: no honest message comes near, and a forged count must not make work."""

STRING_BYTES_MAX = 2**15 - 1
"""As in Kafka: what a string cannot be in the older spelling it cannot be in the compact one either, so that
it can be stored, and answered in any version."""

ZERO_UUID = UUID(int=0)
"""What Kafka writes where there is no id."""

FIXED_FORMATS = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "float64": "d",
    "uuid": "16s",
}
"""Types of fixed size with their letters for `struct`."""

Value = TypeVar("Value")
Reader = Callable[[Buffer, int], tuple[Value, int]]
Writer = Callable[[bytearray, Value], None]

_ZERO_UUID_BYTES = bytes(16)
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")


class MalformedError(ValueError):
    """The bytes are not what their type asks for."""


class UncommonError(MalformedError):
    """A hand-written reader knows the common form only, and leaves this to the compiled one."""


MALFORMED = (MalformedError, struct.error, IndexError, UnicodeDecodeError)
"""All that a reader can raise."""

UNWRITABLE = (struct.error, TypeError, AttributeError, UnicodeEncodeError)
"""All that a writer can raise, for a value that its type cannot hold."""


def describe_malformed(error: Exception) -> str:
    """What is wrong with the bytes, for a person: `error` is one of `MALFORMED`."""
    if isinstance(error, UnicodeDecodeError):
        return f"the text is not UTF-8: {error.reason}"
    return str(error) if isinstance(error, MalformedError) else "the message ends inside"


def _bad_length(buf: Buffer, position: int, length: int) -> MalformedError:
    return MalformedError(f"a length of {length}, and {len(buf) - position} bytes are left")


# Lengths


def read_uvarint(buf: Buffer, position: int) -> tuple[int, int]:
    """An unsigned number of up to 32 bits, seven to a byte."""
    byte = buf[position]
    if byte < 0x80:
        return byte, position + 1
    value = byte & 0x7F
    for shift in (7, 14, 21, 28):
        position += 1
        byte = buf[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80 and value < 1 << 32:
            return value, position + 1
    raise MalformedError("a length of more than 32 bits")


def put_uvarint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def read_int16_length(buf: Buffer, position: int) -> tuple[int, int]:
    length: int = _INT16.unpack_from(buf, position)[0]
    return length, position + 2


def read_int32_length(buf: Buffer, position: int) -> tuple[int, int]:
    length: int = _INT32.unpack_from(buf, position)[0]
    return length, position + 4


def read_compact_length(buf: Buffer, position: int) -> tuple[int, int]:
    length, position = read_uvarint(buf, position)
    return length - 1, position


def put_int16_length(out: bytearray, length: int) -> None:
    out += _INT16.pack(length)


def put_int32_length(out: bytearray, length: int) -> None:
    out += _INT32.pack(length)


def put_compact_length(out: bytearray, length: int) -> None:
    if length < 0x7F:
        out.append(length + 1)
    else:
        put_uvarint(out, length + 1)


# Strings


def read_string(buf: Buffer, position: int) -> tuple[str, int]:
    length = _INT16.unpack_from(buf, position)[0]
    start = position + 2
    end = start + length
    if not start <= end <= len(buf):
        raise _bad_length(buf, start, length)
    return str(buf[start:end], "utf-8"), end


def read_compact_string(buf: Buffer, position: int) -> tuple[str, int]:
    length, start = read_uvarint(buf, position)
    end = start + length - 1
    if not start <= end <= len(buf):
        raise _bad_length(buf, start, length - 1)
    if length > STRING_BYTES_MAX + 1:
        raise MalformedError(f"a string of {length - 1} bytes, {STRING_BYTES_MAX} are allowed")
    return str(buf[start:end], "utf-8"), end


def read_nullable_string(buf: Buffer, position: int) -> tuple[str | None, int]:
    if buf[position] == 0xFF and buf[position + 1] == 0xFF:
        return None, position + 2
    return read_string(buf, position)


def read_compact_nullable_string(buf: Buffer, position: int) -> tuple[str | None, int]:
    return read_compact_string(buf, position) if buf[position] else (None, position + 1)


def put_string(out: bytearray, value: str) -> None:
    data = value.encode()
    out += _INT16.pack(len(data))
    out += data


def put_compact_string(out: bytearray, value: str) -> None:
    data = value.encode()
    put_compact_length(out, len(data))
    out += data


def put_nullable_string(out: bytearray, value: str | None) -> None:
    if value is None:
        out += b"\xff\xff"
    else:
        put_string(out, value)


def put_compact_nullable_string(out: bytearray, value: str | None) -> None:
    if value is None:
        out.append(0)
    else:
        put_compact_string(out, value)


# Bytes and records


def read_bytes(buf: Buffer, position: int) -> tuple[bytes, int]:
    """A copy, which stays true when the buffer is used again."""
    view, position = _slice(buf, *read_int32_length(buf, position))
    return bytes(view), position


def read_compact_bytes(buf: Buffer, position: int) -> tuple[bytes, int]:
    view, position = _slice(buf, *read_compact_length(buf, position))
    return bytes(view), position


def read_nullable_bytes(buf: Buffer, position: int) -> tuple[bytes | None, int]:
    view, position = read_records(buf, position)
    return (None if view is None else bytes(view)), position


def read_compact_nullable_bytes(buf: Buffer, position: int) -> tuple[bytes | None, int]:
    view, position = read_compact_records(buf, position)
    return (None if view is None else bytes(view)), position


def read_records(buf: Buffer, position: int) -> tuple[memoryview | None, int]:
    """A slice of `buf` itself: records are never copied here."""
    length, position = read_int32_length(buf, position)
    return (None, position) if length == -1 else _slice(buf, length, position)


def read_compact_records(buf: Buffer, position: int) -> tuple[memoryview | None, int]:
    length, position = read_compact_length(buf, position)
    return (None, position) if length == -1 else _slice(buf, length, position)


def _slice(buf: Buffer, length: int, position: int) -> tuple[memoryview, int]:
    end = position + length
    if length < 0 or end > len(buf):
        raise _bad_length(buf, position, length)
    return memoryview(buf)[position:end], end


def put_bytes(out: bytearray, value: Buffer) -> None:
    out += _INT32.pack(len(value))
    out += value


def put_compact_bytes(out: bytearray, value: Buffer) -> None:
    put_compact_length(out, len(value))
    out += value


def put_nullable_bytes(out: bytearray, value: Buffer | None) -> None:
    if value is None:
        out += b"\xff\xff\xff\xff"
    else:
        put_bytes(out, value)


def put_compact_nullable_bytes(out: bytearray, value: Buffer | None) -> None:
    if value is None:
        out.append(0)
    else:
        put_compact_bytes(out, value)


# Arrays


def check_count(buf: Buffer, position: int, count: int, element_bytes_min: int) -> None:
    """Refuse a number of elements that cannot be in the bytes after `position`, or is beyond all reason."""
    if count < 0:
        raise MalformedError(f"an array of {count} elements")
    if count > ARRAY_ELEMENTS_MAX:
        raise MalformedError(f"an array of {count} elements, {ARRAY_ELEMENTS_MAX} are allowed")
    if count * element_bytes_min > len(buf) - position:
        raise MalformedError(f"an array of {count} elements, and {len(buf) - position} bytes are left")


def read_elements(
    buf: Buffer, position: int, count: int, read: Reader[Value], element_bytes_min: int
) -> tuple[tuple[Value, ...], int]:
    """`count` elements one after the other, each of at least `element_bytes_min` bytes."""
    check_count(buf, position, count, element_bytes_min)
    elements = []
    for _ in range(count):
        element, position = read(buf, position)
        elements.append(element)
    return tuple(elements), position


def read_numbers(buf: Buffer, position: int, count: int, letter: str) -> tuple[tuple[int, ...], int]:
    """`count` numbers of the fixed-size type that `struct` calls `letter`."""
    size_bytes = struct.calcsize(">" + letter)
    check_count(buf, position, count, size_bytes)
    return struct.unpack_from(f">{count}{letter}", buf, position), position + count * size_bytes


def put_elements(out: bytearray, elements: Sequence[Value], put: Writer[Value]) -> None:
    for element in elements:
        put(out, element)


def put_numbers(out: bytearray, numbers: Sequence[int], letter: str) -> None:
    if numbers:
        out += struct.pack(f">{len(numbers)}{letter}", *numbers)


def to_uuid(data: bytes) -> UUID:
    """The id in 16 bytes; most requests have none, and comparing is cheaper than making one."""
    return ZERO_UUID if data == _ZERO_UUID_BYTES else UUID(bytes=data)


def read_uuid(buf: Buffer, position: int) -> tuple[UUID, int]:
    (data,) = struct.unpack_from("16s", buf, position)
    return to_uuid(data), position + 16


def put_uuid(out: bytearray, value: UUID) -> None:
    out += value.bytes


# Tagged fields


def read_tag_count(buf: Buffer, position: int) -> tuple[int, int]:
    count, position = read_uvarint(buf, position)
    if count > TAGGED_FIELDS_MAX:
        raise MalformedError(f"{count} tagged fields, {TAGGED_FIELDS_MAX} are allowed")
    return count, position


def read_tag(buf: Buffer, position: int) -> tuple[int, int, int]:
    """The tag of the field at `position`, where its value begins and where it ends."""
    tag, position = read_uvarint(buf, position)
    length, position = read_uvarint(buf, position)
    if position + length > len(buf):
        raise _bad_length(buf, position, length)
    return tag, position, position + length


def skip_tagged_fields(buf: Buffer, position: int) -> int:
    """The position after the tagged fields at `position`, of which none is known here."""
    if buf[position] == 0:
        return position + 1
    count, position = read_tag_count(buf, position)
    for _ in range(count):
        _, _, position = read_tag(buf, position)
    return position


def check_tag_end(tag: int, position: int, end: int) -> None:
    """Refuse a tagged field whose value does not end where its size said."""
    if position != end:
        raise MalformedError(f"tag {tag} was to end at byte {end}")


def put_tagged_fields(out: bytearray, tagged: Sequence[tuple[int, bytearray]]) -> None:
    """Tags with their encoded values, in ascending order."""
    put_uvarint(out, len(tagged))
    for tag, value in tagged:
        put_uvarint(out, tag)
        put_uvarint(out, len(value))
        out += value
