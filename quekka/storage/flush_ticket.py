"""What one flush brings to the disk, as a thing that can be handed to another thread.

A sync takes as long as many appends. So the writer only names the files (`LogWriter.begin_flush`), any thread
waits for the disk (`FlushTicket.sync`), and the writer hears how it went (`LogWriter.finish_flush`).
"""

from pathlib import Path
from typing import NamedTuple

from quekka.storage.active_segment import ActiveSegment
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import Files


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

    def sync(self) -> None:
        """Wait until all is on the disk; raises OSError, after which nothing is known of what is."""
        for segment in self.segments:
            for file in segment.files:
                self.files.fdatasync(file.fileno)
        for directory in self.directories:
            self.files.fsync_directory(directory)
