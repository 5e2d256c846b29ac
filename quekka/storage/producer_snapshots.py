"""A partition's producer snapshots: so that opening a log does not mean reading it for its producers.

    00000000000000170210.snapshot     what was known at offset 170210 (formats/producer_snapshot.py)
    00000000000000201117.snapshot     what was known later

What lies behind the newest one is learnt from the batch headers there (producer_loader.py). So a snapshot is
taken

1. when the log rolls, at the base offset of the new segment,
2. when the log is closed, at its end: then nothing has to be walked,
3. when the log is flushed and there is none, or the last one lies SNAPSHOT_INTERVAL_BYTES back: that bounds
the walk after a crash,
4. when the log was opened, producers were found in it, and there is none.

Invariants:

1. Where there is no snapshot, no batch before the recovery point has a producer that is still remembered:
whatever moves the recovery point takes a snapshot first when there is none, and syncs it with the rest.
2. The two newest are kept, as one may be damaged, and all from the newest one at or before the recovery point
on, as a power cut can take the log back to there. Others go when a flush has moved it.
3. None lies before the first segment, since the batches between would be missing, nor after the log end.
4. Where no producer is remembered there is no snapshot; a partition that never saw one has no file for it.
"""

import contextlib
import logging
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats.producer_snapshot import (
    ProducerSnapshotEntry,
    decode_producer_snapshot,
    encode_producer_snapshot,
)
from quekka.formats.segment_name import SNAPSHOT_SUFFIX, format_segment_name
from quekka.storage.directory_sweep import set_aside
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import TEMPORARY_SUFFIX
from quekka.storage.log_context import LogContext
from quekka.storage.producer_state import ProducerState

logger = logging.getLogger(__name__)

SNAPSHOTS_KEPT = 2
SNAPSHOT_INTERVAL_BYTES = 16 * 1024 * 1024


class ProducerSnapshot(NamedTuple):
    """What was known at an offset.

    Threads: any; immutable.
    """

    offset: int
    entries: list[ProducerSnapshotEntry]


class ProducerSnapshots:
    """The snapshot files of one partition.

    Threads: the topic's writer; before, the one that opens the log.
    """

    __slots__ = ("_context", "_position", "offsets")

    def __init__(self, context: LogContext, offsets: Iterable[int] = ()) -> None:
        """`offsets`: those of the files that are there, ascending."""
        self._context = context
        self._position = 0
        """Size of the active segment when the last one was taken."""
        self.offsets = tuple(offsets)

    # Reading

    def read_newest(self) -> ProducerSnapshot | None:
        """The newest one that can be read; damaged ones are set aside. Raises OSError."""
        for offset in reversed(self.offsets):
            path = self._path(offset)
            try:
                return ProducerSnapshot(offset, decode_producer_snapshot(self._context.files.read_file(path)))
            except CorruptMessageError as error:
                self._set_aside(offset, error.message)
            except OSError as error:
                self._leave(offset, error)
        return None

    def _leave(self, offset: int, error: OSError) -> None:
        """Do without one that cannot be read; what no file can be written over goes aside."""
        path = self._path(offset)
        if self._context.files.is_directory(path):
            self._set_aside(offset, str(error))
        else:
            # Its text alone: a handler that keeps the line would keep the frames of the error, and files.
            logger.warning("%s is not used: %s", path, str(error))
            self._forget(offset)

    def _set_aside(self, offset: int, why: str) -> None:
        path = self._path(offset)
        logger.warning("%s is not used, and kept as %s: %s", path, set_aside(self._context.files, path), why)
        self._forget(offset)

    # Taking

    def is_due(self, state: ProducerState, position: int) -> bool:
        """Whether a flush should take one; `position` is the active segment's size."""
        return len(state) > 0 and (not self.offsets or position - self._position >= SNAPSHOT_INTERVAL_BYTES)

    def take(self, state: ProducerState, offset: int, position: int) -> OpenFile | None:
        """Write down what is known at `offset`; a file to sync. `position` is the active segment's size.

        Nothing is written where the newest one is of this offset. Raises OSError.
        """
        entries = state.snapshot()
        if not entries:
            self._remove(self.offsets)
            return None
        if self.offsets and self.offsets[-1] == offset:
            return None
        file = self._write(self._path(offset), encode_producer_snapshot(entries))
        self._position = position
        self.offsets += (offset,)
        return file

    def _write(self, path: Path, data: bytes) -> OpenFile:
        files = self._context.files
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        if files.exists(temporary):
            files.unlink(temporary)
        file = OpenFile(files, path, files.create(temporary))
        try:
            files.write_all(file.fileno, [data])
            files.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                files.unlink(temporary)
            raise
        return file

    def sync(self) -> None:
        """Bring all there are to disk; raises OSError."""
        files = self._context.files
        for offset in self.offsets:
            path = self._path(offset)
            try:
                file = OpenFile(files, path, files.open_append(path))
            except OSError as error:
                self._leave(offset, error)
                continue
            files.fdatasync(file.fileno)
        if self.offsets:
            files.fsync_directory(self._context.directory)

    # Removing

    def prune(self, recovery_point: int) -> None:
        """After a flush: remove those that nobody will need any more (invariant 2)."""
        spare = min(bisect_right(self.offsets, recovery_point) - 1, len(self.offsets) - SNAPSHOTS_KEPT)
        if spare > 0:
            try:
                self._remove(self.offsets[:spare])
            except OSError as error:
                logger.warning("an old producer snapshot stays until the next flush: %s", str(error))

    def keep_within(self, first_offset: int, end_offset: int) -> None:
        """Remove those before the first segment, and set aside those after the log end; raises OSError."""
        self._remove([offset for offset in self.offsets if offset < first_offset])
        beyond = [offset for offset in self.offsets if offset > end_offset]
        for offset in beyond:
            self._set_aside(offset, f"the log ends at offset {end_offset}")
        if beyond:
            # One that came back after a power cut would tell of batches in whose place there are others then.
            self._context.files.fsync_directory(self._context.directory)

    def _remove(self, offsets: Iterable[int]) -> None:
        files = self._context.files
        for offset in offsets:
            path = self._path(offset)
            if files.is_directory(path):
                self._set_aside(offset, "it is a directory")
                continue
            with contextlib.suppress(FileNotFoundError):
                files.unlink(path)
            self._forget(offset)

    def _forget(self, offset: int) -> None:
        self.offsets = tuple(other for other in self.offsets if other != offset)

    def _path(self, offset: int) -> Path:
        return self._context.directory / format_segment_name(offset, SNAPSHOT_SUFFIX)
