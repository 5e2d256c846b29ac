"""What a disk holds for certain, and what it may hold: files and directories, and their unsynced changes.

Each file and each directory that was touched is a node with what is on disk for certain, and the changes
since then in their order:

    FileNode        durable bytes              + pending writes and cuts      until fsync of the file
    DirectoryNode   durable names -> nodes     + pending changes of names     until fsync of the directory

A name is data of its directory: a file that is synced, in a directory that is not, may be nowhere after the
cut. What of the pending changes survives is decided elsewhere (power_cut.py). What nobody touched is on disk.

After an fsync that failed the kernel may have dropped what it could not write, and it reports that once. So
the writes of that moment stay in doubt: no later fsync makes them durable.

Source: fsync(2), rename(2); "Can Applications Recover from fsync Failures?" (USENIX ATC 2020);
LevelDB's fault_injection_test.cc, which drops what was not synced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from quekka.storage.files import FILES, Files


@dataclass(slots=True)
class Write:
    """Bytes that were written.

    Threads: those of UnsyncedChanges.
    """

    position: int
    data: bytes
    is_doubtful: bool = False
    """An fsync that should have brought it to disk has failed."""

    def apply(self, content: bytearray) -> None:
        if len(content) < self.position:
            content.extend(bytes(self.position - len(content)))
        content[self.position : self.position + len(self.data)] = self.data


@dataclass(slots=True)
class Cut:
    """A change of a file's size.

    Threads: those of UnsyncedChanges.
    """

    size_bytes: int

    def apply(self, content: bytearray) -> None:
        del content[self.size_bytes :]
        content.extend(bytes(self.size_bytes - len(content)))


DataChange = Write | Cut


@dataclass(slots=True, eq=False)
class FileNode:
    """A file, whatever it is called.

    Threads: those of UnsyncedChanges.
    """

    durable: bytearray | None = None
    """None: it was not changed, and is on the disk as it is."""
    pending: list[DataChange] = field(default_factory=list)

    def sync(self) -> None:
        """All is on disk now, but for what an earlier sync has failed on."""
        if self.durable is None:
            return
        doubtful: list[DataChange] = []
        for change in self.pending:
            if isinstance(change, Cut):
                doubtful = _without_bytes_from(doubtful, change.size_bytes)
            elif change.is_doubtful:
                doubtful.append(change)
                continue
            change.apply(self.durable)
        self.pending = doubtful

    def fail_sync(self) -> None:
        """Nobody knows what of it is on disk."""
        for change in self.pending:
            if isinstance(change, Write):
                change.is_doubtful = True


def _without_bytes_from(writes: list[DataChange], size_bytes: int) -> list[DataChange]:
    kept: list[DataChange] = []
    for write in writes:
        if isinstance(write, Write) and write.position < size_bytes:
            kept.append(Write(write.position, write.data[: size_bytes - write.position], is_doubtful=True))
    return kept


Names = dict[str, "FileNode | DirectoryNode | None"]


@dataclass(slots=True, eq=False)
class DirectoryNode:
    """A directory, as far as its names were touched; None is for a name that is not there.

    Threads: those of UnsyncedChanges.
    """

    durable: Names = field(default_factory=dict)
    current: Names = field(default_factory=dict)
    pending: list[Names] = field(default_factory=list)
    """Each survives as a whole or not at all: a rename takes one name and gives the other."""

    def change(self, names: Mapping[str, "FileNode | DirectoryNode | None"]) -> None:
        for name in names:
            self.durable.setdefault(name, None)
        self.current.update(names)
        self.pending.append(dict(names))

    def sync(self) -> None:
        for names in self.pending:
            self.durable.update(names)
        self.pending.clear()


class UnsyncedChanges:
    """The file system from its root, as far as it was touched.

    Threads: one at a time; FaultyFiles holds its lock around every call.
    """

    def __init__(self, files: Files = FILES) -> None:
        self.files = files
        self.root = DirectoryNode()

    def prepare(self, path: Path) -> None:
        """Remember what is called `path`, with all below it, before it is changed or loses its name."""
        node = self.find(path)
        if isinstance(node, FileNode):
            if node.durable is None:
                node.durable = bytearray(self.files.read_file(path))
        elif isinstance(node, DirectoryNode):
            for name in self.files.listdir(path):
                self.prepare(path / name)

    def file(self, path: Path) -> FileNode | None:
        """The file that is called `path` now."""
        node = self.find(path)
        return node if isinstance(node, FileNode) else None

    def created(self, path: Path) -> FileNode:
        """A file that was not there is there now."""
        node = FileNode(bytearray())
        self.directory(path.parent).change({path.name: node})
        return node

    def made_directory(self, path: Path) -> None:
        self.directory(path.parent).change({path.name: DirectoryNode()})

    def removed(self, path: Path) -> None:
        """A file or an empty directory, prepared before, is gone."""
        self.directory(path.parent).change({path.name: None})

    def replaced(self, source: Path, target: Path) -> None:
        """What was called `source` is called `target`; both were prepared before."""
        old, new = self.directory(source.parent), self.directory(target.parent)
        node = old.current[source.name]
        if old is new:
            old.change({source.name: None, target.name: node})
        else:
            new.change({target.name: node})
            old.change({source.name: None})

    def synced_directory(self, path: Path) -> None:
        self.directory(path).sync()

    def directory(self, path: Path) -> DirectoryNode:
        """The directory that is called `path` now; it has to be there."""
        node = self.find(path)
        if not isinstance(node, DirectoryNode):
            raise NotADirectoryError(20, "Not a directory", str(path))
        return node

    def find(self, path: Path) -> "FileNode | DirectoryNode | None":
        """What is called `path` now, as the disk has it where it was not touched yet."""
        node: FileNode | DirectoryNode | None = self.root
        for depth, name in enumerate(path.parts[1:], start=2):
            if not isinstance(node, DirectoryNode):
                return None
            if name not in node.current:
                node.current[name] = node.durable[name] = self._untouched(Path(*path.parts[:depth]))
            node = node.current[name]
        return node

    def _untouched(self, path: Path) -> "FileNode | DirectoryNode | None":
        if self.files.is_directory(path):
            return DirectoryNode()
        return FileNode() if self.files.exists(path) else None
