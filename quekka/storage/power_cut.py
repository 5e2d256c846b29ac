"""What is left when the power goes: one of the many states that a disk may be in, picked by a seed.

    a file's writes      none, all, the first ones with the last one torn, or any sectors of any of them,
                         later ones without earlier ones; where one is missing there are zeros
    a file's size        up to its last surviving byte, or up to where it was, or anything between; with zeros
    a file's cuts        the first so many; a write behind a cut that did not survive did not either
    a directory's names  none of the changes, all, the first so many, or any of them

Without a seed nothing survives that was not synced. A disk that loses bytes that were synced, or brings up
others than were written, is no subject here: see tests/recovery/test_damage.py for what the broker does then.

Source: All File Systems Are Not Created Equal (OSDI 2014), for what file systems really do; it is less.
"""

import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

from quekka.storage.files import Files
from quekka.storage.unsynced_changes import Cut, DataChange, DirectoryNode, FileNode, Names, Write

SECTOR_BYTES = 512
"""What a disk writes as a whole, or not at all."""


class Survivors:
    """Decides what survives; the same for the same seed and the same changes.

    Threads: one.
    """

    def __init__(self, seed: int | None = None) -> None:
        """`seed` None: nothing survives."""
        self._seed = seed

    def content(self, where: str, file: FileNode) -> bytes:
        """What the file called `where` holds."""
        content = bytearray(file.durable or b"")
        if self._seed is None or not file.pending:
            return bytes(content)
        rng = random.Random(f"{self._seed}/data/{where}")
        changes = _before_a_lost_cut(file.pending, rng)
        full_bytes = _size_after(len(content), changes)
        for change in _surviving_changes(changes, rng):
            change.apply(content)
        return bytes(_grown(content, full_bytes, rng))

    def names(self, where: str, directory: DirectoryNode) -> Names:
        """What the directory called `where` holds, of the names that were touched."""
        names = dict(directory.durable)
        if self._seed is not None:
            rng = random.Random(f"{self._seed}/names/{where}")
            for change in _surviving_names(directory.pending, rng):
                names.update(change)
        return names


def _surviving_names(pending: Sequence[Names], rng: random.Random) -> Sequence[Names]:
    how = rng.choice(("none", "all", "first", "any", "any"))
    if how == "none":
        return []
    if how == "first":
        return pending[: rng.randint(0, len(pending))]
    share = 1.0 if how == "all" else rng.random()
    return [change for change in pending if rng.random() < share]


def _before_a_lost_cut(pending: Sequence[DataChange], rng: random.Random) -> list[DataChange]:
    cuts = [place for place, change in enumerate(pending) if isinstance(change, Cut)]
    lost = rng.choice([*cuts, len(pending)])
    return list(pending[:lost])


def _size_after(size_bytes: int, changes: Sequence[DataChange]) -> int:
    for change in changes:
        if isinstance(change, Cut):
            size_bytes = change.size_bytes
        else:
            size_bytes = max(size_bytes, change.position + len(change.data))
    return size_bytes


def _surviving_changes(changes: Sequence[DataChange], rng: random.Random) -> list[DataChange]:
    how = rng.choice(("none", "all", "first", "whole writes", "sectors", "sectors"))
    last = rng.randint(0, len(changes)) if how == "first" else len(changes)
    share = {"none": 0.0, "all": 1.0, "first": 1.0}.get(how, rng.random())
    surviving: list[DataChange] = []
    for place, change in enumerate(changes):
        if isinstance(change, Cut):
            surviving.append(change)
        elif how == "sectors":
            surviving += [sector for sector in _sectors(change) if rng.random() < share]
        elif place < last and rng.random() < share:
            surviving.append(change)
        elif place == last:
            surviving.append(Write(change.position, change.data[: rng.randrange(len(change.data) + 1)]))
    return surviving


def _sectors(write: Write) -> list[Write]:
    """The write in pieces that end where sectors end."""
    pieces = []
    start = 0
    while start < len(write.data):
        end = start + SECTOR_BYTES - (write.position + start) % SECTOR_BYTES
        pieces.append(Write(write.position + start, write.data[start:end]))
        start = end
    return pieces


def _grown(content: bytearray, full_bytes: int, rng: random.Random) -> bytearray:
    """The size is kept apart from the data: the file may be longer than what was written of it."""
    missing_bytes = max(0, full_bytes - len(content))
    content.extend(bytes(rng.choice((0, missing_bytes, rng.randint(0, missing_bytes)))))
    return content


class PowerCut:
    """Brings about what survives, in the place of what is there or as a copy elsewhere.

    Threads: one, while nothing changes the files.
    """

    def __init__(self, files: Files, survivors: Survivors) -> None:
        self._files = files
        self._survivors = survivors

    def restore(self, directory: DirectoryNode, path: Path, where: str = "") -> None:
        """Make the real directory `path` what is left of it."""
        for name, node in self._survivors.names(where, directory).items():
            target, place = path / name, f"{where}/{name}"
            is_there = node is not None and directory.current.get(name) is node
            if is_there and isinstance(node, DirectoryNode):
                self.restore(node, target, place)
                continue
            if is_there and isinstance(node, FileNode) and node.durable is None:
                continue
            self._remove(target)
            self._write(node, target, place)

    def copy(self, directory: DirectoryNode, path: Path, target: Path, where: str = "") -> None:
        """Write what is left of `path` into the new directory `target`."""
        self._files.mkdir(target)
        for name, node in self._survivors.names(where, directory).items():
            place = f"{where}/{name}"
            is_there = node is not None and directory.current.get(name) is node
            if is_there and isinstance(node, DirectoryNode):
                self.copy(node, path / name, target / name, place)
            elif is_there and isinstance(node, FileNode) and node.durable is None:
                self._copy_untouched(path / name, target / name)
            else:
                self._write(node, target / name, place)
        for name in self._files.listdir(path):
            if name not in directory.current:
                self._copy_untouched(path / name, target / name)

    def _write(self, node: FileNode | DirectoryNode | None, target: Path, where: str) -> None:
        """A node that is complete in memory."""
        if isinstance(node, FileNode):
            self._write_file(target, self._survivors.content(where, node))
        elif isinstance(node, DirectoryNode):
            self._files.mkdir(target)
            for name, child in self._survivors.names(where, node).items():
                self._write(child, target / name, f"{where}/{name}")

    def _write_file(self, target: Path, data: bytes) -> None:
        fd = self._files.create(target)
        try:
            self._files.write_all(fd, [data])
        finally:
            self._files.close(fd)

    def _copy_untouched(self, path: Path, target: Path) -> None:
        if not self._files.is_directory(path):
            self._write_file(target, self._files.read_file(path))
            return
        self._files.mkdir(target)
        for name in self._files.listdir(path):
            self._copy_untouched(path / name, target / name)

    def _remove(self, path: Path) -> None:
        if self._files.is_directory(path):
            self._files.remove_tree(path)
            return
        with contextlib.suppress(FileNotFoundError):
            self._files.unlink(path)
