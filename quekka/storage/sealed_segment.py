"""A segment that is not written any more: its files open when somebody reads, and its indexes are mapped.

Nothing of it is opened when the log is, so a log of a hundred segments opens as fast as one of two.
"""

import logging
from functools import partial

from quekka.errors import QuekkaError
from quekka.storage.file_cache import CachedFile, OpenFile
from quekka.storage.index_loader import IndexLoader
from quekka.storage.log_context import LogContext
from quekka.storage.offset_index import OffsetSearch
from quekka.storage.segment import SegmentPaths, SegmentView
from quekka.storage.time_index import NO_TIMESTAMP, TimeSearch

logger = logging.getLogger(__name__)


class SealedSegment(SegmentView):
    """A sealed segment; all views that show it share this one object.

    Threads: any. `keep_open`, `forget` and `retire` by the topic's writer, or when there is none any more.
    """

    __slots__ = ("_max_timestamp_ms", "_offset_index", "_time_index", "paths")

    def __init__(
        self,
        context: LogContext,
        base_offset: int,
        next_offset: int,
        size_bytes: int,
        log_file: CachedFile[OpenFile] | None = None,
        max_timestamp_ms: int | None = None,
    ) -> None:
        """`log_file` and `max_timestamp_ms` where they are known already."""
        self.paths = paths = SegmentPaths.of(context.directory, base_offset)
        cache = context.file_cache
        log_file = log_file or cache.log_file(paths.log)
        super().__init__(paths.log, base_offset, next_offset, size_bytes, log_file)
        loader = IndexLoader(context.files, base_offset, size_bytes, self.log_file)
        self._offset_index = cache.cached(partial(loader.load_offset_index, paths.index))
        self._time_index = cache.cached(partial(loader.load_time_index, paths.time_index, self._offset_index))
        self._max_timestamp_ms = max_timestamp_ms

    @property
    def max_timestamp_ms(self) -> int:
        if self._max_timestamp_ms is None:
            last = self.time_index().last()
            self._max_timestamp_ms = NO_TIMESTAMP if last is None else last.timestamp_ms
        return self._max_timestamp_ms

    def offset_index(self) -> OffsetSearch:
        return self._offset_index.get()

    def time_index(self) -> TimeSearch:
        return self._time_index.get()

    def keep_open(self) -> None:
        """Hold all three files open for as long as a view shows this segment: their names are about to go.

        Where that cannot be, a log line says so: whoever still reads it would have met the same.
        """
        try:
            for file in (self.log_file, self._offset_index, self._time_index):
                file.keep()
        except QuekkaError as error:
            logger.warning("%s: views that show it cannot read it any more: %s", self.path, error.message)

    def forget(self) -> None:
        """Let go of the open files; a later read opens them again."""
        for file in (self.log_file, self._offset_index, self._time_index):
            file.forget()

    def retire(self) -> None:
        """Let go of the open files; a later read is refused."""
        for file in (self.log_file, self._offset_index, self._time_index):
            file.retire()
