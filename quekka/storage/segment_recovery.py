"""Making the last segments of a log ready to be written to, after a clean stop or after a crash.

After a clean stop (`resume_segment`) the files are as they were left: the indexes are read, and the few batch
headers after the last index entry are walked. Anything that does not fit is damage, and then the segment is
recovered.

After a crash (`recover_segment`) what lies before the recovery point was synced and is trusted; from there on
every batch is checked: header, size, ascending offsets, CRC-32C. The segment ends before the first one that
fails. What is cut off is copied to `<segment>.log.broken` first (a numbered name if there is one), because it
may still be worth something to a person. The indexes are written anew from the recovery point on.
"""

import logging
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from quekka.errors import CorruptMessageError, KafkaStorageError
from quekka.formats.index_entry import OFFSET_ENTRY_BYTES, RELATIVE_OFFSET_MAX, TIME_ENTRY_BYTES
from quekka.formats.record_batch import read_header, verify_crc
from quekka.formats.segment_name import OFFSET_MAX
from quekka.storage.active_segment import ActiveSegment
from quekka.storage.batch_walk import FAR_BYTES, BatchSpan, find_batch, no_batch, walk_batches
from quekka.storage.directory_sweep import free_broken_name, set_aside
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import Files
from quekka.storage.index_check import indexes_of_log, offset_index_misfit, time_index_misfit
from quekka.storage.log_context import LogContext
from quekka.storage.offset_index import MappedOffsetIndex, OffsetIndex, OffsetIndexView
from quekka.storage.segment import SegmentPaths
from quekka.storage.time_index import NO_TIMESTAMP, TimeIndex, TimeIndexView

logger = logging.getLogger(__name__)

Progress = Callable[[Path, int, int], None]
"""Told of a recovery now and then: the file, bytes checked so far, bytes to check."""

PROGRESS_BYTES = 256 * 1024 * 1024
"""How much is checked between two reports."""


class RecoveredSegment(NamedTuple):
    """What recovery found of a segment.

    Threads: the one that opens the log.
    """

    segment: ActiveSegment
    cut_bytes: int
    """How many bytes at its end were no batches and were cut off."""


def resume_segment(context: LogContext, base_offset: int, interval_bytes: int) -> ActiveSegment:
    """The last segment after a clean stop; raises CorruptMessageError where it ends in no whole batch."""
    segment = ActiveSegment(context, base_offset)
    _clear_places_of_indexes(context.files, segment.paths)
    file = segment.log_file.get()
    end = context.files.size_of(file.fileno)
    trusted = _resume_indexes(context, segment, file, end, OFFSET_MAX)
    for span in walk_batches(file, segment.size_bytes, end):
        _check_order(file, span, segment, OFFSET_MAX)
        segment.add(span.last_offset + 1, span.size_bytes, span.max_timestamp_ms, interval_bytes)
    if not trusted:
        segment.rewrite_indexes()
    segment.was_synced(end, ())
    return segment


def recover_segment(
    context: LogContext,
    base_offset: int,
    end_offset: int,
    recovery_point: int,
    interval_bytes: int,
    progress: Progress,
) -> RecoveredSegment:
    """A segment after a crash: checked from the recovery point on, cut where that fails, all of it on the
    disk.

    No record of it may have `end_offset` or a larger offset. Raises KafkaStorageError, OSError.
    """
    segment = ActiveSegment(context, base_offset)
    _clear_places_of_indexes(context.files, segment.paths)
    file = OpenFile(context.files, segment.paths.log, context.files.open_append(segment.paths.log))
    end = context.files.size_of(file.fileno)
    _resume_indexes(context, segment, file, end, recovery_point)
    damage = _check_batches(segment, file, end, end_offset, recovery_point, interval_bytes, progress)
    if damage is not None:
        logger.warning("%s; cut there, %d bytes", damage.message, end - segment.size_bytes)
        _cut_tail(context.files, file, segment)
    context.files.fdatasync(file.fileno)
    segment.rewrite_indexes()
    segment.was_synced(segment.size_bytes, ())
    return RecoveredSegment(segment, end - segment.size_bytes)


def check_sealed_segment(
    context: LogContext, base_offset: int, interval_bytes: int, *, after_crash: bool
) -> tuple[int, int | None]:
    """Make sure that a sealed segment has indexes; the size of its .log file, and the offset after its last
    record, None where damage hides that.

    Only the end of the .log and the last entry that leads there are looked at; after a crash, all entries.
    One that cannot be read is left to its readers to meet, with a log line. Raises OSError where its size
    cannot be known, or indexes cannot be written.
    """
    paths = SegmentPaths.of(context.directory, base_offset)
    _clear_places_of_indexes(context.files, paths)
    size_bytes = context.files.size(paths.log)
    end_offset = None
    try:
        end_offset = _check_end(context.files, paths, base_offset, size_bytes, interval_bytes, after_crash)
    except KafkaStorageError as error:
        logger.error("damage: %s", error.message)
    return size_bytes, end_offset


def _check_end(
    files: Files,
    paths: SegmentPaths,
    base_offset: int,
    size_bytes: int,
    interval_bytes: int,
    after_crash: bool,
) -> int | None:
    file = OpenFile(files, paths.log, files.open_read(paths.log))
    position, why = 0, _missing_index(files, paths)
    if why is None and after_crash:
        (offset_index, _), why = _read_indexes(files, paths, file, base_offset, size_bytes, OFFSET_MAX)
        position = offset_index.positions[-1] if offset_index.count else 0
    elif why is None:
        position, why = _last_position(files, paths.index, file, base_offset, size_bytes)
    if why is not None:
        logger.warning("%s: making its indexes again: %s", paths.log, why)
        indexes = indexes_of_log(file, base_offset, size_bytes, interval_bytes)
        files.replace_file(paths.index, indexes.offset_index.encode(0), durable=False)
        files.replace_file(paths.time_index, indexes.time_index.encode(0), durable=False)
        position = indexes.offset_index.positions[-1] if indexes.offset_index.count else 0
    return _end_offset(file, base_offset, position, size_bytes)


def _last_position(
    files: Files, path: Path, file: OpenFile, base_offset: int, size_bytes: int
) -> tuple[int, str | None]:
    """Where an .index file's last entry leads, and why that is wrong, if it is; the rest is not read."""
    index = OpenFile(files, path, files.open_read(path))
    last_bytes = min(OFFSET_ENTRY_BYTES, files.size_of(index.fileno))
    entries = MappedOffsetIndex(index.read(files.size_of(index.fileno) - last_bytes, last_bytes))
    why = offset_index_misfit(entries, file, base_offset, size_bytes)
    last = entries.last() if why is None else None
    return 0 if last is None else last.position, why


def _end_offset(file: OpenFile, base_offset: int, position: int, size_bytes: int) -> int | None:
    end_offset = base_offset
    try:
        for span in walk_batches(file, position, size_bytes):
            end_offset = span.last_offset + 1
    except CorruptMessageError as error:
        logger.error("damage: %s", error.message)
        return None
    return end_offset


# Indexes


def _resume_indexes(
    context: LogContext, segment: ActiveSegment, file: OpenFile, end: int, before_offset: int
) -> bool:
    """Have `segment` go on from the last index entry before an offset; False if the files are of no use."""
    indexes, why = _read_indexes(context.files, segment.paths, file, segment.base_offset, end, before_offset)
    if why is not None:
        logger.warning("%s: making its indexes again: %s", segment.paths.log, why)
        return False
    segment.resume(*indexes, _first_timestamp_ms(file, end))
    return True


def _first_timestamp_ms(file: OpenFile, end: int) -> int:
    try:
        first = find_batch(file, 0, end, 0)
    except CorruptMessageError:
        return NO_TIMESTAMP  # damage before the recovery point is for its readers to meet
    return NO_TIMESTAMP if first is None else first.max_timestamp_ms


def _read_indexes(
    files: Files, paths: SegmentPaths, file: OpenFile, base_offset: int, size_bytes: int, before_offset: int
) -> tuple[tuple[OffsetIndex, TimeIndex], str | None]:
    """The entries before an offset, and why they are not those of the .log file, if they are not."""
    offset_index, time_index = OffsetIndex(), TimeIndex()
    why = _missing_index(files, paths)
    if why is None:
        try:
            offset_index = OffsetIndex.decode(files.read_file(paths.index))
            time_index = TimeIndex.decode(files.read_file(paths.time_index))
        except CorruptMessageError as error:
            why = error.message
        except OSError as error:
            why = f"they cannot be read: {error.strerror or error}"
    if why is None:
        offset_index.truncate(bisect_left(offset_index.relative_offsets, before_offset - base_offset))
        time_index.truncate(bisect_left(time_index.relative_offsets, before_offset - base_offset))
        offsets = OffsetIndexView(offset_index, offset_index.count)
        times = TimeIndexView(time_index, time_index.count)
        why = offset_index_misfit(offsets, file, base_offset, size_bytes)
        if why is None and (times.count or before_offset == OFFSET_MAX):
            why = time_index_misfit(times, offsets, file, base_offset, size_bytes)
    return (offset_index, time_index), why


def _clear_places_of_indexes(files: Files, paths: SegmentPaths) -> None:
    """Set aside what no index can be written over."""
    for path in (paths.index, paths.time_index):
        if files.is_directory(path):
            logger.warning("%s is a directory; it is kept as %s", path, set_aside(files, path))


def _missing_index(files: Files, paths: SegmentPaths) -> str | None:
    """What can be said against the index files without opening them."""
    for path, entry_bytes in ((paths.index, OFFSET_ENTRY_BYTES), (paths.time_index, TIME_ENTRY_BYTES)):
        if not files.exists(path):
            return f"{path.name} is missing"
        size_bytes = files.size(path)
        if size_bytes % entry_bytes:
            return f"{path.name} has {size_bytes} bytes, no multiple of {entry_bytes}"
    return None


# Batches


def _check_batches(
    segment: ActiveSegment,
    file: OpenFile,
    end: int,
    end_offset: int,
    recovery_point: int,
    interval_bytes: int,
    progress: Progress,
) -> CorruptMessageError | None:
    """Add batch after batch to `segment`; what is wrong with the first bad one."""
    start = reported = segment.size_bytes
    try:
        for span in walk_batches(file, start, end, FAR_BYTES):
            _check_order(file, span, segment, end_offset)
            if span.last_offset >= recovery_point:
                _check_crc(file, span)
            segment.add(span.last_offset + 1, span.size_bytes, span.max_timestamp_ms, interval_bytes)
            if segment.size_bytes - reported >= PROGRESS_BYTES:
                reported = segment.size_bytes
                logger.info("%s: checked up to byte %d of %d", segment.paths.log, reported, end)
                progress(segment.paths.log, reported - start, end - start)
    except CorruptMessageError as damage:
        return damage
    return None


def _check_order(file: OpenFile, span: BatchSpan, segment: ActiveSegment, end_offset: int) -> None:
    end_offset = min(end_offset, segment.base_offset + RELATIVE_OFFSET_MAX + 1)
    if span.base_offset < segment.next_offset or span.last_offset >= end_offset:
        found = f"offsets {span.base_offset} to {span.last_offset}"
        raise no_batch(
            file, span.position, f"{found} are not within {segment.next_offset} to {end_offset - 1}"
        )


def _check_crc(file: OpenFile, span: BatchSpan) -> None:
    batch = file.read(span.position, span.size_bytes)
    try:
        verify_crc(batch, 0, read_header(batch))
    except CorruptMessageError as error:
        raise no_batch(file, span.position, error.message) from error


def _cut_tail(files: Files, file: OpenFile, segment: ActiveSegment) -> None:
    target = free_broken_name(files, segment.paths.log)
    files.copy_tail(file.fileno, segment.size_bytes, target)
    files.ftruncate(file.fileno, segment.size_bytes)
    logger.warning("%s: what was cut off is kept in %s", segment.paths.log, target)

