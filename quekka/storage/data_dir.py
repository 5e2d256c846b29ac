"""The data directory: who holds it, what it is, and whether the last broker that had it stopped cleanly.

    <data>/meta.properties      version=1, broker.id=1, cluster.id=<22 characters>
    <data>/.lock                flock(2) of the broker that runs, and its process id as text
    <data>/.clean_shutdown      there only between a clean stop and the next start
    <data>/topics/<topic>/      one directory per topic (topic_file.py)

`version` is that of the whole layout: a broker refuses a directory whose version is newer than its own.
Source: org.apache.kafka.metadata.properties.MetaProperties and org.apache.kafka.common.Uuid (the cluster id).
"""

import base64
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quekka.errors import CorruptMessageError, DataDirInUseError, KafkaStorageError, UnsupportedVersionError
from quekka.storage.files import FILES, Files
from quekka.storage.topic_file import is_leftover

META_NAME = "meta.properties"
LOCK_NAME = ".lock"
CLEAN_SHUTDOWN_NAME = ".clean_shutdown"
TOPICS_NAME = "topics"

LAYOUT_VERSION = 1
BROKER_ID = 1
_PID_BYTES_MAX = 32


@dataclass(frozen=True, slots=True)
class MetaProperties:
    """What meta.properties says.

    Threads: any; immutable.
    """

    broker_id: int
    cluster_id: str

    @classmethod
    def parse(cls, data: bytes, where: str) -> "MetaProperties":
        """Read the file's contents; `where` is its name for messages.

        Raises CorruptMessageError when a property is missing or malformed, UnsupportedVersionError when the
        directory was written by a newer version.
        """
        properties = {}
        for line in data.decode("utf-8", "replace").splitlines():
            name, _, value = line.partition("=")
            properties[name.strip()] = value.strip()
        version = _whole_number(properties, "version", where)
        if version > LAYOUT_VERSION:
            raise UnsupportedVersionError(
                f"{where}: version={version} is newer than this program, which knows up to {LAYOUT_VERSION}"
            )
        if not properties.get("cluster.id"):
            raise CorruptMessageError(f"{where}: no cluster.id")
        return cls(_whole_number(properties, "broker.id", where), properties["cluster.id"])

    def format(self) -> bytes:
        """The file's contents."""
        lines = (f"version={LAYOUT_VERSION}", f"broker.id={self.broker_id}", f"cluster.id={self.cluster_id}")
        return "".join(f"{line}\n" for line in lines).encode()


def _whole_number(properties: dict[str, str], name: str, where: str) -> int:
    value = properties.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise CorruptMessageError(f"{where}: {name}={value[:32]!r} is not a number")
    return int(value)


def new_cluster_id() -> str:
    """A random UUID as Kafka writes it: 22 characters of url-safe base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


class DataDir:
    """One data directory, held by one broker at a time.

    Threads: the broker's main thread opens and closes it; what it knows then may be read by any.
    """

    cluster_id: str
    broker_id: int
    was_clean_stop: bool
    """Whether the last broker closed everything here; true also for a new directory. Read by `open`."""

    def __init__(self, path: Path | str, files: Files = FILES) -> None:
        self.path = Path(path)
        self.topics_path = self.path / TOPICS_NAME
        self._files = files
        self._lock_fd: int | None = None

    def open(self) -> None:
        """Take the directory for this process, making what is missing.

        Raises DataDirInUseError, UnsupportedVersionError, CorruptMessageError (meta.properties), and
        KafkaStorageError when the directory cannot be made, read or written.
        """
        with self._storage_errors():
            self._make_directories()
        self.lock()
        try:
            with self._storage_errors():
                self._load()
        except BaseException:
            self.unlock()
            raise

    def _make_directories(self) -> None:
        """The directory and those above it, each for sure in the one that it was made in."""
        path = self.path.absolute()
        missing = [directory for directory in (path, *path.parents) if not self._files.exists(directory)]
        self._files.makedirs(path)
        for directory in missing:
            self._files.fsync_directory(directory.parent)

    def lock(self) -> None:
        """Only keep others out, as an offline tool needs; raises DataDirInUseError, KafkaStorageError."""
        with self._storage_errors():
            fd = self._files.open_append(self.path / LOCK_NAME)
            try:
                self._lock_file(fd)
            except BaseException:
                self._files.close(fd)
                raise
        self._lock_fd = fd

    def _lock_file(self, fd: int) -> None:
        if not self._files.lock(fd):
            holder = self._files.pread(fd, _PID_BYTES_MAX, 0).decode("ascii", "replace").strip()
            raise DataDirInUseError(
                f"{self.path}: in use by process {holder or 'unknown'} ({LOCK_NAME} is locked)"
            )
        self._files.ftruncate(fd, 0)
        self._files.write_all(fd, [f"{os.getpid()}\n".encode()])

    def unlock(self) -> None:
        """Let others have it. The file stays: without it two processes could lock two files of one name."""
        if self._lock_fd is not None:
            self._files.close(self._lock_fd)
            self._lock_fd = None

    def close(self, *, clean: bool) -> None:
        """Give the directory back; `clean` says that every log in it was closed and flushed."""
        if self._lock_fd is None:
            return
        try:
            if clean:
                self._files.replace_file(self.path / CLEAN_SHUTDOWN_NAME, b"")
        finally:
            self.unlock()

    def topic_names(self) -> list[str]:
        """The topics that have a directory, sorted."""
        return [
            name
            for name in self._files.listdir(self.topics_path)
            if not is_leftover(name) and self._files.is_directory(self.topics_path / name)
        ]

    def topic_directory(self, name: str) -> Path:
        """Where the topic's files are; whether it exists or not."""
        return self.topics_path / name

    def _load(self) -> None:
        is_new = not self._files.exists(self.path / META_NAME)
        meta = self._new_meta() if is_new else self._read_meta()
        self.broker_id, self.cluster_id = meta.broker_id, meta.cluster_id
        self._files.makedirs(self.topics_path)
        self.was_clean_stop = is_new or self._take_clean_shutdown()
        self._files.fsync_directory(self.path)
        self._files.fsync_directory(self.path.absolute().parent)

    def _read_meta(self) -> MetaProperties:
        path = self.path / META_NAME
        return MetaProperties.parse(self._files.read_file(path), str(path))

    def _new_meta(self) -> MetaProperties:
        if self._files.exists(self.topics_path):
            raise CorruptMessageError(f"{self.path}: there is {TOPICS_NAME}, but {META_NAME} is missing")
        meta = MetaProperties(BROKER_ID, new_cluster_id())
        self._files.replace_file(self.path / META_NAME, meta.format())
        return meta

    def _take_clean_shutdown(self) -> bool:
        """The marker goes before anything is written here, so that a crash from now on is noticed."""
        marker = self.path / CLEAN_SHUTDOWN_NAME
        if not self._files.exists(marker):
            return False
        self._files.unlink(marker)
        return True

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = error.filename or self.path
            raise KafkaStorageError(
                f"{self.path}: cannot be used as a data directory: {where}: {error.strerror or error}"
            ) from error
