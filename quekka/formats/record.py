"""One record inside a batch of magic 2. All numbers are zig-zag varints, but for the attributes byte.

    +--------+------------+-----------------+--------------+------------+-----+--------------+-------+
    | length | attributes | timestamp delta | offset delta | key length | key | value length | value |
    +--------+------------+-----------------+--------------+------------+-----+--------------+-------+
    +---------------+ +-------------------+------------+---------------------+--------------+
    | headers count | | header key length | header key | header value length | header value | ...
    +---------------+ +-------------------+------------+---------------------+--------------+

`length` counts the bytes after it. The deltas are relative to the batch's base timestamp and base offset. A
length of -1 stands for null; a record whose value is null is a tombstone. The attributes are unused, and 0.
Source: org.apache.kafka.common.record.DefaultRecord.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer
from quekka.formats.varint import decode_uvarint, decode_varint, encode_varint

Header = tuple[str, bytes | None]
RawRecord = tuple[int, int, bytes | None, bytes | None, tuple[Header, ...]]
"""The fields of Record in their order."""

_NULL = b"\x01"
_ZIGZAG_NULL = 1
_INT64_MIN = -(2**63)
_INT64_MAX = 2**63 - 1
OFFSET_DELTA_MAX = 2**31 - 1


class Record(NamedTuple):
    """A record as a reader sees it."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


def encode_record(
    offset_delta: int,
    timestamp_delta_ms: int,
    key: Buffer | None,
    value: Buffer | None,
    headers: Sequence[Header] = (),
) -> bytes:
    """The whole record, its length included."""
    body = b"".join(
        (
            b"\x00",
            encode_varint(timestamp_delta_ms),
            encode_varint(offset_delta),
            *_nullable(key),
            *_nullable(value),
            encode_headers(headers),
        )
    )
    return encode_varint(len(body)) + body


def _nullable(data: Buffer | None) -> tuple[Buffer, ...]:
    """Length and bytes, to be joined."""
    return (_NULL,) if data is None else (encode_varint(len(data)), data)


def encode_headers(headers: Sequence[Header]) -> bytes:
    """The count and all headers."""
    parts: list[Buffer] = [encode_varint(len(headers))]
    for key, value in headers:
        parts += _nullable(key.encode())
        parts += _nullable(value)
    return b"".join(parts)


def decode_record(
    data: bytes, position: int = 0, base_offset: int = 0, base_timestamp_ms: int = 0
) -> tuple[Record, int]:
    """The record at `position` and the position after it; raises CorruptMessageError."""
    length, start = decode_varint(data, position)
    end = start + length
    if not start <= end <= len(data):
        raise CorruptMessageError(
            f"byte {position}: a record of {length} bytes, {len(data) - start} are left"
        )
    (raw,) = walk_records(
        data[position:end],
        1,
        base_offset=base_offset,
        last_offset=base_offset + OFFSET_DELTA_MAX,
        base_timestamp_ms=base_timestamp_ms,
    )
    return Record._make(raw), end


def walk_records(  # noqa: PLR0912, PLR0915
    data: bytes,
    count: int,
    *,
    base_offset: int,
    last_offset: int,
    base_timestamp_ms: int,
    append_time_ms: int | None = None,
    from_offset: int = 0,
) -> Iterator[RawRecord]:
    """The `count` records that `data` consists of, less those before `from_offset`.

    With `append_time_ms` that is the timestamp of all of them. Raises CorruptMessageError, when it gets
    there, for lengths that do not add up, more or fewer records, and offsets that do not rise up to
    `last_offset`.

    A broker in Python runs this for every record it shows, and a call costs more than what it would do
    here: so it is long, and reads varints of one and two bytes in place. Fields may run on as far as `data`
    does until a record's end is compared with its length: no length is negative, so what went too far can
    not come back.
    """
    position = index = 0
    offset = base_offset - 1
    try:
        for index in range(count):
            number = data[position]
            position += 1
            if number >= 0x80:
                if (high := data[position]) < 0x80:
                    number += (high << 7) - 0x80
                    position += 1
                else:
                    number, position = decode_uvarint(data, position - 1)
            end = position + (number >> 1)
            if number & 1:
                raise _corrupt(index, count, position, "its length is negative")

            number = data[position + 1]
            position += 2
            if number >= 0x80:
                if (high := data[position]) < 0x80:
                    number += (high << 7) - 0x80
                    position += 1
                else:
                    number, position = decode_uvarint(data, position - 1)
            timestamp_ms = base_timestamp_ms + (number >> 1 ^ -(number & 1))
            if not _INT64_MIN <= timestamp_ms <= _INT64_MAX:
                raise _corrupt(index, count, position, f"its timestamp {timestamp_ms} has more than 64 bits")

            number = data[position]
            position += 1
            if number >= 0x80:
                if (high := data[position]) < 0x80:
                    number += (high << 7) - 0x80
                    position += 1
                else:
                    number, position = decode_uvarint(data, position - 1)
            previous, offset = offset, base_offset + (number >> 1)
            if number & 1 or not previous < offset <= last_offset:
                problem = f"its offset {offset} is not in {previous + 1}..{last_offset}"
                raise _corrupt(index, count, position, problem)
            if offset < from_offset:
                position = end
                continue

            number = data[position]
            position += 1
            if number == _ZIGZAG_NULL:
                key = None
            else:
                if number >= 0x80:
                    number, position = decode_uvarint(data, position - 1)
                if number & 1:
                    raise _corrupt(index, count, position, "the length of its key is negative")
                stop = position + (number >> 1)
                key = data[position:stop]
                position = stop

            number = data[position]
            position += 1
            if number == _ZIGZAG_NULL:
                value = None
            else:
                if number >= 0x80:
                    if (high := data[position]) < 0x80:
                        number += (high << 7) - 0x80
                        position += 1
                    else:
                        number, position = decode_uvarint(data, position - 1)
                if number & 1:
                    raise _corrupt(index, count, position, "the length of its value is negative")
                stop = position + (number >> 1)
                value = data[position:stop]
                position = stop

            if data[position]:
                headers, position = _decode_headers(data, position, end)
            else:
                headers = ()
                position += 1
            if position != end:
                raise _corrupt(index, count, position, f"its length says that it ends at byte {end}")
            yield offset, timestamp_ms if append_time_ms is None else append_time_ms, key, value, headers
    except IndexError:
        raise _corrupt(index, count, position, f"cut by the end at byte {len(data)}") from None
    if position != len(data):
        left_bytes = len(data) - position
        raise CorruptMessageError(f"byte {position}: behind {count} records {left_bytes} bytes are left over")


def _decode_headers(data: bytes, position: int, end: int) -> tuple[tuple[Header, ...], int]:
    """The headers of a record that should end at `end`, and the position after them."""
    count, position = decode_varint(data, position)
    headers: list[Header] = []
    # A count that is too large ends at the record's end: each header takes two bytes or more.
    while len(headers) != count and position < end:
        key, position = _decode_nullable(data, position)
        value, position = _decode_nullable(data, position)
        if key is None:
            raise CorruptMessageError(f"byte {position}: the key of a header is null")
        # As Java does, so that all clients see the same key for bytes that are no UTF-8.
        headers.append((key.decode(errors="replace"), value))
    if len(headers) != count:
        raise CorruptMessageError(f"byte {position}: {count} headers announced, {len(headers)} found")
    return tuple(headers), position


def _decode_nullable(data: bytes, position: int) -> tuple[bytes | None, int]:
    length, position = decode_varint(data, position)
    if length == -1:
        return None, position
    end = position + length
    if not position <= end <= len(data):
        raise CorruptMessageError(f"byte {position}: {length} bytes, {len(data) - position} are left")
    return data[position:end], end


def _corrupt(index: int, count: int, position: int, problem: str) -> CorruptMessageError:
    return CorruptMessageError(f"record {index} of {count}, near byte {position}: {problem}")
