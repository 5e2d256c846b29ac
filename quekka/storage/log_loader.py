"""Opening a partition's log: from the files in its directory to segments that can be read and written.

1. The directory is put in order (directory_sweep.py): replacements finished, leftovers removed.
2. Sealed segments before the recovery point are taken as they are; a missing index is made again. Where one
   ends before the next one begins, records are gone, and a log line says so; readers pass over them.
3. After a clean stop the last segment is resumed (segment_recovery.py); what does not fit there makes it
   recovered.
4. After a crash every segment from the one that holds the recovery point on is checked. Where one is cut, or
   ends before the next one begins, the log ends: a disk may have kept later writes and lost earlier ones. The
   segments after it are set aside as `.broken`, since without what was before them they are no log.
   A recovery point beyond the log end is not believed: then the last segment is checked as a whole.
5. If the log start offset lies beyond all of that (records were deleted, and then the rest was lost), the log
   goes on with a new segment there, so that no offset is given out twice.
6. After a clean stop it is known where the log ended. Where it ends earlier now, the offsets that are missing
   may have been read by consumers, who would pass over other records with them: an empty batch, as compaction
   leaves them, takes them up. One that has no room in the segment is not written, and the end not believed.
   Kafka leaves this to the leader's replicas, and gives the offsets out again where there are none.
7. What is known of producers is loaded (producer_loader.py).
"""

import logging
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats.index_entry import RELATIVE_OFFSET_MAX
from quekka.formats.segment_name import OFFSET_MAX
from quekka.storage.active_segment import ActiveSegment
from quekka.storage.batch_filter import missing_batch
from quekka.storage.damage_scan import offset_before_name
from quekka.storage.directory_sweep import set_aside, sweep_directory
from quekka.storage.file_cache import OpenFile
from quekka.storage.log_context import LogContext
from quekka.storage.producer_loader import load_producers
from quekka.storage.producer_snapshots import ProducerSnapshots
from quekka.storage.producer_state import ProducerState
from quekka.storage.sealed_segment import SealedSegment
from quekka.storage.segment import SegmentPaths
from quekka.storage.segment_recovery import (
    Progress,
    RecoveredSegment,
    check_sealed_segment,
    recover_segment,
    resume_segment,
)
from quekka.storage.time_index import NO_TIMESTAMP

logger = logging.getLogger(__name__)


def no_progress(path: Path, checked_bytes: int, bytes_to_check: int) -> None:
    """For who does not want to be told."""


class LoadedLog(NamedTuple):
    """What was found on the disk.

    Threads: the one that opens the log.
    """

    sealed: tuple[SealedSegment, ...]
    active: ActiveSegment
    log_start_offset: int
    producers: ProducerState
    snapshots: ProducerSnapshots


class LogLoader:
    """Loads one log, once.

    Threads: the one that opens the log.
    """

    def __init__(
        self,
        context: LogContext,
        interval_bytes: int,
        recovery_point: int | None,
        progress: Progress = no_progress,
    ) -> None:
        self._context = context
        self._interval_bytes = interval_bytes
        self._recovery_point = recovery_point
        self._progress = progress
        self._log_start_offset = 0

    def load(self, log_start_offset: int, clean_end_offset: int = 0) -> LoadedLog:
        """The log, ready for a writer; after a clean stop it ended at `clean_end_offset`, as far as is known.

        Raises KafkaStorageError, CorruptMessageError, OSError.
        """
        context = self._context
        if not context.files.is_directory(context.directory):
            logger.warning("%s is made anew: there was no such directory", context.directory)
            context.files.makedirs(context.directory)
        self._log_start_offset = log_start_offset
        base_offsets, snapshot_offsets = sweep_directory(context.files, context.directory)
        sealed, active = self._load_segments(base_offsets, log_start_offset)
        if active.next_offset < clean_end_offset:
            self._pass_over_missing(active, clean_end_offset)
        snapshots = ProducerSnapshots(context, snapshot_offsets)
        producers = load_producers(context, snapshots, sealed, active, self._recovery_point)
        first_offset = sealed[0].base_offset if sealed else active.base_offset
        return LoadedLog(tuple(sealed), active, max(log_start_offset, first_offset), producers, snapshots)

    def _load_segments(
        self, base_offsets: list[int], log_start_offset: int
    ) -> tuple[list[SealedSegment], ActiveSegment]:
        context = self._context
        base_offsets = self._without_misnamed(base_offsets)
        if not base_offsets:
            return [], ActiveSegment.create(context, log_start_offset)
        if self._recovery_point is None and log_start_offset < base_offsets[0]:
            # After a crash a deletion may not have come to write down how far it went.
            logger.error(
                "%s begins at offset %d, though its log start offset is %d: the records between are gone",
                context.directory, base_offsets[0], log_start_offset,
            )  # fmt: skip
        if self._recovery_point is None:
            sealed, active = self._load_clean(base_offsets)
        else:
            sealed, active = self._load_after_crash(base_offsets, self._recovery_point)
        if log_start_offset > active.next_offset:
            logger.warning(
                "%s ends at offset %d, before its log start offset %d: going on there",
                context.directory, active.next_offset, log_start_offset,
            )  # fmt: skip
            if active.size_bytes:
                sealed.append(self._seal(active))
            else:
                active.discard()
            active = ActiveSegment.create(context, log_start_offset)
        return sealed, active

    def _pass_over_missing(self, active: ActiveSegment, end_offset: int) -> None:
        directory = self._context.directory
        has_room = end_offset - 1 - active.base_offset <= RELATIVE_OFFSET_MAX
        logger.error(
            "%s ends at offset %d, but at the last stop it ended at %d: records are gone, %s",
            directory, active.next_offset, end_offset,
            "and new ones come after them" if has_room else "unless that is wrong, as it is too far away",
        )  # fmt: skip
        if not has_room:
            return
        batch = missing_batch(active.next_offset, end_offset)
        active.add(end_offset, len(batch), NO_TIMESTAMP, self._interval_bytes)
        active.write([batch])
        files = active.unsynced_files()
        for file in files:
            self._context.files.fdatasync(file.fileno)
        for path in (directory, directory.parent):
            self._context.files.fsync_directory(path)
        active.was_synced(active.size_bytes, files)

    def _without_misnamed(self, base_offsets: list[int]) -> list[int]:
        """A copy of a segment under a later name would take the log's end to there."""
        files = self._context.files
        for number in range(len(base_offsets) - 1, 0, -1):
            path = SegmentPaths.of(self._context.directory, base_offsets[number]).log
            file = OpenFile(files, path, files.open_read(path))
            begins = offset_before_name(file, files.size_of(file.fileno), base_offsets[number])
            if begins is None:
                return base_offsets[: number + 1]
            logger.error("%s begins at offset %d: its name is wrong", path, begins)
            self._set_aside([base_offsets[number]])
        return base_offsets[:1]

    def _load_clean(self, base_offsets: list[int]) -> tuple[list[SealedSegment], ActiveSegment]:
        last = base_offsets[-1]
        sealed = self._sealed(base_offsets, after_crash=False)
        try:
            return sealed, resume_segment(self._context, last, self._interval_bytes)
        except CorruptMessageError as error:
            logger.warning("%s, though the stop was clean; checking the segment", error.message)
            return sealed, self._recover(last, OFFSET_MAX, last).segment

    def _load_after_crash(
        self, base_offsets: list[int], recovery_point: int
    ) -> tuple[list[SealedSegment], ActiveSegment]:
        first = max(0, bisect_right(base_offsets, recovery_point) - 1)
        sealed = self._sealed(base_offsets[: first + 1], after_crash=True)
        for number, base_offset in enumerate(base_offsets[first:], first):
            later = base_offsets[number + 1 :]
            recovered = self._recover(base_offset, later[0] if later else OFFSET_MAX, recovery_point)
            if not later:
                break
            self._report_gap(base_offset, recovered.segment.next_offset, later[0])
            if recovered.cut_bytes or recovered.segment.next_offset < later[0] > self._log_start_offset:
                self._set_aside(later)
                break
            sealed.append(self._seal(recovered.segment))
        for directory in (self._context.directory, self._context.directory.parent):
            self._context.files.fsync_directory(directory)
        if recovered.segment.next_offset < recovery_point:
            logger.warning(
                "%s ends at offset %d, before its recovery point %d: synced records are gone",
                self._context.directory, recovered.segment.next_offset, recovery_point,
            )  # fmt: skip
            recovered = self._recover(base_offset, OFFSET_MAX, base_offset)  # so it cannot be trusted either
        return sealed, recovered.segment

    def _recover(self, base_offset: int, end_offset: int, recovery_point: int) -> RecoveredSegment:
        recovered = recover_segment(
            self._context, base_offset, end_offset, recovery_point, self._interval_bytes, self._progress
        )
        logger.info(
            "%s: recovered up to offset %d, %d bytes",
            recovered.segment.paths.log, recovered.segment.next_offset, recovered.segment.size_bytes,
        )  # fmt: skip
        return recovered

    def _sealed(self, base_offsets: list[int], *, after_crash: bool) -> list[SealedSegment]:
        """All but the last of these segments, as they are; the last only says where the others end."""
        sealed = []
        for base_offset, next_offset in pairwise(base_offsets):
            size_bytes, end_offset = check_sealed_segment(
                self._context, base_offset, self._interval_bytes, after_crash=after_crash
            )
            sealed.append(SealedSegment(self._context, base_offset, next_offset, size_bytes))
            if end_offset is not None:
                self._report_gap(base_offset, end_offset, next_offset)
        return sealed

    def _report_gap(self, base_offset: int, end_offset: int, next_offset: int) -> None:
        """Also a compacted segment ends where the next one begins: its last batch stays, empty if need be."""
        path = SegmentPaths.of(self._context.directory, base_offset).log
        if end_offset < next_offset and self._log_start_offset < next_offset:
            logger.error(
                "%s ends at offset %d, the next segment begins at %d: the records between are gone",
                path, end_offset, next_offset,
            )  # fmt: skip
        elif end_offset > next_offset:
            logger.error(
                "%s goes on to offset %d, though another segment begins at %d", path, end_offset, next_offset
            )

    def _seal(self, segment: ActiveSegment) -> SealedSegment:
        """With its last index entry on the disk, as a later recovery may take it for synced."""
        sealed = segment.seal()
        for file in segment.unsynced_files():
            self._context.files.fdatasync(file.fileno)
        return sealed

    def _set_aside(self, base_offsets: list[int]) -> None:
        files = self._context.files
        for base_offset in base_offsets:
            paths = SegmentPaths.of(self._context.directory, base_offset)
            kept = set_aside(files, paths.log)
            logger.warning("%s does not go on where the log ends, and is kept as %s", paths.log, kept)
            for path in (paths.index, paths.time_index):
                if files.exists(path):
                    files.unlink(path)
