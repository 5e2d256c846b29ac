"""What a power cut would take: every change that no fsync has reached yet, and how to undo it.

The model is the strictest that POSIX allows for files that are only appended to and cut:

    data in a file      is kept up to the size that the last fsync or fdatasync of the file saw
    a name              made, moved or removed comes back as it was, unless fsync of its directory followed
    a cut (ftruncate)   stays

Source: fsync(2), rename(2); LevelDB's fault_injection_test.cc does the same for its own tests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quekka.storage.files import FILES, Files


@dataclass(slots=True)
class NameChange:
    """One change of a directory's names, with the paths as they were when it was made.

    Threads: those of UnsyncedChanges.
    """

    undo: Callable[["NameChange", "UnsyncedChanges"], None]
    path: Path
    source: Path | None = None
    """Where `path` came from, when it was renamed."""
    contents: bytes | None = None
    """What a file that was removed or replaced held, as far as it was synced."""

    def follow(self, source: Path, target: Path) -> None:
        """A directory above was renamed."""
        if source in self.path.parents:
            self.path = _moved(self.path, source, target)
        if self.source is not None and source in self.source.parents:
            self.source = _moved(self.source, source, target)


class UnsyncedChanges:
    """The changes since the last syncs, in order.

    Threads: one at a time; FaultyFiles holds its lock around every call.
    """

    def __init__(self, files: Files = FILES) -> None:
        self.files = files
        self._changes: list[NameChange] = []
        self._synced_bytes: dict[Path, int] = {}

    # What happened

    def opened(self, path: Path, size_bytes: int) -> None:
        """An existing file is about to be written; all that was in it before is taken to be on disk."""
        self._synced_bytes.setdefault(path, size_bytes)

    def created(self, path: Path) -> None:
        self._synced_bytes[path] = 0
        self._changes.append(NameChange(_undo_create, path))

    def made_directory(self, path: Path) -> None:
        self._changes.append(NameChange(_undo_mkdir, path))

    def removing(self, path: Path) -> None:
        """A file is about to lose its name."""
        self._changes.append(NameChange(_undo_unlink, path, contents=self._synced_contents(path)))
        self.forget(path)

    def removed_directory(self, path: Path) -> None:
        self._changes.append(NameChange(_undo_rmdir, path))

    def replacing(self, source: Path, target: Path) -> None:
        """`source` is about to be called `target`."""
        is_file = self.files.exists(target) and not self.files.is_directory(target)
        contents = self._synced_contents(target) if is_file else None
        self.forget(target)
        self.move(source, target)
        self._changes.append(NameChange(_undo_replace, target, source, contents))

    def truncated(self, path: Path, size_bytes: int) -> None:
        if path in self._synced_bytes:
            self._synced_bytes[path] = min(self._synced_bytes[path], size_bytes)

    def synced(self, path: Path, size_bytes: int) -> None:
        if path in self._synced_bytes:
            self._synced_bytes[path] = size_bytes

    def synced_directory(self, path: Path) -> None:
        pending: list[NameChange] = []
        for change in self._changes:
            if change.path.parent != path:
                pending.append(change)
            elif change.source is not None:
                # It will not be taken back, so what was changed below it before has another place for good.
                for earlier in pending:
                    earlier.follow(change.source, change.path)
        self._changes = pending

    # What is done about it

    def undo(self) -> None:
        """Take back all of it, the last change first."""
        while self._changes:
            change = self._changes.pop()
            if self.files.exists(change.path.parent):
                change.undo(change, self)
        for path, size_bytes in self._synced_bytes.items():
            if self.files.exists(path):
                self._cut(path, size_bytes)
        self._synced_bytes.clear()

    def move(self, source: Path, target: Path) -> None:
        """Files called `source`, or below it, have another name now."""
        self._synced_bytes = {_moved(path, source, target): size for path, size in self._synced_bytes.items()}

    def restore(self, path: Path, contents: bytes) -> None:
        """Put a file back that had been removed."""
        self.files.replace_file(path, contents)
        self._synced_bytes[path] = len(contents)

    def forget(self, path: Path) -> None:
        """The file is gone."""
        self._synced_bytes.pop(path, None)

    def _synced_contents(self, path: Path) -> bytes:
        contents = self.files.read_file(path)
        return contents[: self._synced_bytes.get(path, len(contents))]

    def _cut(self, path: Path, size_bytes: int) -> None:
        fd = self.files.open_append(path)
        try:
            if self.files.size_of(fd) > size_bytes:
                self.files.ftruncate(fd, size_bytes)
        finally:
            self.files.close(fd)


def _moved(path: Path, source: Path, target: Path) -> Path:
    return target / path.relative_to(source) if path.is_relative_to(source) else path


def _undo_create(change: NameChange, changes: UnsyncedChanges) -> None:
    if changes.files.exists(change.path):
        changes.files.unlink(change.path)
    changes.forget(change.path)


def _undo_mkdir(change: NameChange, changes: UnsyncedChanges) -> None:
    if changes.files.exists(change.path):
        changes.files.remove_tree(change.path)


def _undo_unlink(change: NameChange, changes: UnsyncedChanges) -> None:
    assert change.contents is not None
    changes.restore(change.path, change.contents)


def _undo_rmdir(change: NameChange, changes: UnsyncedChanges) -> None:
    changes.files.makedirs(change.path)


def _undo_replace(change: NameChange, changes: UnsyncedChanges) -> None:
    assert change.source is not None
    if changes.files.exists(change.path):
        changes.files.replace(change.path, change.source)
        changes.move(change.path, change.source)
    if change.contents is not None:
        changes.restore(change.path, change.contents)
