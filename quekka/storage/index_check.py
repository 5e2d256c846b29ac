"""Whether an index belongs to its .log file, and what to do when it does not.

A cheap look that finds what really happens to indexes: they are missing, cut short, or from another life of
the same name. The last entry must lead to the batch it names. What does not fit is made again from the
batches' headers.
"""

import logging

from quekka.errors import CorruptMessageError
from quekka.formats.index_entry import RELATIVE_OFFSET_MAX
from quekka.storage.batch_walk import FAR_BYTES, BatchSpan, find_batch, no_batch, walk_batches
from quekka.storage.file_cache import OpenFile
from quekka.storage.offset_index import OffsetSearch
from quekka.storage.segment_indexes import SegmentIndexes
from quekka.storage.time_index import NO_TIMESTAMP, TimeSearch

logger = logging.getLogger(__name__)


def offset_index_misfit(index: OffsetSearch, file: OpenFile, base_offset: int, size_bytes: int) -> str | None:
    """Why the index is not that of these `size_bytes` of the .log file; None if its last entry fits."""
    try:
        last = index.last()
        if last is None:
            return None
        if index.count > 1 and not any(last):
            return "it ends in zeros"  # which lead to a first batch of one record, where that is
        span = find_batch(file, last.position, size_bytes, base_offset + last.relative_offset)
    except CorruptMessageError as error:
        return f"its last entry is wrong: {error.message}"
    found = span and (span.last_offset - base_offset, span.position)
    return None if found == last else f"its last entry is wrong: {last}"


def time_index_misfit(
    index: TimeSearch, offset_index: OffsetSearch, file: OpenFile, base_offset: int, size_bytes: int
) -> str | None:
    """Why the index is not that of these `size_bytes` of the .log file; None if its last entry fits."""
    try:
        last = index.last()
        relative_offset = 0 if last is None else last.relative_offset
        position = offset_index.floor(relative_offset)
        span = find_batch(file, position, size_bytes, base_offset + relative_offset)
    except CorruptMessageError as error:
        return f"its last entry is wrong: {error.message}"
    if last is None:
        return None if span is None or span.max_timestamp_ms == NO_TIMESTAMP else "it is empty"
    found = span and (span.max_timestamp_ms, span.last_offset - base_offset)
    return None if found == last else f"its last entry is wrong: {last}"


def indexes_of_log(file: OpenFile, base_offset: int, size_bytes: int, interval_bytes: int) -> SegmentIndexes:
    """A sealed segment's indexes from its batches, as far as they can be read; raises KafkaStorageError."""
    indexes = SegmentIndexes(base_offset)
    next_offset = base_offset
    try:
        for span in walk_batches(file, 0, size_bytes, FAR_BYTES):
            _check_offsets(file, span, base_offset, next_offset)
            next_offset = span.last_offset + 1
            indexes.note(
                span.last_offset, span.position, span.size_bytes, span.max_timestamp_ms, interval_bytes
            )
    except CorruptMessageError as error:
        logger.error("%s; the records after it cannot be served", error.message)
    indexes.finish()
    return indexes


def _check_offsets(file: OpenFile, span: BatchSpan, base_offset: int, next_offset: int) -> None:
    """An index rises, and its offsets have 31 bits."""
    if not next_offset <= span.base_offset <= span.last_offset <= base_offset + RELATIVE_OFFSET_MAX:
        found = f"offsets {span.base_offset} to {span.last_offset}"
        raise no_batch(file, span.position, f"{found} come before {next_offset} or too long after it")
