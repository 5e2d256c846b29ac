"""Every batch of a segment checked, and past damage the search for where whole batches begin again.

    +-------+-------+~~~~~~~~~~~~~~~~~~~~~~~+-------+-------+~~~~~~~~~~+
    | batch | batch | damage                | batch | batch | damage   |  end of file
    +-------+-------+~~~~~~~~~~~~~~~~~~~~~~~+-------+-------+~~~~~~~~~~+
                    ^ first byte that does not check         ^ nothing whole follows: a torn tail

A batch checks when its header, size and CRC-32C are right and its offsets are greater than those before it
and less than the next segment's. A place from which one checks again is taken for a batch: by chance that
happens once in four billion tries.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats.record_batch import HEADER, HEADER_BYTES, MAGIC, BatchHeader, verify_crc
from quekka.formats.segment_name import OFFSET_MAX
from quekka.storage.batch_reader import CHUNK_BYTES, read_batches
from quekka.storage.batch_walk import BatchSpan, walk_batches
from quekka.storage.file_cache import OpenFile

MAGIC_POSITION = 16
SEARCH_FACTOR = 8
"""How many times the bytes that are left a search may read, where records hold what looks like batches."""


class Damage(NamedTuple):
    """Bytes that are no batches, perhaps none where some are missing.

    Threads: any; immutable.
    """

    position: int
    size_bytes: int
    what: str
    first_offset: int = 0
    end_offset: int = 0
    """No batch has the offsets from `first_offset` up to but not including this one; none where nothing comes
    after the damage."""

    @property
    def end_position(self) -> int:
        return self.position + self.size_bytes


def scan_segment(
    file: OpenFile, size_bytes: int, base_offset: int, end_offset: int
) -> Iterator[BatchSpan | Damage]:
    """What a .log file consists of, from its start to byte `size_bytes`, without a gap.

    Its offsets must lie from `base_offset` up to but not including `end_offset`. Raises KafkaStorageError
    when the file cannot be read.
    """
    position, next_offset = 0, base_offset
    limit = 0 if end_offset == OFFSET_MAX else end_offset
    held: BatchSpan | None = None
    while position < size_bytes:
        damage = None
        try:
            for span in _checked_spans(file, position, size_bytes):
                if held is not None and _is_misplaced(held, span, next_offset):
                    what = f"base offset {held.base_offset} is too large"
                    yield Damage(held.position, held.size_bytes, what, next_offset, span.base_offset)
                elif held is not None:
                    yield held
                    next_offset = held.last_offset + 1
                held = None
                _check_order(span, next_offset, end_offset)
                held, position = span, span.end_position
        except CorruptMessageError as error:
            damage = error.message.removeprefix(f"{file.path}: ").removeprefix("byte 0: ")
        if held is not None:
            yield held
            next_offset, held = held.last_offset + 1, None
        if damage is not None:
            found = _next_batch(file, position + 1, size_bytes, next_offset, end_offset)
            end, lost_end = found or (size_bytes, limit)
            yield Damage(position, end - position, damage, next_offset, lost_end)
            position = end


def offset_before_name(file: OpenFile, size_bytes: int, base_offset: int) -> int | None:
    """Where a segment's batches begin if that is before its base offset: then it has a wrong name.

    Two batches have to say so, since the base offset of one may be what is damaged. Raises KafkaStorageError.
    """
    try:
        first, second = islice(walk_batches(file, 0, size_bytes), 2)
        if not first.base_offset < second.base_offset < base_offset:
            return None
        first, second = islice(_checked_spans(file, 0, size_bytes), 2)
    except (CorruptMessageError, ValueError):
        return None
    return first.base_offset


def _is_misplaced(held: BatchSpan, span: BatchSpan, next_offset: int) -> bool:
    """Whether `held` jumps ahead of the batch after it: base offsets are outside the CRC-32C."""
    return next_offset <= span.base_offset <= span.last_offset < held.last_offset


def _checked_spans(file: OpenFile, position: int, size_bytes: int) -> Iterator[BatchSpan]:
    for batch in read_batches(file, position, size_bytes):
        header = batch.header
        verify_crc(batch.data, 0, header)
        yield BatchSpan(
            batch.position,
            header.size_bytes,
            header.base_offset,
            header.last_offset,
            header.max_timestamp_ms,
        )


def _check_order(span: BatchSpan, next_offset: int, end_offset: int) -> None:
    first, last = span.base_offset, span.last_offset
    if not next_offset <= first <= last < end_offset:
        raise CorruptMessageError(
            f"offsets {first} to {last} are not within {next_offset} to {end_offset - 1}"
        )


def _next_batch(
    file: OpenFile, start: int, size_bytes: int, next_offset: int, end_offset: int
) -> tuple[int, int] | None:
    """Where the next batch that checks begins, and its base offset; None if there is none."""
    budget_bytes = SEARCH_FACTOR * (size_bytes - start)
    for position, header in _candidates(file, start, size_bytes):
        if not next_offset <= header.base_offset <= header.last_offset < end_offset:
            continue
        budget_bytes -= header.size_bytes
        if budget_bytes < 0:
            break
        try:
            verify_crc(file.read(position, header.size_bytes), 0, header)
        except CorruptMessageError:
            continue
        return position, header.base_offset
    return None


def _candidates(file: OpenFile, start: int, size_bytes: int) -> Iterator[tuple[int, BatchHeader]]:
    """Places where a header could be, with it: those with the magic byte and a size that fits."""
    while start + HEADER_BYTES <= size_bytes:
        chunk = file.read(start, min(CHUNK_BYTES, size_bytes - start))
        last = len(chunk) - HEADER_BYTES
        at = chunk.find(MAGIC, MAGIC_POSITION) - MAGIC_POSITION
        while 0 <= at <= last:
            header = BatchHeader._make(HEADER.unpack_from(chunk, at))
            fits = HEADER_BYTES <= header.size_bytes <= size_bytes - start - at
            if fits and header.last_offset_delta >= 0 and header.records_count >= 0:
                yield start + at, header
            at = chunk.find(MAGIC, at + MAGIC_POSITION + 1) - MAGIC_POSITION
        start += last + 1
