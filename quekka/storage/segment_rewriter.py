"""Writing one cleaned segment from some neighbouring ones.

    <base>.log          .index          .timeindex            of the first old segment; more come after it
    <base>.log.cleaned  .index.cleaned  .timeindex.cleaned    written here; segment_replacement.py goes on

Kept, besides the records that no later one of their key supersedes:

- Tombstones, for delete.retention.ms after the first pass that saw them, so that readers learn of the
deletion.
- Batches in which nothing was to do, byte for byte, and control batches.
- The last batch of the segment, empty if need be, since its offsets tell where the segment ends.
- The last batch of each producer that was active within a day, empty if need be, since its sequence is in it.

Records without a key go, as in Kafka. Source: org.apache.kafka.storage.internals.log.Cleaner, cleanInto.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quekka.errors import CorruptMessageError
from quekka.formats import Buffer
from quekka.formats.record_batch import BatchHeader, read_header, verify_crc
from quekka.storage.batch_filter import CheckDone, RecordFilter, empty_batch, go_on
from quekka.storage.batch_reader import CHUNK_BYTES, BatchBytes, read_batches
from quekka.storage.files import Files
from quekka.storage.key_offsets import KeyOffsets
from quekka.storage.log_config import LogConfig
from quekka.storage.segment import SegmentPaths, SegmentView
from quekka.storage.segment_indexes import SegmentIndexes
from quekka.storage.segment_replacement import CLEANED_SUFFIX

logger = logging.getLogger(__name__)

PRODUCER_EXPIRATION_MS = 24 * 60 * 60 * 1000
"""How long a producer's sequence is worth an empty batch: Kafka's producer.id.expiration.ms."""


class SegmentRewriter:
    """Makes one cleaned segment.

    Threads: the cleaner's.
    """

    def __init__(
        self,
        files: Files,
        directory: Path,
        config: LogConfig,
        keys: KeyOffsets,
        now_ms: int,
        check_done: CheckDone = go_on,
    ) -> None:
        """`check_done` is called before every batch and between pieces of one."""
        self._files = files
        self._directory = directory
        self._interval_bytes = config.index_interval_bytes
        self._keys = keys
        self._now_ms = now_ms
        self._filter = RecordFilter(
            self._keeps, now_ms, config.delete_retention_ms, keys.latest_offset + 1, check_done
        )
        self._check_done = check_done
        self._has_changed = False
        self._size_bytes = 0

    def rewrite(self, group: tuple[SegmentView, ...]) -> bool:
        """Write the cleaned files, durably; False, and none are left, when nothing was to be done.

        Raises OSError, KafkaStorageError, CorruptMessageError naming file and position,
        UnsupportedCompressionTypeError, and what `check_done` raises; then none are left either.
        """
        paths = SegmentPaths.of(self._directory, group[0].base_offset, CLEANED_SUFFIX)
        self._has_changed = len(group) > 1
        self._remove(paths)
        try:
            self._write(group, paths)
        except BaseException:
            self._remove(paths)
            raise
        if not self._has_changed:
            self._remove(paths)
            return False
        old_bytes = sum(segment.size_bytes for segment in group)
        logger.info(
            "%s: %d segments cleaned, of %d bytes to %d",
            group[0].path,
            len(group),
            old_bytes,
            self._size_bytes,
        )
        return True

    def _write(self, group: tuple[SegmentView, ...], paths: SegmentPaths) -> None:
        indexes = SegmentIndexes(group[0].base_offset)
        log_path, offset_index_path, time_index_path = paths
        fd = self._files.create(log_path)
        try:
            for buffers in _chunks(self._cleaned(group, indexes)):
                self._files.write_all(fd, buffers)
            self._files.fdatasync(fd)
        finally:
            self._files.close(fd)
        indexes.finish()
        self._files.replace_file(offset_index_path, indexes.offset_index.encode(0), durable=False)
        self._files.replace_file(time_index_path, indexes.time_index.encode(0), durable=False)
        self._files.fsync_directory(self._directory)

    def _cleaned(self, group: tuple[SegmentView, ...], indexes: SegmentIndexes) -> Iterator[Buffer]:
        """The batches of the new segment, each noted in the indexes."""
        last_of_producer = self._last_of_producers(group)
        for segment in group:
            for batch in checked_batches(segment, self._check_done):
                header = batch.header
                ends_group = segment is group[-1] and batch.position + len(batch.data) == segment.size_bytes
                is_needed = ends_group or last_of_producer.get(header.producer_id) == header.last_offset
                with naming_damage(segment, batch):
                    data = self._cleaned_batch(header, batch.data, is_needed=is_needed)
                if data is None:
                    continue
                timestamp_ms = read_header(data).max_timestamp_ms
                indexes.note(
                    header.last_offset, self._size_bytes, len(data), timestamp_ms, self._interval_bytes
                )
                self._size_bytes += len(data)
                yield data

    def _cleaned_batch(self, header: BatchHeader, data: memoryview, *, is_needed: bool) -> Buffer | None:
        if header.is_control or header.base_offset > self._keys.latest_offset:
            return data
        if header.records_count == 0:
            self._has_changed |= not is_needed
            return data if is_needed else None
        cleaned = self._filter.apply(header, data)
        if cleaned is data:
            return data
        self._has_changed = True
        return empty_batch(header) if cleaned is None and is_needed else cleaned

    def _keeps(self, key: bytes | None, offset: int) -> bool:
        return key is not None and not self._keys.is_superseded(key, offset)

    def _last_of_producers(self, group: tuple[SegmentView, ...]) -> dict[int, int]:
        """Producer id to the last offset of its last batch, of those whose sequences still count."""
        found = {}
        for segment in group:
            for batch in read_batches(segment.log_file.get(), 0, segment.size_bytes):
                self._check_done()
                header = batch.header
                if (
                    header.producer_id >= 0
                    and self._now_ms - header.max_timestamp_ms < PRODUCER_EXPIRATION_MS
                ):
                    found[header.producer_id] = header.last_offset
        return found

    def _remove(self, paths: SegmentPaths) -> None:
        for path in paths:
            if self._files.exists(path):
                self._files.unlink(path)


def checked_batches(segment: SegmentView, check_done: CheckDone = go_on) -> Iterator[BatchBytes]:
    """A segment's batches, each with a right CRC-32C.

    Raises CorruptMessageError naming file and position, and what `check_done` raises before a batch.
    """
    for batch in read_batches(segment.log_file.get(), 0, segment.size_bytes):
        check_done()
        with naming_damage(segment, batch):
            verify_crc(batch.data, 0, batch.header)
        yield batch


@contextmanager
def naming_damage(segment: SegmentView, batch: BatchBytes) -> Iterator[None]:
    """Let what is wrong with a batch say where the batch is."""
    try:
        yield
    except CorruptMessageError as error:
        raise CorruptMessageError(
            f"{segment.path}: byte {batch.position}: {error.message.removeprefix('byte 0: ')}"
        ) from None


def _chunks(batches: Iterator[Buffer]) -> Iterator[list[Buffer]]:
    """Batches in lists of about CHUNK_BYTES: one write each."""
    buffers: list[Buffer] = []
    size_bytes = 0
    for data in batches:
        buffers.append(data)
        size_bytes += len(data)
        if size_bytes >= CHUNK_BYTES:
            yield buffers
            buffers, size_bytes = [], 0
    if buffers:
        yield buffers
