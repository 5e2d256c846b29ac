"""From batch to batch through a segment's .log file, by the lengths the batches carry.

An index leads near a batch; the last steps are walked. Only headers are looked at, many of them with one
pread.
"""

from collections.abc import Iterator
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer
from quekka.formats.record_batch import HEADER, HEADER_BYTES, LOG_OVERHEAD_BYTES, MAGIC
from quekka.storage.file_cache import OpenFile

NEAR_BYTES = 8 * 1024
"""What a lookup reads per step: two of Kafka's index intervals, so that one read is nearly always enough."""
FAR_BYTES = 64 * 1024
"""What a walk through much of a segment reads per step."""


class BatchSpan(NamedTuple):
    """Where a batch lies in its file and what it covers.

    Threads: any; immutable.
    """

    position: int
    size_bytes: int
    base_offset: int
    last_offset: int
    max_timestamp_ms: int

    @property
    def end_position(self) -> int:
        """Where the next batch starts."""
        return self.position + self.size_bytes


def walk_batches(
    file: OpenFile, position: int, end: int, step_bytes: int = NEAR_BYTES
) -> Iterator[BatchSpan]:
    """The batches from the one at `position` to the file's byte `end`; raises as `walk_headers` does."""
    for at, fields in walk_headers(file, position, end, step_bytes):
        yield BatchSpan(at, fields[1] + LOG_OVERHEAD_BYTES, fields[0], fields[0] + fields[6], fields[8])


def walk_headers(
    file: OpenFile, position: int, end: int, step_bytes: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Position and header of each batch, as the plain fields of a BatchHeader, which cost less.

    Raises CorruptMessageError naming file and position where there is no batch, or one that goes beyond
    `end`.
    """
    while position < end:
        chunk = file.read(position, min(step_bytes, end - position))
        if len(chunk) < HEADER_BYTES:
            raise no_batch(file, position, f"{len(chunk)} bytes are less than a batch header")
        at = 0
        while at + HEADER_BYTES <= len(chunk):
            fields = HEADER.unpack_from(chunk, at)
            size_bytes = fields[1] + LOG_OVERHEAD_BYTES
            if fields[3] != MAGIC or size_bytes < HEADER_BYTES or fields[0] < 0 or fields[6] < 0:
                raise no_batch(file, position, "what stands there is no batch header of magic 2")
            if position + size_bytes > end:
                raise no_batch(file, position, f"a batch of {size_bytes} bytes, {end - position} are left")
            yield position, fields
            at += size_bytes
            position += size_bytes


def find_batch(file: OpenFile, position: int, end: int, offset: int) -> BatchSpan | None:
    """The first batch from `position` on that ends at or after `offset`; None if all end before it.

    Raises CorruptMessageError as `walk_headers` does.
    """
    for at, fields in walk_headers(file, position, end, NEAR_BYTES):
        last_offset = fields[0] + fields[6]
        if last_offset >= offset:
            return BatchSpan(at, fields[1] + LOG_OVERHEAD_BYTES, fields[0], last_offset, fields[8])
    return None


def fields_of_one_batch(data: Buffer) -> tuple[int, int]:
    """Last offset delta and largest timestamp of the batch that `data` is.

    Raises CorruptMessageError where it is less or more than one batch.
    """
    if len(data) < HEADER_BYTES:
        raise CorruptMessageError(f"{len(data)} bytes are no record batch")
    fields = HEADER.unpack_from(data)
    if fields[1] + LOG_OVERHEAD_BYTES != len(data):
        size_bytes = fields[1] + LOG_OVERHEAD_BYTES
        raise CorruptMessageError(f"a buffer of {len(data)} bytes with a batch of {size_bytes}")
    return fields[6], fields[8]


def no_batch(file: OpenFile, position: int, why: str) -> CorruptMessageError:
    """What to tell of damage: always with file and position."""
    return CorruptMessageError(f"{file.path}: no record batch at byte {position}: {why}")
