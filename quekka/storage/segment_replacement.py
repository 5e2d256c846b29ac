"""Putting a cleaned segment in the place of those it was made of, so that a crash at any step leaves one or
the other.

The cleaner reads some neighbouring sealed segments and writes one, under the first one's base offset. Then:

1. The cleaner brings `<base>.log.cleaned`, `.index.cleaned` and `.timeindex.cleaned` to the disk.
   Crash: the next open removes whatever ends in `.cleaned`.
2. The writer keeps the old files open, so old views go on reading them whatever their names mean later.
3. The indexes are renamed to `.swap`, the directory is synced. Crash: without a `.log.swap` they are removed
   as well.
4. The .log is renamed to `.log.swap`, the directory is synced. This is the moment that decides: from now on
   the new segment counts, and an open finishes what is left of the steps below.
5. The indexes are renamed over the old ones, the directory is synced. An old .log may now stand beside new
   indexes, but never without the `.log.swap` that is about to replace it.
6. The old segments after the first are unlinked, the oldest first: if a crash leaves some, they are the newer
   ones, so no record comes back without what overwrote it. The directory is synced.
7. The .log is renamed over the first old one, the directory is synced.
8. The writer publishes the view with the new segment.

Where step 4 to 7 fails, the writer goes on with the old view, and the `.log.swap` stays. The next pass
finishes it before it cleans anything, since the names and the view tell different stories. Two things forbid
that, and then the log is cleaned no more before the next open has finished it: a sync that has failed, as a
second one can report success for what was lost, and then steps would be on the disk in another order; and a
deletion that took some of the old segments, as there is no place for the new one in the view.
Only the last sync may fail without that: what it does not bring to disk is finished again after a crash.
"""

import contextlib
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from quekka.formats.segment_name import LOG_SUFFIX
from quekka.storage.files import Files
from quekka.storage.segment import SegmentPaths, SegmentView

logger = logging.getLogger(__name__)

CLEANED_SUFFIX = ".cleaned"
SWAP_SUFFIX = ".swap"


class NotSyncedError(OSError):
    """A sync in the middle of a replacement has failed.

    Threads: the topic's writer, or the one that opens the log.
    """


class SegmentReplacement:
    """Puts the cleaned segments of one log in place, and knows what was begun and can be finished.

    Threads: the topic's writer; any may read `unfinished`.
    """

    def __init__(self, files: Files, directory: Path) -> None:
        self._files = files
        self._directory = directory
        self.unfinished: tuple[SegmentView, ...] = ()
        """The old segments of a replacement that was decided and is to be tried again; else empty."""

    def replace(self, old: Sequence[SegmentView]) -> int:
        """Steps 3 to 7, or what is left of them; the size of the new segment. Raises OSError."""
        base_offset = old[0].base_offset
        if tuple(old) != self.unfinished:
            commit_replacement(self._files, self._directory, base_offset)
        self.unfinished = tuple(old)
        try:
            doomed = [segment.base_offset for segment in old[1:]]
            finish_replacement(self._files, self._directory, base_offset, doomed)
        except NotSyncedError:
            self.unfinished = ()
            raise
        self.unfinished = ()
        return self._files.size(SegmentPaths.of(self._directory, base_offset).log)


def commit_replacement(files: Files, directory: Path, base_offset: int) -> None:
    """Steps 3 and 4; raises OSError."""
    cleaned = SegmentPaths.of(directory, base_offset, CLEANED_SUFFIX)
    swap = SegmentPaths.of(directory, base_offset, SWAP_SUFFIX)
    files.replace(cleaned.index, swap.index)
    files.replace(cleaned.time_index, swap.time_index)
    files.fsync_directory(directory)
    files.replace(cleaned.log, swap.log)
    files.fsync_directory(directory)


def finish_replacement(files: Files, directory: Path, base_offset: int, doomed: Iterable[int]) -> None:
    """Steps 5 to 7, from wherever an earlier try ended; `doomed` are base offsets.

    Raises OSError, NotSyncedError where that was a sync.
    """
    swap = SegmentPaths.of(directory, base_offset, SWAP_SUFFIX)
    final = SegmentPaths.of(directory, base_offset)
    for source, target in ((swap.index, final.index), (swap.time_index, final.time_index)):
        if files.exists(source):
            files.replace(source, target)
    _sync(files, directory)
    for doomed_offset in sorted(doomed):
        unlink_segment(files, SegmentPaths.of(directory, doomed_offset))
    _sync(files, directory)
    files.replace(swap.log, final.log)
    try:
        files.fsync_directory(directory)
    except OSError as error:
        logger.error("%s: %s; a crash now would have the replacement finished again", final.log, str(error))


def _sync(files: Files, directory: Path) -> None:
    try:
        files.fsync_directory(directory)
    except OSError as error:
        raise NotSyncedError(error.errno, error.strerror, str(directory)) from error


def is_half_done(files: Files, directory: Path) -> bool:
    """Whether a replacement was decided and has failed then; raises OSError."""
    return any(name.endswith(LOG_SUFFIX + SWAP_SUFFIX) for name in files.listdir(directory))


def unlink_segment(files: Files, paths: SegmentPaths) -> None:
    """Remove a segment's files, the .log first: indexes alone are no segment. Raises OSError."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            files.unlink(path)
