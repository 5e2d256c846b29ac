"""Reading one file of a log and changing nothing: what quekka-dump-log shows and quekka-verify-log compares.

A file is known by its name (formats/segment_name.py); what compaction, deletion and recovery append to a
name (`.cleaned`, `.swap`, `.deleted`, `.broken`, `.broken.1`) does not matter here. Indexes that Kafka laid
out in advance end in zeros, which are no entries; a broker here leaves none, so there zeros are damage.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from quekka.errors import CorruptMessageError
from quekka.formats.index_entry import (
    OFFSET_ENTRY_BYTES,
    TIME_ENTRY_BYTES,
    OffsetIndexEntry,
    TimeIndexEntry,
    decode_offset_entry,
    decode_time_entry,
)
from quekka.formats.record import Record
from quekka.formats.record_batch import BatchHeader, iter_records, verify_crc
from quekka.formats.segment_name import DIGITS, SUFFIXES, SegmentName, parse_segment_name
from quekka.storage.batch_reader import read_batches
from quekka.storage.batch_walk import BatchSpan
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import FILES, Files

Entry = TypeVar("Entry", OffsetIndexEntry, TimeIndexEntry)


class InspectedBatch(NamedTuple):
    """One batch, good or not.

    Threads: any; immutable.
    """

    position: int
    header: BatchHeader
    data: memoryview
    fault: str | None
    """What is wrong with its CRC-32C."""

    def records(self, from_offset: int = 0) -> Iterator[Record]:
        """Its records, decompressed; raises CorruptMessageError, UnsupportedCompressionTypeError and
        MessageTooLargeError as `iter_records` does."""
        return iter_records(self.data, from_offset=from_offset)


def segment_name_of(path: Path) -> SegmentName | None:
    """Base offset and kind of a segment's file, whatever stands behind; None for any other file."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name[DIGITS:].startswith(suffix):
            return parse_segment_name(path.name[: DIGITS + len(suffix)])
    return None


def inspect_log(path: Path, files: Files = FILES) -> Iterator[InspectedBatch]:
    """The batches of a .log file.

    Raises OSError, KafkaStorageError, and CorruptMessageError naming the position where no batch is.
    """
    file = OpenFile(files, path, files.open_read(path))
    for position, header, data in read_batches(file, 0, files.size_of(file.fileno)):
        fault = None
        try:
            verify_crc(data, 0, header)
        except CorruptMessageError as error:
            fault = error.message.removeprefix("byte 0: ")
        yield InspectedBatch(position, header, data, fault)


def inspect_offset_index(
    path: Path, files: Files = FILES, *, may_end_in_zeros: bool = True
) -> Iterator[OffsetIndexEntry]:
    """The entries of an .index file; raises OSError, and CorruptMessageError naming file and byte."""
    return _entries(path, files.read_file(path), OFFSET_ENTRY_BYTES, decode_offset_entry, may_end_in_zeros)


def inspect_time_index(
    path: Path, files: Files = FILES, *, may_end_in_zeros: bool = True
) -> Iterator[TimeIndexEntry]:
    """The entries of a .timeindex file; raises OSError, and CorruptMessageError naming file and byte."""
    return _entries(path, files.read_file(path), TIME_ENTRY_BYTES, decode_time_entry, may_end_in_zeros)


def _entries(
    path: Path,
    data: bytes,
    entry_bytes: int,
    decode: Callable[[bytes, int], Entry],
    may_end_in_zeros: bool,
) -> Iterator[Entry]:
    try:
        for index in range(-(-len(data) // entry_bytes)):
            entry = decode(data, index)
            if not any(entry) and not any(data[index * entry_bytes :]) and len(data) > entry_bytes:
                break
            yield entry
        else:
            return
    except CorruptMessageError as error:
        raise CorruptMessageError(f"{path}: {error.message}") from None
    if not may_end_in_zeros:
        raise CorruptMessageError(f"{path}: nothing but zeros from byte {index * entry_bytes} on")


def offset_index_mismatches(
    entries: Iterable[OffsetIndexEntry], base_offset: int, batches: Iterable[BatchSpan]
) -> Iterator[str]:
    """What in an offset index is not so in the log; `batches` are all of its segment."""
    rows = iter(entries)
    entry = next(rows, None)
    indexed_offset = -1
    for batch in batches:
        while entry is not None and base_offset + entry.relative_offset <= batch.last_offset:
            offset = base_offset + entry.relative_offset
            if (offset, entry.position) != (batch.last_offset, batch.position):
                found = f"ends at offset {batch.last_offset}, position {batch.position}"
                yield f"index entry offset {offset}, position {entry.position}: the batch there {found}"
            elif offset == indexed_offset:
                yield f"index entry offset {offset}, position {entry.position}: there twice"
            indexed_offset = offset
            entry = next(rows, None)
    while entry is not None:
        yield _beyond_the_log(base_offset + entry.relative_offset)
        entry = next(rows, None)


def time_index_mismatches(
    entries: Iterable[TimeIndexEntry],
    base_offset: int,
    batches: Iterable[BatchSpan],
    *,
    is_finished: bool,
) -> Iterator[str]:
    """What in a time index is not so in the log; one that `is_finished` must hold the largest timestamp."""
    rows = iter(entries)
    entry = next(rows, None)
    largest_ms = indexed_ms = -1
    for batch in batches:
        while entry is not None and base_offset + entry.relative_offset <= batch.last_offset:
            offset, indexed_ms = base_offset + entry.relative_offset, entry.timestamp_ms
            if (offset, indexed_ms) != (
                batch.last_offset,
                batch.max_timestamp_ms,
            ) or indexed_ms <= largest_ms:
                found = f"ends at offset {batch.last_offset} with timestamp {batch.max_timestamp_ms}"
                yield (
                    f"index entry timestamp {indexed_ms}, offset {offset}: the batch there {found}, "
                    f"the largest before it is {largest_ms}"
                )
            else:
                largest_ms = indexed_ms
            entry = next(rows, None)
        largest_ms = max(largest_ms, batch.max_timestamp_ms)
    while entry is not None:
        yield _beyond_the_log(base_offset + entry.relative_offset)
        indexed_ms, entry = entry.timestamp_ms, next(rows, None)
    if is_finished and largest_ms > indexed_ms:
        yield f"the last entry has timestamp {indexed_ms}, the log goes up to {largest_ms}"


def _beyond_the_log(offset: int) -> str:
    return f"index entry offset {offset}: the log ends before it"
