"""Mapping the indexes of a sealed segment.

An index that does not fit its .log file (see index_check.py) is replaced in memory by one made from the
batches, and a log line says so. Nothing is written: readers do this, and files have one writer.
"""

import logging
from mmap import mmap
from pathlib import Path

from quekka.formats.index_entry import OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES
from quekka.storage.file_cache import CachedFile, OpenFile
from quekka.storage.files import Files
from quekka.storage.index_check import indexes_of_log, offset_index_misfit, time_index_misfit
from quekka.storage.offset_index import MappedOffsetIndex, OffsetIndexView, OffsetSearch
from quekka.storage.segment_indexes import INDEX_INTERVAL_BYTES, SegmentIndexes
from quekka.storage.time_index import MappedTimeIndex, TimeIndexView, TimeSearch

logger = logging.getLogger(__name__)


class IndexLoader:
    """Opens the indexes of one sealed segment.

    It knows the segment's files but not the segment, so that no circle of references keeps descriptors open.

    Threads: any; immutable.
    """

    __slots__ = ("_base_offset", "_files", "_log_file", "_size_bytes")

    def __init__(
        self, files: Files, base_offset: int, size_bytes: int, log_file: CachedFile[OpenFile]
    ) -> None:
        self._files = files
        self._base_offset = base_offset
        self._size_bytes = size_bytes
        self._log_file = log_file

    def load_offset_index(self, path: Path) -> OffsetSearch:
        """The .index file mapped, or what it should be. Raises KafkaStorageError, OSError."""
        index = MappedOffsetIndex(self._map(path))
        if index.cut_bytes:
            why: str | None = f"its size is no multiple of {OFFSET_ENTRY_BYTES}"
        else:
            why = offset_index_misfit(index, self._log_file.get(), self._base_offset, self._size_bytes)
        if why is None:
            return index
        rebuilt = self._rebuild(path, why).offset_index
        return OffsetIndexView(rebuilt, rebuilt.count)

    def load_time_index(self, path: Path, offset_index: CachedFile[OffsetSearch]) -> TimeSearch:
        """The .timeindex file mapped, or what it should be. Raises KafkaStorageError, OSError."""
        index = MappedTimeIndex(self._map(path))
        if index.cut_bytes:
            why: str | None = f"its size is no multiple of {TIME_ENTRY_BYTES}"
        else:
            why = time_index_misfit(
                index, offset_index.get(), self._log_file.get(), self._base_offset, self._size_bytes
            )
        if why is None:
            return index
        rebuilt = self._rebuild(path, why).time_index
        return TimeIndexView(rebuilt, rebuilt.count)

    def _map(self, path: Path) -> mmap | bytes:
        file = OpenFile(self._files, path, self._files.open_read(path))
        if self._files.size_of(file.fileno) == 0:
            return b""  # there is no map of nothing
        return self._files.mmap_readonly(file.fileno)

    def _rebuild(self, path: Path, why: str) -> SegmentIndexes:
        logger.warning("%s does not fit its log (%s); reading the batches instead", path, why)
        return indexes_of_log(self._log_file.get(), self._base_offset, self._size_bytes, INDEX_INTERVAL_BYTES)
