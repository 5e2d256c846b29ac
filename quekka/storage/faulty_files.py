"""A file system that fails where a test says so, and forgets what was never synced.

For Quekka's own tests and for those of programs that embed a broker:

    files = FaultyFiles()
    with quekka.Broker(data_dir, files=files) as broker:
        producer = quekka.Producer(broker.address, retries=0)
        producer.send("orders", b"first").result(timeout=10)
        files.fail("writev", path="*.log", error=errno.ENOSPC, every=True)
        with pytest.raises(KafkaStorageError):
            producer.send("orders", b"second").result(timeout=10)
        files.heal()
        producer.send("orders", b"third").result(timeout=10)
        producer.close()

`lose_unsynced`, called while no broker runs, is the machine losing power: what was not fsynced is gone, or,
with a seed, some of it is there and some is not. `copy_after_power_cut` is the same while one runs: it leaves
the files as they are and writes what would be left of them elsewhere. Syncs are only noted and cost nothing.

The same calls fail each time, and with the same seed the same is lost. An operation is named as the method
of `Files`.
"""

import errno
import mmap
import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from quekka.formats import Buffer
from quekka.storage.files import Files, StrPath
from quekka.storage.power_cut import PowerCut, Survivors
from quekka.storage.unsynced_changes import Cut, FileNode, UnsyncedChanges, Write

OPERATIONS = {
    "open_read", "open_append", "create", "close", "pread", "preadv", "mmap_readonly", "writev",
    "ftruncate", "fsync", "fdatasync", "fsync_directory", "listdir", "size", "size_of", "modified_ms",
    "mkdir", "makedirs", "unlink", "rmdir", "replace", "lock",
}  # fmt: skip
"""What can be made to fail; the methods made of these fail with them."""


@dataclass(slots=True)
class Fault:
    """One kind of call that goes wrong.

    Threads: any may read `hits`.
    """

    operation: str
    path: str
    """Shell pattern for the whole path; `*` also matches `/`."""
    on_call: int
    """Which matching call fails, from 1; with `every` that one and all after it."""
    every: bool
    error: int
    """errno of the OSError, or 0: then a writev that is short just returns its count."""
    after_bytes: int
    """What a failing writev writes before it fails."""
    calls: int = 0
    """Matching calls so far."""
    hits: int = 0
    """Those that went wrong."""

    def strikes(self, operation: str, path: Path) -> bool:
        """Count a call; whether it is one that goes wrong."""
        if operation != self.operation or not fnmatchcase(str(path), self.path):
            return False
        self.calls += 1
        if self.calls == self.on_call or (self.every and self.calls > self.on_call):
            self.hits += 1
            return True
        return False


class FaultyFiles(Files):
    """The real file system with faults.

    Threads: any; a lock makes each call one step with what is remembered about it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._faults: list[Fault] = []
        self._paths: dict[int, Path] = {}
        self._nodes: dict[int, FileNode] = {}
        self._changes = UnsyncedChanges()
        self.counts: Counter[str] = Counter()
        """How often each operation was called."""
        self.before_change: Callable[[], None] | None = None
        """Called before everything that changes what a power cut would leave, under the lock: the moment to
        take `copy_after_power_cut` at."""

    def fail(
        self,
        operation: str,
        *,
        path: str = "*",
        on_call: int = 1,
        every: bool = False,
        error: int = errno.EIO,
        after_bytes: int = 0,
    ) -> Fault:
        """Let the `on_call`-th call from now of `operation` on a path like `path` raise OSError(`error`).

        With `every` all calls after it fail too. `after_bytes` is for writev: so much is written before
        the error, as when a disk fills up; with `error` 0 it is a short write. Raises ValueError for a fault
        that cannot be.
        """
        if operation not in OPERATIONS:
            raise ValueError(f"{operation!r} is none of {', '.join(sorted(OPERATIONS))}")
        if operation != "writev" and (after_bytes or not error):
            raise ValueError(f"{operation} cannot be short, only writev")
        fault = Fault(operation, path, on_call, every, error, after_bytes)
        with self._lock:
            self._faults.append(fault)
        return fault

    def shorten_writes(self, size_bytes: int, *, path: str = "*") -> Fault:
        """Let every writev write at most `size_bytes` and return the count, as the kernel may."""
        return self.fail("writev", path=path, every=True, error=0, after_bytes=size_bytes)

    def heal(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()

    def lose_unsynced(self, seed: int | None = None) -> None:
        """Take back what no fsync has reached, as a power cut would: all of it, or what `seed` picks.

        Only what was done through this object; and nothing may use the files any more, as they get shorter.
        """
        with self._lock:
            cut = PowerCut(self._changes.files, Survivors(seed))
            cut.restore(self._changes.root, Path("/"))
            self._changes = UnsyncedChanges()

    def copy_after_power_cut(self, path: StrPath, target: StrPath, seed: int | None = None) -> None:
        """Write what a power cut at this moment would leave of the directory `path` into a new one.

        Files that may be in use stay as they are. Raises FileExistsError when `target` is there.
        """
        with self._lock:
            source = Path(path).absolute()
            cut = PowerCut(self._changes.files, Survivors(seed))
            cut.copy(self._changes.directory(source), source, Path(target))

    # Opening

    def open_read(self, path: StrPath) -> int:
        with self._lock:
            self._check("open_read", path)
            return self._opened(super().open_read(path), path)

    def open_append(self, path: StrPath) -> int:
        with self._lock:
            self._check("open_append", path)
            is_new = not self.exists(path)
            if is_new:
                self._announce()
            fd = self._opened(super().open_append(path), path)
            self._note_for_writing(fd, is_new=is_new)
            return fd

    def create(self, path: StrPath) -> int:
        with self._lock:
            self._check("create", path)
            self._announce()
            fd = self._opened(super().create(path), path)
            self._note_for_writing(fd, is_new=True)
            return fd

    def close(self, fd: int) -> None:
        """A close that fails has closed, as on Linux."""
        with self._lock:
            path = self._path_of(fd)
            self._paths.pop(fd, None)
            self._nodes.pop(fd, None)
            super().close(fd)
            self._check("close", path)

    # Reading

    def pread(self, fd: int, size_bytes: int, position: int) -> bytes:
        self._check("pread", self._path_of(fd))
        return super().pread(fd, size_bytes, position)

    def preadv(self, fd: int, buffers: Sequence[bytearray | memoryview], position: int) -> int:
        self._check("preadv", self._path_of(fd))
        return super().preadv(fd, buffers, position)

    def mmap_readonly(self, fd: int) -> mmap.mmap:
        self._check("mmap_readonly", self._path_of(fd))
        return super().mmap_readonly(fd)

    # Writing

    def writev(self, fd: int, buffers: Sequence[Buffer]) -> int:
        with self._lock:
            fault = self._strike("writev", self._path_of(fd))
            kept = b"".join(buffers)[: None if fault is None else fault.after_bytes]
            written = self._write(fd, kept) if kept else 0
            if fault is not None and fault.error:
                raise self._error(fault, self._path_of(fd))
            return written

    def _write(self, fd: int, data: bytes) -> int:
        self._announce()
        position = super().size_of(fd)
        written = super().writev(fd, [data])
        if fd in self._nodes:
            self._nodes[fd].pending.append(Write(position, data[:written]))
        return written

    def ftruncate(self, fd: int, size_bytes: int) -> None:
        with self._lock:
            self._check("ftruncate", self._path_of(fd))
            self._announce()
            super().ftruncate(fd, size_bytes)
            if fd in self._nodes:
                self._nodes[fd].pending.append(Cut(size_bytes))

    def fsync(self, fd: int) -> None:
        self._sync("fsync", fd)

    def fdatasync(self, fd: int) -> None:
        self._sync("fdatasync", fd)

    def fsync_directory(self, path: StrPath) -> None:
        with self._lock:
            self._check("fsync_directory", path)
            self._announce()
            self._changes.synced_directory(Path(path).absolute())

    # Names

    def listdir(self, path: StrPath) -> list[str]:
        self._check("listdir", path)
        return super().listdir(path)

    def size(self, path: StrPath) -> int:
        self._check("size", path)
        return super().size(path)

    def size_of(self, fd: int) -> int:
        self._check("size_of", self._path_of(fd))
        return super().size_of(fd)

    def modified_ms(self, path: StrPath) -> int:
        self._check("modified_ms", path)
        return super().modified_ms(path)

    def mkdir(self, path: StrPath) -> None:
        with self._lock:
            self._check("mkdir", path)
            self._announce()
            super().mkdir(path)
            self._changes.made_directory(Path(path).absolute())

    def makedirs(self, path: StrPath) -> None:
        with self._lock:
            self._check("makedirs", path)
            target = Path(path).absolute()
            missing = [directory for directory in (target, *target.parents) if not self.exists(directory)]
            if missing:
                self._announce()
            super().makedirs(path)
            for directory in reversed(missing):
                self._changes.made_directory(directory)

    def unlink(self, path: StrPath) -> None:
        with self._lock:
            self._check("unlink", path)
            self._announce()
            gone = Path(path).absolute()
            self._changes.prepare(gone)
            super().unlink(path)
            self._changes.removed(gone)
            self._rename_open(gone, Path(f"{gone} (deleted)"))

    def rmdir(self, path: StrPath) -> None:
        with self._lock:
            self._check("rmdir", path)
            self._announce()
            self._changes.find(Path(path).absolute())
            super().rmdir(path)
            self._changes.removed(Path(path).absolute())

    def replace(self, source: StrPath, target: StrPath) -> None:
        with self._lock:
            self._check("replace", target)
            self._announce()
            old, new = Path(source).absolute(), Path(target).absolute()
            self._changes.prepare(old)
            self._changes.prepare(new)
            super().replace(source, target)
            self._changes.replaced(old, new)
            self._rename_open(new, Path(f"{new} (deleted)"))
            self._rename_open(old, new)

    def lock(self, fd: int) -> bool:
        self._check("lock", self._path_of(fd))
        return super().lock(fd)

    # The faults

    def _strike(self, operation: str, path: StrPath) -> Fault | None:
        """Count the call with every fault; the first one that makes it fail."""
        with self._lock:
            self.counts[operation] += 1
            struck = [fault for fault in self._faults if fault.strikes(operation, Path(path).absolute())]
        return struck[0] if struck else None

    def _check(self, operation: str, path: StrPath) -> None:
        fault = self._strike(operation, path)
        if fault is not None:
            raise self._error(fault, path)

    def _error(self, fault: Fault, path: StrPath) -> OSError:
        return OSError(fault.error, os.strerror(fault.error), str(path))

    def _opened(self, fd: int, path: StrPath) -> int:
        self._paths[fd] = Path(path).absolute()
        return fd

    def _path_of(self, fd: int) -> Path:
        with self._lock:
            return self._paths.get(fd, Path(f"/dev/fd/{fd}"))

    def _rename_open(self, old: Path, new: Path) -> None:
        """Let open files that are called `old`, or lie below it, be called `new`."""
        for fd, path in list(self._paths.items()):  # a file that is let go of meanwhile closes itself
            if path.is_relative_to(old):
                self._paths[fd] = new / path.relative_to(old)

    def _note_for_writing(self, fd: int, *, is_new: bool) -> None:
        path = self._paths[fd]
        if is_new:
            self._nodes[fd] = self._changes.created(path)
            return
        self._changes.prepare(path)
        node = self._changes.file(path)
        if node is not None:
            self._nodes[fd] = node

    def _announce(self) -> None:
        if self.before_change is not None:
            self.before_change()

    def _sync(self, operation: str, fd: int) -> None:
        with self._lock:
            super().size_of(fd)  # EBADF for what is no open file, as from the real call
            node = self._nodes.get(fd)
            try:
                self._check(operation, self._path_of(fd))
            except OSError:
                if node is not None:
                    node.fail_sync()
                raise
            self._announce()
            if node is not None:
                node.sync()
