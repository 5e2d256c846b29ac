"""The only place that asks the operating system for files: one thin method for each call the log needs.

Nothing here decides anything. A `Files` is passed down to whatever touches data, so that a test, or a user's
own test, can pass `FaultyFiles` instead and see what a full disk, an I/O error or a power cut does.

Every method raises OSError with the path or the reason the kernel gave; every file is opened close-on-exec.
Source: open(2), preadv(2), writev(2), fsync(2), flock(2), rename(2).
"""

import fcntl
import mmap
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from quekka.formats import Buffer

StrPath = str | os.PathLike[str]

READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC
APPEND_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
FILE_MODE = 0o644

IOV_MAX = 1024
"""Buffers that one writev takes on Linux and macOS (UIO_MAXIOV); more is EINVAL."""

COPY_CHUNK_BYTES = 1 << 20
"""What `copy_tail` and `read_file` hold in memory per step."""

TEMPORARY_SUFFIX = ".tmp"
"""What `replace_file` adds to the name while it writes; a leftover means a crash and may be removed."""


class Files:
    """File calls on the real file system.

    Threads: any; it has no state. One file's appends belong to one thread.
    """

    # Opening

    def open_read(self, path: StrPath) -> int:
        """A descriptor for reading an existing file."""
        return os.open(path, READ_FLAGS)

    def open_append(self, path: StrPath) -> int:
        """A descriptor whose writes go to the end, and which can read; the file is made if it is missing."""
        return os.open(path, APPEND_FLAGS | os.O_CREAT, FILE_MODE)

    def create(self, path: StrPath) -> int:
        """Like `open_append` for a file that must not exist yet; raises FileExistsError."""
        return os.open(path, APPEND_FLAGS | os.O_CREAT | os.O_EXCL, FILE_MODE)

    def close(self, fd: int) -> None:
        os.close(fd)

    # Reading

    def pread(self, fd: int, size_bytes: int, position: int) -> bytes:
        """One read of at most `size_bytes`; fewer at the end of the file, empty past it."""
        return os.pread(fd, size_bytes, position)

    def preadv(self, fd: int, buffers: Sequence[bytearray | memoryview], position: int) -> int:
        """One read into `buffers`; the number of bytes read, 0 at the end of the file."""
        return os.preadv(fd, buffers, position)

    def read_into(self, fd: int, buffer: bytearray | memoryview, position: int) -> int:
        """Fill `buffer` by as many reads as that takes; fewer bytes only where the file ends."""
        filled = 0
        with memoryview(buffer) as view:
            while filled < len(view):
                count = self.preadv(fd, [view[filled:]], position + filled)
                if count == 0:
                    break
                filled += count
        return filled

    def read_file(self, path: StrPath) -> bytes:
        """All of a (small) file."""
        fd = self.open_read(path)
        try:
            chunks = bytearray()
            while chunk := self.pread(fd, COPY_CHUNK_BYTES, len(chunks)):
                chunks += chunk
            return bytes(chunks)
        finally:
            self.close(fd)

    def mmap_readonly(self, fd: int) -> mmap.mmap:
        """A map of the whole file as it is now; raises ValueError for an empty one.

        It outlives `fd`. The file must never be shortened while it lives: reading past the new end is SIGBUS.
        """
        if sys.version_info >= (3, 13):
            # Without this every map holds a descriptor of its own, and sealed segments are many.
            return mmap.mmap(fd, 0, access=mmap.ACCESS_READ, trackfd=False)
        return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)

    # Writing

    def writev(self, fd: int, buffers: Sequence[Buffer]) -> int:
        """One write of at most IOV_MAX buffers; the number of bytes written, perhaps not all."""
        return os.writev(fd, buffers)

    def write_all(self, fd: int, buffers: Sequence[Buffer]) -> int:
        """Write every byte, however many calls that takes; the number of bytes.

        When it raises OSError some bytes may have been written: the caller knows the size from before.
        """
        written = 0
        for start in range(0, len(buffers), IOV_MAX):
            pending = buffers[start : start + IOV_MAX]
            count = self.writev(fd, pending)
            written += count
            if count != sum(map(len, pending)):
                written += self._write_rest(fd, pending, count)
        return written

    def _write_rest(self, fd: int, buffers: Sequence[Buffer], count: int) -> int:
        """Go on after a writev of `count` bytes, which may have been all; the number of bytes."""
        written = 0
        pending = _without_first_bytes([memoryview(buffer).cast("B") for buffer in buffers], count)
        while pending:
            count = self.writev(fd, pending)
            written += count
            pending = _without_first_bytes(pending, count)
        return written

    def ftruncate(self, fd: int, size_bytes: int) -> None:
        os.ftruncate(fd, size_bytes)

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def fdatasync(self, fd: int) -> None:
        """Data and size to the disk, without the times; plain fsync where the system has no fdatasync."""
        if sys.platform == "darwin":
            os.fsync(fd)
        else:
            os.fdatasync(fd)

    def fsync_directory(self, path: StrPath) -> None:
        """Make what was created, renamed and removed in the directory survive a power cut."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    # Names

    def exists(self, path: StrPath) -> bool:
        return os.path.exists(path)

    def is_directory(self, path: StrPath) -> bool:
        return os.path.isdir(path)

    def listdir(self, path: StrPath) -> list[str]:
        """The names in a directory, sorted."""
        return sorted(os.listdir(path))

    def size(self, path: StrPath) -> int:
        """Bytes in the file called `path`."""
        return os.stat(path).st_size

    def size_of(self, fd: int) -> int:
        """Bytes in an open file."""
        return os.fstat(fd).st_size

    def modified_ms(self, path: StrPath) -> int:
        """When the file was last written, in milliseconds since 1970-01-01 UTC."""
        return os.stat(path).st_mtime_ns // 1_000_000

    def mkdir(self, path: StrPath) -> None:
        """Make one directory; raises FileExistsError."""
        os.mkdir(path)

    def makedirs(self, path: StrPath) -> None:
        """Make a directory and its parents; nothing when it is there."""
        os.makedirs(path, exist_ok=True)

    def unlink(self, path: StrPath) -> None:
        os.unlink(path)

    def rmdir(self, path: StrPath) -> None:
        """Remove an empty directory."""
        os.rmdir(path)

    def replace(self, source: StrPath, target: StrPath) -> None:
        """Give a file or directory another name, in one step; a file of that name is gone."""
        os.replace(source, target)

    def lock(self, fd: int) -> bool:
        """Take the file's exclusive lock without waiting; False when another open file has it.

        It belongs to the open file: closing every copy of `fd`, or the end of the process, gives it back.
        """
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    # What is made of the above

    def replace_file(self, path: StrPath, data: Buffer, *, durable: bool = True) -> None:
        """Give `path` new contents so that after a crash it has either the old or the new ones, never a part.

        With `durable` the new ones are on the disk on return; without it only the atomicity is kept.
        """
        temporary = os.fspath(path) + TEMPORARY_SUFFIX
        if self.exists(temporary):
            self.unlink(temporary)
        fd = self.create(temporary)
        try:
            self.write_all(fd, [data])
            # Also when not durable: else a power cut after the rename can leave an empty file under the name.
            self.fsync(fd)
        finally:
            self.close(fd)
        self.replace(temporary, path)
        if durable:
            self.fsync_directory(Path(path).parent)

    def copy_tail(self, fd: int, position: int, target: StrPath) -> int:
        """Copy what an open file holds from `position` on into a new file, durably; the number of bytes.

        For what is about to be cut off. Raises FileExistsError when `target` is there.
        """
        target_fd = self.create(target)
        copied = 0
        try:
            while chunk := self.pread(fd, COPY_CHUNK_BYTES, position + copied):
                copied += self.write_all(target_fd, [chunk])
            self.fsync(target_fd)
        finally:
            self.close(target_fd)
        self.fsync_directory(Path(target).parent)
        return copied

    def remove_tree(self, path: StrPath) -> None:
        """Remove a directory and all in it. Links are removed, not followed."""
        for name in self.listdir(path):
            child = Path(path) / name
            if self.is_directory(child) and not child.is_symlink():
                self.remove_tree(child)
            else:
                self.unlink(child)
        self.rmdir(path)


def _without_first_bytes(views: list[memoryview], count: int) -> list[memoryview]:
    """What is left to write after `count` bytes were; none that is empty comes first."""
    for index, view in enumerate(views):
        if count < len(view):
            return [view[count:], *views[index + 1 :]]
        count -= len(view)
    return []


FILES = Files()
"""The real file system, for whoever is given no other."""
