"""What one flush brings to the disk, as a thing that can be handed to another thread.

A sync takes as long as many appends. So the writer only names the files (`LogWriter.begin_flush`), any thread
waits for the disk (`FlushTicket.sync`), and the writer hears how it went (`LogWriter.finish_flush`).

Linux tells of a page that it could not write once for each open file description. If the flusher has heard
of it and the writer syncs the same descriptor then, the writer is told that all is well. So the syncs of one
log take turns, and each begins with how the one before it went:

    the one before    has not begun     it will not: the files of this one are among those of the next
                      runs              it is waited for
                      has failed        this one fails as well

Source: fsync(2), errors; "Can Applications Recover from fsync Failures?" (USENIX ATC 2020).
"""

import errno
import threading
from pathlib import Path
from typing import NamedTuple

from quekka.storage.active_segment import ActiveSegment
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import Files


class SyncTurn:
    """One sync of a log among those before and after it.

    Threads: any.
    """

    __slots__ = ("_claim", "_earlier", "_ended", "_failure")

    def __init__(self, earlier: "SyncTurn | None") -> None:
        self._earlier = earlier
        self._claim = threading.Lock()
        """Taken once and never given back, by who syncs or by who sees to it that nobody has to."""
        self._ended = threading.Event()
        self._failure: str | None = None

    def begin(self) -> bool:
        """Settle the one before; False when a later one has taken this one's files. Raises OSError when the
        one before has failed.
        """
        if not self._claim.acquire(blocking=False):
            return False
        failure = self._settle_earlier()
        if failure is not None:
            self.end(failure)
            raise OSError(errno.EIO, f"the sync before it has failed: {failure}")
        return True

    def end(self, failure: str | None) -> None:
        """Let those who wait know how it went."""
        self._failure = failure
        self._ended.set()

    def _settle(self) -> str | None:
        if self._claim.acquire(blocking=False):
            self.end(self._settle_earlier())
        self._ended.wait()
        return self._failure

    def _settle_earlier(self) -> str | None:
        earlier, self._earlier = self._earlier, None
        return None if earlier is None else earlier._settle()


class SegmentSync(NamedTuple):
    """One segment's part of a flush.

    Threads: `segment` is the topic's writer's; the rest any, immutable.
    """

    segment: ActiveSegment
    size_bytes: int
    files: tuple[OpenFile, ...]


class FlushTicket(NamedTuple):
    """The files to sync, held open, and the offset up to which all is on the disk when they are.

    Threads: any; immutable.
    """

    flushed_offset: int
    segments: tuple[SegmentSync, ...]
    directories: tuple[Path, ...]
    """Those in which something was created since the last flush."""
    files: Files
    turn: SyncTurn

    def sync(self) -> None:
        """Wait until all is on the disk; raises OSError, after which nothing is known of what is."""
        if not self.turn.begin():
            return
        failure: str | None = "it did not come to its end"
        try:
            self._sync_files()
            failure = None
        except OSError as error:
            failure = str(error)
            raise
        finally:
            self.turn.end(failure)

    def try_sync(self) -> OSError | None:
        """What `sync` raised, as `LogWriter.finish_flush` takes it."""
        try:
            self.sync()
        except OSError as error:
            return error
        return None

    def _sync_files(self) -> None:
        for segment in self.segments:
            for file in segment.files:
                self.files.fdatasync(file.fileno)
        for directory in self.directories:
            self.files.fsync_directory(directory)
