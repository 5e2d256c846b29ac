"""A segment: a stretch of the log in one .log file, with its two indexes beside it.

    <partition>/
        00000000000000170210.log          +-----------+-----------+-----+-----------+
                                          | batch     | batch     | ... | batch     |   end to end
                                          +-----------+-----------+-----+-----------+
                                          ^ offset 170210 or later      size_bytes  ^
        00000000000000170210.index        offset index, see offset_index.py
        00000000000000170210.timeindex    time index, see time_index.py

The name is the base offset: no record in it has a smaller one, and none has one that reaches the next
segment's. Offsets rise from batch to batch; after compaction there are gaps, within batches, between them and
at both ends of a segment. Only the last segment, the active one, is written to; the others are sealed. While
files come or go they carry one more suffix (`.cleaned`, `.swap`, `.deleted`, `.broken`), by which a start
after a crash knows what they are. Source: org.apache.kafka.storage.internals.log.LogSegment and LogFileUtils.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quekka.formats.record_batch import iter_records, read_header
from quekka.formats.segment_name import INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, format_segment_name
from quekka.storage.batch_walk import FAR_BYTES, BatchSpan, find_batch, no_batch, walk_batches
from quekka.storage.decompression_slots import decompression_slot
from quekka.storage.file_cache import CachedFile, OpenFile
from quekka.storage.offset_index import OffsetSearch
from quekka.storage.time_index import TimeSearch


@dataclass(frozen=True, slots=True)
class SegmentPaths:
    """The names of one segment's files.

    Threads: any; immutable.
    """

    log: Path
    index: Path
    time_index: Path

    @classmethod
    def of(cls, directory: Path, base_offset: int, suffix: str = "") -> "SegmentPaths":
        """The names in `directory`; `suffix` for files that are not, or no longer, part of the log."""
        return cls(
            *(
                directory / (format_segment_name(base_offset, kind) + suffix)
                for kind in (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX)
            )
        )

    def __iter__(self) -> Iterator[Path]:
        """All three, the .log first."""
        return iter((self.log, self.index, self.time_index))


class SegmentView:
    """A segment as a view shows it: what of it can be read, and how to find a place in it.

    Constant: `base_offset`, `next_offset` (all records are before it), `size_bytes` (what there is to read).

    Threads: any.
    """

    __slots__ = ("base_offset", "log_file", "next_offset", "path", "size_bytes")

    def __init__(
        self, path: Path, base_offset: int, next_offset: int, size_bytes: int, log_file: CachedFile[OpenFile]
    ) -> None:
        self.path = path
        self.base_offset = base_offset
        self.next_offset = next_offset
        self.size_bytes = size_bytes
        self.log_file = log_file

    @property
    def max_timestamp_ms(self) -> int:
        """The largest timestamp of its records; -1 where none has one."""
        raise NotImplementedError

    def modified_ms(self) -> int:
        """When its file was last written; raises KafkaStorageError."""
        return self.log_file.get().modified_ms()

    def offset_index(self) -> OffsetSearch:
        """Its offset index, as far as this view goes."""
        raise NotImplementedError

    def time_index(self) -> TimeSearch:
        """Its time index, as far as this view goes."""
        raise NotImplementedError

    def locate(self, offset: int, max_bytes: int) -> tuple[int, int] | None:
        """Position and size of whole batches, from the one that holds `offset` or, in a gap, the next one.

        At least one batch, then as many as end within `max_bytes`: to the last one that the index knows, or,
        where it knows none, counted. None if the segment ends before `offset`. Raises CorruptMessageError,
        KafkaStorageError, OSError.
        """
        index = self.offset_index()
        file = self.log_file.get()
        first = find_batch(file, index.floor(offset - self.base_offset), self.size_bytes, offset)
        if first is None:
            return None
        if first.last_offset >= self.next_offset:
            found = f"offsets {first.base_offset} to {first.last_offset}"
            raise no_batch(file, first.position, f"{found}, though the segment ends at {self.next_offset}")
        start, limit = first.position, first.position + max_bytes
        if limit >= self.size_bytes:
            return start, self.size_bytes - start
        end = index.floor_position(limit)
        if end <= first.end_position:
            end = _end_of_whole_batches(file, first, self.size_bytes, limit)
        return start, end - start

    def find_timestamp(self, timestamp_ms: int, from_offset: int) -> tuple[int, int] | None:
        """Offset and timestamp of the first record at or after both; None where there is none.

        Raises CorruptMessageError, KafkaStorageError, UnsupportedCompressionTypeError, OSError.
        """
        relative_offset = max(self.time_index().floor(timestamp_ms), from_offset - self.base_offset)
        position = self.offset_index().floor(relative_offset)
        file = self.log_file.get()
        for span in walk_batches(file, position, self.size_bytes, FAR_BYTES):
            if span.max_timestamp_ms < timestamp_ms or span.last_offset < from_offset:
                continue
            batch = file.read(span.position, span.size_bytes)
            with decompression_slot(read_header(batch).codec):
                for record in iter_records(batch, from_offset=from_offset):
                    if record.timestamp_ms >= timestamp_ms:
                        return record.offset, record.timestamp_ms
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path.name} to {self.next_offset}, {self.size_bytes} bytes>"


def _end_of_whole_batches(file: OpenFile, first: BatchSpan, size_bytes: int, limit: int) -> int:
    end = first.end_position
    if end < limit:
        for span in walk_batches(file, end, size_bytes):
            if span.end_position > limit:
                break
            end = span.end_position
    return end
