"""Checking a whole data directory that no broker uses: every batch, every index entry, every small file.

    meta.properties              read as a broker does
    topics/<topic>/topic.json    read as a broker does
    .../<partition>/<n>.log      header, order and CRC-32C of each batch
    .../<n>.index .timeindex     each entry leads to the batch it names; the last has the largest timestamp
    checkpoints                  readable, and no offset in them beyond the log's end

Verifying changes nothing but the lock. What is found is a list of problems (partition_verifier.py), each
with what can be done about it (segment_repair.py).
"""

import errno
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Self

from quekka.errors import KafkaStorageError, QuekkaError
from quekka.formats.segment_name import LOG_SUFFIX
from quekka.storage.checkpoint_file import CHECKPOINT_NAMES, CheckpointFile
from quekka.storage.data_dir import META_NAME, DataDir, MetaProperties
from quekka.storage.files import FILES, Files
from quekka.storage.log_config import LogConfig
from quekka.storage.partition_verifier import Advance, PartitionVerifier, Problem, problem_text
from quekka.storage.segment_repair import lower_checkpoint, set_aside
from quekka.storage.topic_file import TOPIC_FILE_NAME, TopicFile


class LogVerifier:
    """A data directory to verify, locked for as long as this is open as a context manager.

    Repair the last problem first: so the positions of the others stay right.

    Threads: one.
    """

    def __init__(self, path: Path, files: Files = FILES, topics: Iterable[str] = ()) -> None:
        """`topics` limits the check to these; with none it covers all."""
        self._files = files
        self._data_dir = DataDir(path, files)
        self._only = frozenset(topics)
        self.segments = 0
        """Segments checked by the last `verify`."""

    def __enter__(self) -> Self:
        """Raises DataDirInUseError, and OSError when there is no such data directory or topic."""
        if not self._files.is_directory(self._data_dir.topics_path):
            raise FileNotFoundError(
                errno.ENOENT, "not there, so this is no data directory", self._data_dir.topics_path
            )
        unknown = self._only - set(self._data_dir.topic_names())
        if unknown:
            raise FileNotFoundError(
                errno.ENOENT, "no such topic", self._data_dir.topic_directory(min(unknown))
            )
        try:
            self._data_dir.lock()
        except KafkaStorageError as error:
            raise error.__cause__ or error from None
        return self

    def __exit__(self, *_: object) -> None:
        self._data_dir.unlock()

    def total_bytes(self) -> int:
        """Bytes of all .log files to check; raises OSError."""
        return sum(
            self._files.size(directory / name)
            for topic in self._topics()
            for directory in self._partition_directories(topic)
            for name in self._files.listdir(directory)
            if name.endswith(LOG_SUFFIX)
        )

    def verify(self, advance: Advance) -> Iterator[Problem]:
        """Every problem there is, file by file; raises OSError when a directory cannot be read."""
        self.segments = 0
        path = self._data_dir.path / META_NAME
        try:
            MetaProperties.parse(self._files.read_file(path), str(path))
        except (QuekkaError, OSError) as error:
            yield Problem(path, problem_text(error, path))
        for topic in self._topics():
            yield from self._verify_topic(topic, advance)

    def _topics(self) -> list[Path]:
        names = self._data_dir.topic_names()
        return [
            self._data_dir.topic_directory(name) for name in names if not self._only or name in self._only
        ]

    def _partition_directories(self, topic: Path) -> list[Path]:
        """In the order of the partitions."""
        names = [name for name in self._files.listdir(topic) if name.isascii() and name.isdigit()]
        return [topic / name for name in sorted(names, key=int) if self._files.is_directory(topic / name)]

    def _verify_topic(self, topic: Path, advance: Advance) -> Iterator[Problem]:
        config = LogConfig.from_settings({})
        directories = self._partition_directories(topic)
        try:
            topic_file = TopicFile.load(topic, self._files)
            config = LogConfig.from_settings(topic_file.settings)
        except (QuekkaError, OSError) as error:
            path = topic / TOPIC_FILE_NAME
            yield Problem(path, problem_text(error, path))
        else:
            found = {path.name for path in directories}
            for partition in range(topic_file.partitions):
                if str(partition) not in found:
                    yield Problem(topic / str(partition), "the partition's directory is missing")
        ends = {}
        for directory in directories:
            verifier = PartitionVerifier(self._files, directory, config.index_interval_bytes, advance)
            yield from verifier.verify()
            self.segments += verifier.segments
            ends[int(directory.name)] = verifier.log_end_offset
        for name in CHECKPOINT_NAMES:
            yield from self._verify_checkpoint(CheckpointFile(topic, name, self._files), ends)

    def _verify_checkpoint(self, checkpoint: CheckpointFile, ends: dict[int, int]) -> Iterator[Problem]:
        path = checkpoint.path
        try:
            offsets = checkpoint.read_strictly()
        except FileNotFoundError:
            return
        except OSError as error:
            yield Problem(path, problem_text(error, path))
        except QuekkaError as error:
            yield Problem(path, error.message, remedy="safe", repair=partial(set_aside, self._files, path))
        else:
            for partition, offset in offsets.items():
                if offset > ends.get(partition, offset):
                    what = (
                        f"partition {partition}: offset {offset} is beyond the log's end, {ends[partition]}"
                    )
                    repair = partial(lower_checkpoint, checkpoint, ends)
                    yield Problem(path, what, remedy="safe", repair=repair)
