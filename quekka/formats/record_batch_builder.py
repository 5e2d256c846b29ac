"""Record batches from keys and values.

A broker that takes one request per record builds its batches record by record, so this is written for
speed: records are kept as references to their parts, what lies between two values is made once for values
of the same size, and one join puts every byte in its place (layouts: record_batch, record).
"""

from collections.abc import Sequence
from functools import lru_cache

from quekka.errors import MessageTooLargeError
from quekka.formats import Buffer
from quekka.formats.compression import NONE, compress
from quekka.formats.record import Header, encode_headers
from quekka.formats.record_batch import (
    BATCH_LENGTH_MAX,
    HEADER,
    HEADER_BYTES,
    LOG_OVERHEAD_BYTES,
    MAGIC,
    TRANSACTIONAL,
    write_crc,
)
from quekka.formats.varint import encode_varint

_ATTRIBUTES = b"\x00"
_NO_DELTA = b"\x00"
_NULL = b"\x01"
_NO_HEADERS = b"\x00"
_NO_TIMESTAMP_MS = -1
_NO_HEADER = bytes(HEADER_BYTES)
"""Room for the batch's header."""

# Lengths and offset deltas come again and again; the bound keeps what is remembered small.
_encode = lru_cache(maxsize=16384)(encode_varint)


class BatchBuilder:
    """Collects records and makes one batch of them.

    Keys and values are not copied before `build`, so a bytearray or memoryview must stay as it is until then.
    """

    __slots__ = (
        "_attributes",
        "_base_timestamp_ms",
        "_max_timestamp_ms",
        "_parts",
        "_producer",
        "count",
        "size_bytes",
    )

    def __init__(self, base_timestamp_ms: int) -> None:
        self._base_timestamp_ms = base_timestamp_ms
        self._max_timestamp_ms = _NO_TIMESTAMP_MS
        self._parts: list[Buffer] = []
        self._producer = (-1, -1, -1)
        self._attributes = 0
        self.count = 0
        """Records so far."""
        self.size_bytes = HEADER_BYTES
        """Of the batch as it would be without compression."""

    def append(
        self,
        key: Buffer | None,
        value: Buffer | None,
        headers: Sequence[Header] = (),
        timestamp_ms: int | None = None,
    ) -> None:
        """Add a record; where no timestamp is given it has the base timestamp."""
        if timestamp_ms is None:
            timestamp_ms = self._base_timestamp_ms
        if timestamp_ms > self._max_timestamp_ms:  # noqa: PLR1730
            self._max_timestamp_ms = timestamp_ms
        key_length, key = (_NULL, b"") if key is None else (_encode(len(key)), key)
        value_length, value = (_NULL, b"") if value is None else (_encode(len(value)), value)
        deltas = _encode(timestamp_ms - self._base_timestamp_ms) + _encode(self.count)
        before = _ATTRIBUTES + deltas + key_length
        after = encode_headers(headers) if headers else _NO_HEADERS
        length_bytes = len(before) + len(key) + len(value_length) + len(value) + len(after)
        prefix = _encode(length_bytes)
        self._parts += (prefix, before, key, value_length, value, after)
        self.count += 1
        self.size_bytes += len(prefix) + length_bytes

    def append_values(self, values: Sequence[Buffer]) -> None:
        """Add records with the base timestamp and nothing but a value."""
        if not values:
            return
        parts = self._parts
        size_bytes = 0
        delta_bytes = 0
        around: dict[int, tuple[bytes, bytes, int]] = {}
        for delta, value in zip(
            map(_encode, range(self.count, self.count + len(values))), values, strict=False
        ):
            if len(delta) != delta_bytes:
                # What stands around a value holds the record's length, and that counts the delta.
                delta_bytes = len(delta)
                around = {}
            value_bytes = len(value)
            try:
                before, between, record_bytes = around[value_bytes]
            except KeyError:
                before, between, record_bytes = around[value_bytes] = _around_value(value_bytes, delta_bytes)
            parts += (before, delta, between, value, _NO_HEADERS)
            size_bytes += record_bytes
        self._max_timestamp_ms = max(self._max_timestamp_ms, self._base_timestamp_ms)
        self.count += len(values)
        self.size_bytes += size_bytes

    def set_producer(
        self, producer_id: int, producer_epoch: int, base_sequence: int, *, is_transactional: bool = False
    ) -> None:
        """Name the idempotent producer; without it the batch has none (-1)."""
        self._producer = (producer_id, producer_epoch, base_sequence)
        self._attributes = TRANSACTIONAL if is_transactional else 0

    def build(self, codec: int = NONE) -> bytearray:
        """The batch, with base offset 0, to be patched where it is appended.

        Raises ValueError where there are no records, MessageTooLargeError where they are more than one
        batch can hold, UnsupportedCompressionTypeError.
        """
        if self.count == 0:
            raise ValueError("a batch needs at least one record")
        if self.size_bytes > BATCH_LENGTH_MAX:
            raise MessageTooLargeError(
                f"{self.size_bytes} bytes in one batch, at most {BATCH_LENGTH_MAX} fit"
            )
        if codec == NONE:
            batch = bytearray().join((_NO_HEADER, *self._parts))
        else:
            batch = bytearray().join((_NO_HEADER, compress(codec, b"".join(self._parts))))
        HEADER.pack_into(
            batch,
            0,
            0,
            len(batch) - LOG_OVERHEAD_BYTES,
            -1,
            MAGIC,
            0,
            self._attributes | codec,
            self.count - 1,
            self._base_timestamp_ms,
            self._max_timestamp_ms,
            *self._producer,
            self.count,
        )
        write_crc(memoryview(batch))
        return batch


@lru_cache(maxsize=4096)
def _around_value(value_bytes: int, delta_bytes: int) -> tuple[bytes, bytes, int]:
    """What precedes the offset delta, what stands between that and the value, and the record's whole size."""
    between = _NULL + _encode(value_bytes)
    length_bytes = len(_ATTRIBUTES + _NO_DELTA + between + _NO_HEADERS) + delta_bytes + value_bytes
    before = _encode(length_bytes) + _ATTRIBUTES + _NO_DELTA
    return before, between, length_bytes + len(_encode(length_bytes))
