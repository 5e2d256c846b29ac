"""The one who changes a partition's log: appends, rolls, flushes, deletes, replaces.

Invariants:

1. One thread at a time calls it, the topic's writer thread. Readers never wait for it, and it never for them.
2. What readers see changes only by the assignment of `view`. Bytes are in the file before a view shows them.
3. An append is done as a whole or leaves no trace: on failure memory and files are cut back to where they
   were before the call. That is possible because nothing after the last view's ends is visible to anyone.
4. `recovery_point <= log_end_offset`, and all records before the recovery point are on the disk, with the
   index entries that lead to them. It moves only after a sync has succeeded.
5. After a failed sync nothing is known of what is on the disk, and trying again can report success for data
   that was lost. So the log takes no more appends until it is opened anew; reads go on. The same after a
   failed cut.
6. A file is cut only behind what was published, and an index that is mapped is never cut at all.
7. Files that views may still open are kept open before they are unlinked or replaced.
8. The base offset of a new segment is the log end offset; the active segment's `next_offset` is the log end
   offset.
9. `producers` tells of batches that are in the log, and of no others.
"""

import logging
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from quekka.errors import KafkaStorageError, OffsetOutOfRangeError
from quekka.formats import Buffer
from quekka.formats.record_batch import patch_offsets
from quekka.storage.active_segment import ActiveSegment, SegmentMark
from quekka.storage.batch_walk import fields_of_one_batch
from quekka.storage.flush_ticket import FlushTicket, SegmentSync, SyncTurn
from quekka.storage.log_config import LogConfig
from quekka.storage.log_context import LogContext
from quekka.storage.log_loader import LoadedLog
from quekka.storage.log_view import LogView
from quekka.storage.pending_producers import PendingProducers
from quekka.storage.sealed_segment import SealedSegment
from quekka.storage.sealed_segments import SealedSegments
from quekka.storage.segment import SegmentView
from quekka.storage.segment_replacement import SegmentReplacement, unlink_segment

__all__ = ["FlushTicket", "LogWriter"]

logger = logging.getLogger(__name__)

LEADER_EPOCH = 0
"""Constant, and legal: with one broker there is never another leader."""

UNSYNCED_SEGMENTS_MAX = 8
"""Segments that wait for a flush hold three descriptors each; with more of them an append flushes first."""

CLOSED = "it is closed"
"""The `closed_reason` after `close`."""


class LogMark(NamedTuple):
    """Where the log ended before an append.

    Threads: the topic's writer.
    """

    active: ActiveSegment
    active_mark: SegmentMark
    unsynced_count: int


class LogWriter:
    """Writes one partition's log.

    Published by assignment: `view`, `recovery_point`, `closed_reason`; and `config`, by whoever changes
    settings. All else is the writer's own.

    Threads: the topic's writer thread; any thread may read the published attributes.
    """

    def __init__(self, context: LogContext, config: LogConfig, loaded: LoadedLog) -> None:
        self._context = context
        self.config = config
        self._sealed = SealedSegments.of(loaded.sealed)
        self._active = loaded.active
        self._log_start_offset = loaded.log_start_offset
        self.producers = loaded.producers
        self._snapshots = loaded.snapshots
        self._rolled: list[ActiveSegment] = []
        """Rolled by the append that runs, to be sealed at its end."""
        self._unsynced: list[ActiveSegment] = [loaded.active]
        """Segments that may hold what is not on the disk; the active one is the last."""
        self._last_sync: SyncTurn | None = None
        self._unsynced_directories: tuple[Path, ...] = ()
        self.replacement = SegmentReplacement(context.files, context.directory)
        if not loaded.active.size_bytes:
            self._unsynced_directories = (context.directory, context.directory.parent)
        self.recovery_point = loaded.active.next_offset
        self.closed_reason: str | None = None
        """Why no more appends are taken; None while they are."""
        self.view: LogView = self.publish()

    @property
    def log_end_offset(self) -> int:
        """The offset that the next record will have; views may not show it yet."""
        return self._active.next_offset

    @property
    def unflushed_records(self) -> int:
        """How many offsets were given out since the recovery point."""
        return self._active.next_offset - self.recovery_point

    # Appending

    def begin_producers(self) -> PendingProducers:
        """To check producers' batches with before they are appended; raises KafkaStorageError when closed."""
        self._check_open()
        return PendingProducers(self.producers, self.log_end_offset)

    def append(
        self, batches: Sequence[bytearray | memoryview], producers: PendingProducers | None = None
    ) -> list[int]:
        """Write validated batches, one in each buffer; their base offsets. All are appended or none.

        Base offset and leader epoch are written into the buffers. Readers see the batches after `publish`.
        `producers` is what `begin_producers` gave, when batches were checked against it: these and no others
        since. Raises KafkaStorageError naming the reason when the disk refuses or the log is closed.
        """
        self._check_open()
        if len(self._unsynced) > UNSYNCED_SEGMENTS_MAX:
            self.flush()
        mark = self._mark()
        try:
            base_offsets = self._write(batches)
            if self._rolled:
                self._seal_rolled()
        except Exception as error:
            self._cut_back(mark, error)
            if isinstance(error, OSError):
                raise self._refused("append", error) from error
            raise
        if self._active is not mark.active:
            self._snapshot_after_roll(producers)
        if producers is not None:
            producers.commit()
        return base_offsets

    def _write(self, batches: Sequence[bytearray | memoryview]) -> list[int]:
        active = self._active
        config = self.config
        interval_bytes = config.index_interval_bytes
        base_offset = active.next_offset
        base_offsets = []
        run: list[Buffer] = []
        for batch in batches:
            size_bytes = len(batch)
            last_offset_delta, max_timestamp_ms = fields_of_one_batch(batch)
            next_offset = base_offset + last_offset_delta + 1
            if active.must_roll(config, size_bytes, next_offset - 1, max_timestamp_ms):
                active.write(run)
                run = []
                active = self._roll_to(base_offset)
            patch_offsets(batch, base_offset, LEADER_EPOCH)
            active.add(next_offset, size_bytes, max_timestamp_ms, interval_bytes)
            run.append(batch)
            base_offsets.append(base_offset)
            base_offset = next_offset
        active.write(run)
        return base_offsets

    def _mark(self) -> LogMark:
        return LogMark(self._active, self._active.mark(), len(self._unsynced))

    def _cut_back(self, mark: LogMark, cause: Exception) -> None:
        """Make everything as it was at `mark`; where the files cannot be, close the log to appends."""
        created = [segment for segment in [*self._rolled, self._active] if segment is not mark.active]
        self._active = mark.active
        self._rolled = []
        del self._unsynced[mark.unsynced_count :]
        mark.active.restore(mark.active_mark)
        try:
            mark.active.cut_files()
            for segment in created:
                segment.discard()
        except OSError as error:
            self._close_to_appends(f"what a failed append ({cause}) left could not be cut: {error}")

    # Rolling

    def roll(self) -> None:
        """Seal the active segment and begin another, unless it is empty. Raises KafkaStorageError."""
        self._check_open()
        if self._active.size_bytes == 0:
            return
        mark = self._mark()
        try:
            self._roll_to(self._active.next_offset)
            self._seal_rolled()
        except OSError as error:
            self._cut_back(mark, error)
            raise self._refused("roll", error) from error
        self._snapshot_after_roll(None)

    def _roll_to(self, base_offset: int) -> ActiveSegment:
        if self._unsynced_directories and not self._sealed.segments:
            # A later segment that a power cut leaves without the first one would pass for the log's start.
            self._context.files.fsync_directory(self._context.directory)
        created = ActiveSegment.create(self._context, base_offset)
        self._rolled.append(self._active)
        self._unsynced.append(created)
        self._active = created
        self._unsynced_directories = self._unsynced_directories or (self._context.directory,)
        return created

    def _seal_rolled(self) -> None:
        sealed = [segment.seal() for segment in self._rolled]
        self._rolled = []
        self._sealed = SealedSegments.of((*self._sealed.segments, *sealed))

    def _snapshot_after_roll(self, producers: PendingProducers | None) -> None:
        if producers is not None:
            producers.commit(self._active.base_offset)
        self._try_snapshot(self._active.base_offset)

    def _try_snapshot(self, offset: int) -> None:
        """Take a producer snapshot; without it the next open only has to read more."""
        try:
            self._take_snapshot(offset)
        except OSError as error:
            logger.warning("%s: no producer snapshot: %s", self._context.directory, str(error))

    def _take_snapshot(self, offset: int) -> None:
        file = self._snapshots.take(self.producers, offset, self._active.size_bytes)
        if file is not None:
            self._active.sync_also(file)
            self._unsynced_directories = self._unsynced_directories or (self._context.directory,)

    # Publishing

    def publish(self) -> LogView:
        """Let readers see all there is now, by one assignment."""
        active, sealed = self._active, self._sealed
        self.view = LogView(
            sealed.segments,
            sealed.base_offsets,
            active.view(),
            self._log_start_offset,
            active.next_offset,
            sealed.size_bytes + active.size_bytes,
        )
        return self.view

    # Bringing to disk

    def flush(self) -> None:
        """Sync all that was appended. Raises KafkaStorageError, as `begin_flush` and `finish_flush` do."""
        ticket = self.begin_flush()
        self.finish_flush(ticket, ticket.try_sync())

    def begin_flush(self) -> FlushTicket:
        """Write the indexes behind the batches, and a producer snapshot where one is due, and name the files
        to sync, for `FlushTicket.sync` on any thread.

        A ticket that is never finished does no harm: the next one names its files again. Raises
        KafkaStorageError when the log is closed, or when an index cannot be written; a later try may succeed.
        """
        self._check_open()
        try:
            for segment in self._unsynced:
                segment.write_indexes()
            if self._snapshots.is_due(self.producers, self._active.size_bytes):
                self._take_snapshot(self.log_end_offset)
        except OSError as error:
            raise self._refused("flush", error) from error
        syncs = tuple(
            SegmentSync(segment, segment.size_bytes, segment.unsynced_files()) for segment in self._unsynced
        )
        turn = self._last_sync = SyncTurn(self._last_sync)
        return FlushTicket(self.log_end_offset, syncs, self._unsynced_directories, self._context.files, turn)

    def finish_flush(self, ticket: FlushTicket, error: OSError | None) -> None:
        """Hear how `ticket.sync()` went. Raises KafkaStorageError when it failed (invariant 5)."""
        if error is not None:
            self._close_to_appends(f"sync failed: {error}")
            raise self._refused("flush", error) from error
        if self.closed_reason is not None:
            return  # the kernel tells of a lost page once: this sync may have missed what another was told
        for sync in ticket.segments:
            sync.segment.was_synced(sync.size_bytes, sync.files)
        self._unsynced = [
            segment
            for segment in self._unsynced
            if segment is self._active
            or segment.synced_bytes < segment.size_bytes
            or segment.unsynced_files()  # sealed while the sync ran: its indexes got their last entries
        ]
        if self._active is ticket.segments[-1].segment:
            self._unsynced_directories = ()
        self.recovery_point = max(self.recovery_point, ticket.flushed_offset)
        self._snapshots.prune(self.recovery_point)

    # Letting go

    def advance_log_start(self, offset: int) -> None:
        """Hide all records before `offset`, and publish. Raises OffsetOutOfRangeError beyond the log end."""
        if offset > self.log_end_offset:
            raise OffsetOutOfRangeError(f"offset {offset} is after the log end offset {self.log_end_offset}")
        self._log_start_offset = max(self._log_start_offset, offset)
        self.publish()

    def delete_segments_before(self, offset: int) -> int:
        """Delete the sealed segments all of whose records are before `offset`; how many.

        Raises KafkaStorageError as `delete_oldest` does.
        """
        return self.delete_oldest(self._sealed.ending_before(offset))

    def delete_oldest(self, count: int) -> int:
        """Delete the first `count` segments, sealed ones only; how many. Publishes the view without them
        first.

        Raises KafkaStorageError when a file cannot be removed; it, and those after it, come back at the next
        open.
        """
        doomed = deque(self._sealed.segments[:count])
        if not doomed:
            return 0
        self._sealed = SealedSegments.of(self._sealed.segments[len(doomed) :])
        first = self._sealed.base_offsets[0] if self._sealed.segments else self._active.base_offset
        self._log_start_offset = max(self._log_start_offset, first)
        self.publish()
        self._forget_unsynced(doomed)
        deleted = len(doomed)
        while doomed:  # dropped one by one, so that each one's files close before the next one's are opened
            self._delete(doomed.popleft())
        try:
            self._snapshots.keep_within(first, self.log_end_offset)
        except OSError as error:
            raise self._refused("delete", error) from error
        logger.info("%s: deleted %d segments before offset %d", self._context.directory, deleted, first)
        return deleted

    def replace_segments(self, old: Sequence[SegmentView]) -> None:
        """Put the cleaned segment of the first one's base offset in the place of `old`, and publish that.

        `old` are neighbouring sealed segments of the present view, and the cleaned one's three files are on
        the disk with the suffix `.cleaned` (segment_replacement.py has the steps). Raises
        KafkaStorageError: the log is as it was, or another try, or the next open, finishes what was decided.
        """
        first = self._sealed.position_of(old)
        if first is None:
            raise KafkaStorageError(f"{self._context.directory}: the segments to replace are not in the log")
        replaced = self._sealed.segments[first : first + len(old)]
        for segment in replaced:
            segment.keep_open()
        try:
            size_bytes = self.replacement.replace(replaced)
        except OSError as error:
            raise self._refused("replace", error) from error
        cleaned = SealedSegment(self._context, replaced[0].base_offset, replaced[-1].next_offset, size_bytes)
        self._sealed = self._sealed.replaced(first, len(old), cleaned)
        self._forget_unsynced(replaced)
        self.publish()

    def _delete(self, segment: SealedSegment) -> None:
        segment.keep_open()
        try:
            unlink_segment(self._context.files, segment.paths)
        except OSError as error:
            raise self._refused("delete", error) from error

    def _forget_unsynced(self, gone: Sequence[SealedSegment]) -> None:
        files = [segment.log_file for segment in gone]
        self._unsynced = [segment for segment in self._unsynced if segment.log_file not in files]

    # Closing

    def close(self) -> None:
        """Sync all, take no more appends. Raises KafkaStorageError when the sync fails; reads go on."""
        if self.closed_reason == CLOSED:
            return
        try:
            if self.closed_reason is None:
                self._active.indexes.finish()
                self._try_snapshot(self.log_end_offset)
                self.flush()
        finally:
            self.closed_reason = CLOSED
            for segment in self._unsynced:
                segment.let_go()

    def _check_open(self) -> None:
        if self.closed_reason is not None:
            raise KafkaStorageError(f"{self._context.directory} takes no appends: {self.closed_reason}")

    def _close_to_appends(self, reason: str) -> None:
        self.closed_reason = reason
        logger.error("%s takes no more appends until it is opened anew: %s", self._context.directory, reason)

    def _refused(self, what: str, error: OSError) -> KafkaStorageError:
        return KafkaStorageError(f"{self._context.directory}: {what} failed: {error}")
