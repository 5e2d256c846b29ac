"""The segment that is written, and what a view shows of it.

The .log file is open while there is something in it that is not on the disk yet; a partition nobody writes to
holds no descriptor. The indexes are in memory and follow to their files at flush, roll and close (see
offset_index.py).
"""

from pathlib import Path
from typing import NamedTuple

from quekka.errors import KafkaStorageError
from quekka.formats import Buffer
from quekka.formats.index_entry import OFFSET_ENTRY_BYTES, RELATIVE_OFFSET_MAX, TIME_ENTRY_BYTES
from quekka.storage.file_cache import CachedFile, OpenFile
from quekka.storage.log_config import LogConfig
from quekka.storage.log_context import LogContext
from quekka.storage.offset_index import OffsetIndex, OffsetIndexView, OffsetSearch
from quekka.storage.recent_batches import RecentBatches
from quekka.storage.sealed_segment import SealedSegment
from quekka.storage.segment import SegmentPaths, SegmentView
from quekka.storage.segment_indexes import IndexMark, SegmentIndexes
from quekka.storage.time_index import TimeIndex, TimeIndexView, TimeSearch


class ActiveSegmentView(SegmentView):
    """The active segment as it was at one publication.

    It shares the index columns with the writer, but looks only at the rows that were there.

    Threads: any; immutable.
    """

    __slots__ = (
        "_max_timestamp_ms",
        "_offset_entries",
        "_offset_index",
        "_recent",
        "_recent_count",
        "_time_entries",
        "_time_index",
    )

    def __init__(self, segment: "ActiveSegment") -> None:
        """Made for every publication, so it copies references and counts, and nothing else."""
        indexes = segment.indexes
        self.path = segment.paths.log
        self.base_offset = segment.base_offset
        self.next_offset = segment.next_offset
        self.size_bytes = segment.size_bytes
        self.log_file = segment.log_file
        self._max_timestamp_ms = indexes.max_timestamp_ms
        self._offset_index = indexes.offset_index
        self._offset_entries = indexes.offset_index.count
        self._time_index = indexes.time_index
        self._time_entries = indexes.time_index.count
        self._recent = segment.recent
        self._recent_count = segment.recent.count

    @property
    def max_timestamp_ms(self) -> int:
        return self._max_timestamp_ms

    def offset_index(self) -> OffsetSearch:
        return OffsetIndexView(self._offset_index, self._offset_entries)

    def time_index(self) -> TimeSearch:
        return TimeIndexView(self._time_index, self._time_entries)

    def locate(self, offset: int, max_bytes: int) -> tuple[int, int] | None:
        recent = self._recent
        row = recent.find(self._recent_count, offset)
        if row < 0:
            return super().locate(offset, max_bytes)
        start = recent.positions[row]
        return start, recent.end_of_whole_batches(self._recent_count, row, self.size_bytes, max_bytes) - start


class SegmentMark(NamedTuple):
    """How far a segment was, to come back to when an append fails.

    Threads: any; immutable.
    """

    size_bytes: int
    next_offset: int
    first_timestamp_ms: int
    indexes: IndexMark
    recent: RecentBatches
    recent_count: int
    offset_entries_written: int
    time_entries_written: int


class ActiveSegment:
    """A segment that takes batches.

    Adding one and writing its bytes are two steps, so that many go in one writev.

    Threads: the topic's writer only; `view()` hands out what others may read.
    """

    def __init__(self, context: LogContext, base_offset: int) -> None:
        self._context = context
        self.paths = SegmentPaths.of(context.directory, base_offset)
        self.log_file: CachedFile[OpenFile] = context.file_cache.log_file(self.paths.log)
        self.base_offset = base_offset
        self.next_offset = base_offset
        self.size_bytes = 0
        self.synced_bytes = 0
        """How much of the .log file is known to be on the disk."""
        self.first_timestamp_ms = -1
        """Largest timestamp of the first batch: from it on counts segment.ms."""
        self.created_ms = context.clock.wall_ms()
        self.indexes = SegmentIndexes(base_offset)
        self.recent = RecentBatches()
        self._open_log: OpenFile | None = None
        self._unsynced_files: tuple[OpenFile, ...] = ()
        """Other files than the .log."""
        self._offset_entries_written = 0
        self._time_entries_written = 0

    @classmethod
    def create(cls, context: LogContext, base_offset: int) -> "ActiveSegment":
        """An empty segment with its three files; raises OSError and leaves none of them."""
        segment = cls(context, base_offset)
        files = context.files
        try:
            segment._open_log = OpenFile(files, segment.paths.log, files.create(segment.paths.log))
            for path in (segment.paths.index, segment.paths.time_index):
                # One left by a deletion that failed half-way belongs to no log any more.
                if files.exists(path):
                    files.unlink(path)
                files.close(files.create(path))
        except FileExistsError:
            raise
        except OSError:
            segment.discard()
            raise
        context.file_cache.adopt(segment.log_file, segment._open_log)
        return segment

    # Taking batches

    def must_roll(self, config: LogConfig, size_bytes: int, last_offset: int, max_timestamp_ms: int) -> bool:
        """Whether a batch belongs in a new segment (source: LogSegment.shouldRoll)."""
        if self.size_bytes == 0:
            return False
        if self.size_bytes + size_bytes > config.segment_bytes:
            return True
        if last_offset - self.base_offset > RELATIVE_OFFSET_MAX:
            return True
        if max_timestamp_ms >= 0 and self.first_timestamp_ms >= 0:
            waited_ms = max_timestamp_ms - self.first_timestamp_ms
        else:
            waited_ms = self._context.clock.wall_ms() - self.created_ms
        return waited_ms > config.segment_ms or self.has_full_index(config.segment_index_bytes)

    def has_full_index(self, segment_index_bytes: int) -> bool:
        """Whether no entry would fit in one of the indexes any more."""
        return (
            self.indexes.offset_index.count >= segment_index_bytes // OFFSET_ENTRY_BYTES
            or self.indexes.time_index.count >= segment_index_bytes // TIME_ENTRY_BYTES
        )

    def add(self, next_offset: int, size_bytes: int, max_timestamp_ms: int, interval_bytes: int) -> None:
        """Count in a batch whose bytes are in the file or come there with the next `write`."""
        position = self.size_bytes
        if position == 0:
            self.first_timestamp_ms = max_timestamp_ms
        last_offset = next_offset - 1
        self.indexes.note(last_offset, position, size_bytes, max_timestamp_ms, interval_bytes)
        self.recent = self.recent.append(last_offset, position)
        self.size_bytes = position + size_bytes
        self.next_offset = next_offset

    def write(self, buffers: list[Buffer]) -> None:
        """Append bytes to the .log file; raises OSError, after which some of them may be there."""
        if not buffers:
            return
        file = self._open_log or self._open_for_append(self.size_bytes - sum(map(len, buffers)))
        self._context.files.write_all(file.fileno, buffers)

    def mark(self) -> SegmentMark:
        """Where the segment is now, for `restore`."""
        return SegmentMark(
            self.size_bytes,
            self.next_offset,
            self.first_timestamp_ms,
            self.indexes.mark(),
            self.recent,
            self.recent.count,
            self._offset_entries_written,
            self._time_entries_written,
        )

    def restore(self, mark: SegmentMark) -> None:
        """Forget all that came after `mark`; none of it may have been published. `cut_files` follows."""
        self.size_bytes, self.next_offset, self.first_timestamp_ms = mark[:3]
        self.indexes.restore(mark.indexes)
        self.recent = mark.recent
        self.recent.truncate(mark.recent_count)
        self._offset_entries_written = mark.offset_entries_written
        self._time_entries_written = mark.time_entries_written

    def cut_files(self) -> None:
        """Make the files as long as they should be. Raises OSError."""
        if self._open_log is not None:
            self._context.files.ftruncate(self._open_log.fileno, self.size_bytes)
        for path, size_bytes in (
            (self.paths.index, self._offset_entries_written * OFFSET_ENTRY_BYTES),
            (self.paths.time_index, self._time_entries_written * TIME_ENTRY_BYTES),
        ):
            if self._context.files.size(path) > size_bytes:
                self._truncate(path, size_bytes)

    def discard(self) -> None:
        """Remove the files of a segment that was never published. Raises OSError."""
        self.log_file.forget()
        self._open_log = None
        for path in self.paths:
            if self._context.files.exists(path):
                self._context.files.unlink(path)

    def view(self) -> ActiveSegmentView:
        """What readers may see of it now."""
        return ActiveSegmentView(self)

    # Sealing and bringing to disk

    def seal(self) -> SealedSegment:
        """The segment as one that is not written any more, with complete index files; raises OSError."""
        self.indexes.finish()
        self.write_indexes()
        return SealedSegment(
            self._context,
            self.base_offset,
            self.next_offset,
            self.size_bytes,
            self.log_file,
            self.indexes.max_timestamp_ms,
        )

    def write_indexes(self) -> None:
        """Bring the index files up to what is in memory; raises OSError, and the next call makes good."""
        offset_index, time_index = self.indexes.offset_index, self.indexes.time_index
        if offset_index.count > self._offset_entries_written:
            written = self._offset_entries_written
            self._append(self.paths.index, written * OFFSET_ENTRY_BYTES, offset_index.encode(written))
            self._offset_entries_written = offset_index.count
        if time_index.count > self._time_entries_written:
            written = self._time_entries_written
            self._append(self.paths.time_index, written * TIME_ENTRY_BYTES, time_index.encode(written))
            self._time_entries_written = time_index.count

    def rewrite_indexes(self) -> None:
        """Replace the index files, whatever was in them; raises OSError."""
        files = self._context.files
        files.replace_file(self.paths.index, self.indexes.offset_index.encode(0), durable=False)
        files.replace_file(self.paths.time_index, self.indexes.time_index.encode(0), durable=False)
        self.indexes_are_written()

    def resume(self, offset_index: OffsetIndex, time_index: TimeIndex, first_timestamp_ms: int) -> None:
        """Go on with indexes as they stand in the files; the last entry's batch is the next to add."""
        self.indexes = SegmentIndexes.resumed(self.base_offset, offset_index, time_index)
        self.indexes_are_written()
        self.first_timestamp_ms = first_timestamp_ms
        self.size_bytes = offset_index.positions[-1] if offset_index.count else 0

    def indexes_are_written(self) -> None:
        """The index files hold what is in memory."""
        self._offset_entries_written = self.indexes.offset_index.count
        self._time_entries_written = self.indexes.time_index.count

    def unsynced_files(self) -> tuple[OpenFile, ...]:
        """The files to sync before all of the segment is on the disk; its indexes were written."""
        log_files = () if self._open_log is None else (self._open_log,)
        return log_files + self._unsynced_files

    def sync_also(self, file: OpenFile) -> None:
        """Have a file that goes with the segment synced when the segment is."""
        self._unsynced_files += (file,)

    def was_synced(self, synced_bytes: int, synced_files: tuple[OpenFile, ...]) -> None:
        """Let go of files that were synced when the segment had `synced_bytes`."""
        self.synced_bytes = max(self.synced_bytes, synced_bytes)
        if self.synced_bytes == self.size_bytes:
            self._open_log = None
        self._unsynced_files = tuple(file for file in self._unsynced_files if file not in synced_files)

    def let_go(self) -> None:
        """Close what is held open for writing, synced or not."""
        self._open_log = None
        self._unsynced_files = ()

    def _open_for_append(self, expected_bytes: int) -> OpenFile:
        files = self._context.files
        file = OpenFile(files, self.paths.log, files.open_append(self.paths.log))
        actual_bytes = files.size_of(file.fileno)
        if actual_bytes != expected_bytes:
            raise KafkaStorageError(
                f"{self.paths.log} has {actual_bytes} bytes instead of {expected_bytes}: "
                "changed by another process"
            )
        self._context.file_cache.adopt(self.log_file, file)
        self._open_log = file
        return file

    def _append(self, path: Path, size_bytes: int, data: bytes) -> None:
        """Add `data` to an index file that should have `size_bytes`."""
        files = self._context.files
        file = OpenFile(files, path, files.open_append(path))
        if files.size_of(file.fileno) > size_bytes:
            files.ftruncate(file.fileno, size_bytes)  # left by a try that failed half-way
        files.write_all(file.fileno, [data])
        self.sync_also(file)

    def _truncate(self, path: Path, size_bytes: int) -> None:
        files = self._context.files
        file = OpenFile(files, path, files.open_append(path))
        files.ftruncate(file.fileno, size_bytes)
