"""Open files of segments, as few as possible and never closed under a reader.

A broker may have a hundred thousand segments and only so many descriptors. So a segment does not open its
files; it has `CachedFile`s, which open when they are asked and are closed again when too many others were
asked since:

    SegmentView --> CachedFile --(while open)--> OpenFile, or an index mapped from one
                        ^                            ^
    FileCache ----------' ring, at most `limit`      '---- a reader, for as long as it reads

Four rules make that safe without a lock on the way of a read:

1. A descriptor closes when the last reference to its `OpenFile` goes. Eviction only drops the cache's
   reference, so whoever reads at that moment reads on, and a descriptor number is never given to another file
   under a reader.
2. Eviction is by second chance (the clock algorithm): a read sets a flag and takes no lock; the hand that
   looks for a victim clears the flag on its first round.
3. A file that is about to be unlinked or replaced is kept open first (`keep`). Who opens a file looks again
   afterwards whether a kept one is there and takes that one, so a view from before never sees the file that
   came after.
4. A file whose topic is deleted is let go for good (`retire`): another topic of that name may have one at the
   same place.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from quekka.errors import KafkaStorageError
from quekka.storage.files import Files, StrPath

logger = logging.getLogger(__name__)

T = TypeVar("T")


class OpenFile:
    """One descriptor, closed when the last reference to this object goes.

    Threads: any; immutable.
    """

    __slots__ = ("fileno", "files", "path")

    def __init__(self, files: Files, path: StrPath, fileno: int) -> None:
        self.files = files
        self.path = path
        self.fileno = fileno

    def __del__(self) -> None:
        try:
            self.files.close(self.fileno)
        except OSError as error:
            # Closed it is all the same, and what matters of it has been synced before.
            logger.error("%s: closing: %s", self.path, error)

    def read(self, position: int, size_bytes: int) -> bytes:
        """Exactly these bytes; raises KafkaStorageError naming the file where it fails or ends early."""
        try:
            data = self.files.pread(self.fileno, size_bytes, position)
            while len(data) < size_bytes:
                more = self.files.pread(self.fileno, size_bytes - len(data), position + len(data))
                if not more:
                    raise self.ends_early(position + len(data))
                data += more
        except OSError as error:
            raise self.failed(position, error) from error
        return data

    def read_into(self, buffer: memoryview, position: int) -> None:
        """Fill `buffer`; raises as `read` does."""
        try:
            count = self.files.read_into(self.fileno, buffer, position)
        except OSError as error:
            raise self.failed(position, error) from error
        if count < len(buffer):
            raise self.ends_early(position + count)

    def modified_ms(self) -> int:
        """When it was last written, in milliseconds since 1970-01-01 UTC; raises KafkaStorageError."""
        try:
            return self.files.modified_ms(self.path)
        except OSError as error:
            raise KafkaStorageError(f"{self.path}: {error.strerror or error}") from error

    def failed(self, position: int, error: OSError) -> KafkaStorageError:
        """What to tell of a read that failed."""
        return KafkaStorageError(f"{self.path}: reading at byte {position}: {error.strerror or error}")

    def ends_early(self, position: int) -> KafkaStorageError:
        """What to tell of a file that is shorter than it was."""
        return KafkaStorageError(f"{self.path} ends at byte {position}, there were more")


class CachedFile(Generic[T]):
    """A file, or what is made of one (a mapped index), that is opened when it is needed.

    Threads: any.
    """

    __slots__ = ("_cache", "_load", "_opened", "is_retired", "was_used")

    def __init__(self, cache: "FileCache", load: Callable[[], T]) -> None:
        self._cache = cache
        self._load = load
        self._opened: T | None = None
        self.is_retired = False
        self.was_used = False
        """Set by each `get`, cleared by the cache's hand: the second chance."""

    def get(self) -> T:
        """The open file; hold it for as long as you read. Raises KafkaStorageError if it cannot be opened."""
        opened = self._opened
        if opened is None:
            return self._cache.open(self)
        self.was_used = True
        return opened

    def keep(self) -> None:
        """Open it, and keep it open for as long as this object lives: its name is about to go."""
        self._cache.keep(self)

    def forget(self) -> None:
        """Let the open file go, if there is one; a later `get` opens it again."""
        self._cache.forget(self)

    def retire(self) -> None:
        """Let the open file go, if there is one; a later `get` is refused."""
        self._cache.forget(self, for_good=True)


class FileCache:
    """At most `limit` open files, besides those in use and those kept.

    Guarded by `_ring_lock`: the ring and every assignment to a `_opened` or `is_retired`. No file is opened
    or closed while it is held.

    Threads: any.
    """

    def __init__(self, files: Files, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a cache of {limit} files")
        self._files = files
        self._limit = limit
        self._ring: OrderedDict[CachedFile[Any], None] = OrderedDict()
        self._ring_lock = threading.Lock()
        self._is_closed = False

    @property
    def open_count(self) -> int:
        """How many files the cache holds open."""
        return len(self._ring)

    def log_file(self, path: StrPath) -> CachedFile[OpenFile]:
        """A file to read, by its name."""
        return CachedFile(self, lambda: OpenFile(self._files, path, self._files.open_read(path)))

    def cached(self, load: Callable[[], T]) -> CachedFile[T]:
        """Anything that `load` opens and that closes itself with its last reference."""
        return CachedFile(self, load)

    def open(self, file: CachedFile[T]) -> T:
        """What `CachedFile.get` does when the file is not open."""
        try:
            opened = file._load()
        except OSError as error:
            kept = file._opened
            if kept is None:
                raise KafkaStorageError(str(error)) from error
            return kept  # unlinked meanwhile, and kept open for us before that
        return self._enter(file, opened, in_ring=True)

    def adopt(self, file: CachedFile[T], opened: T) -> None:
        """Take in a file that is open already."""
        self._enter(file, opened, in_ring=True)

    def keep(self, file: CachedFile[T]) -> None:
        """What `CachedFile.keep` does."""
        opened = file.get()
        self._enter(file, opened, in_ring=False)

    def forget(self, file: CachedFile[T], *, for_good: bool = False) -> None:
        """What `CachedFile.forget` and `CachedFile.retire` do."""
        with self._ring_lock:
            file.is_retired = file.is_retired or for_good
            opened, file._opened = file._opened, None
            self._ring.pop(file, None)
        del opened

    def close_all(self) -> None:
        """Let go of all files, for good; those in use close when their readers are done."""
        with self._ring_lock:
            self._is_closed = True
            dropped = self._evict_locked(limit=0)
        del dropped

    def _enter(self, file: CachedFile[T], opened: T, *, in_ring: bool) -> T:
        """Make `opened` the file's own unless another thread was faster; the one that counts."""
        with self._ring_lock:
            self._check_not_closed()
            if file.is_retired:
                raise KafkaStorageError("the file's topic was deleted")
            if file._opened is None:
                file._opened = opened
                self._ring[file] = None
            if not in_ring:
                self._ring.pop(file, None)
            counts = file._opened
            dropped = self._evict_locked(self._limit)
        del dropped
        return counts

    def _evict_locked(self, limit: int) -> list[object]:
        """Take files out of the ring until `limit` are left; to be dropped by the caller after the lock."""
        assert self._ring_lock.locked()
        dropped: list[object] = []
        while len(self._ring) > limit:
            file, _ = self._ring.popitem(last=False)
            if file.was_used and limit > 0:
                file.was_used = False
                self._ring[file] = None
            else:
                dropped.append(file._opened)
                file._opened = None
        return dropped

    def _check_not_closed(self) -> None:
        if self._is_closed:
            raise KafkaStorageError("the log's files are closed")
