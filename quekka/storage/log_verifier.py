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

from quekka.errors import DataDirInUseError, KafkaStorageError, QuekkaError, UnsupportedVersionError
from quekka.formats.segment_name import LOG_SUFFIX
from quekka.storage.checkpoint_file import (
    CHECKPOINT_NAMES,
    CLEANER_OFFSET_NAME,
    LOG_START_OFFSET_NAME,
    CheckpointFile,
)
from quekka.storage.data_dir import (
    BROKER_ID,
    CLEAN_SHUTDOWN_NAME,
    LOCK_NAME,
    META_NAME,
    DataDir,
    MetaProperties,
    new_cluster_id,
)
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import FILES, Files
from quekka.storage.log_config import LogConfig
from quekka.storage.partition_verifier import Advance, PartitionVerifier, Problem, Remedy, problem_text
from quekka.storage.producer_ids import PRODUCER_IDS_NAME, format_block, parse_block
from quekka.storage.segment_repair import lower_checkpoint, raise_checkpoint, renew_checkpoint, set_aside
from quekka.storage.topic_file import TOPIC_FILE_NAME, TopicFile

UNSEEN_PRODUCER_IDS = 1_000_000
"""How many ids are passed over that may have been given away without a trace in any log."""

READ_ONLY_ERRORS = (errno.EROFS, errno.EACCES, errno.EPERM)


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
        self._producer_id_max = -1
        self._lock_file: OpenFile | None = None

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
            if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in READ_ONLY_ERRORS:
                raise error.__cause__ or error from None
            self._lock_read_only()
        return self

    def _lock_read_only(self) -> None:
        """Keep out a broker that can write where this program cannot; without a lock file there is none."""
        path = self._data_dir.path / LOCK_NAME
        if self._files.exists(path):
            self._lock_file = OpenFile(self._files, path, self._files.open_read(path))
            if not self._files.lock(self._lock_file.fileno):
                raise DataDirInUseError(f"{self._data_dir.path}: in use by a broker ({LOCK_NAME} is locked)")

    def __exit__(self, *_: object) -> None:
        self._data_dir.unlock()
        self._lock_file = None

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
            repair = None if isinstance(error, UnsupportedVersionError) else self._renew_meta
            remedy: Remedy = "safe" if repair else "none"
            yield Problem(path, problem_text(error, path), remedy=remedy, repair=repair)
        for topic in self._topics():
            yield from self._verify_topic(topic, advance)
        if not self._only:
            yield from self._verify_producer_ids()

    def _renew_meta(self) -> str:
        path = self._data_dir.path / META_NAME
        done = [] if not self._files.exists(path) else [set_aside(self._files, path)]
        meta = MetaProperties(BROKER_ID, new_cluster_id())
        self._files.replace_file(path, meta.format())
        return ", ".join([*done, f"made anew with the cluster id {meta.cluster_id}"])

    def _verify_producer_ids(self) -> Iterator[Problem]:
        path = self._data_dir.path / PRODUCER_IDS_NAME
        try:
            parse_block(self._files.read_file(path), str(path))
        except FileNotFoundError:
            return
        except UnsupportedVersionError as error:
            yield Problem(path, problem_text(error, path))
        except (QuekkaError, OSError) as error:
            repair = self._renew_producer_ids
            yield Problem(path, problem_text(error, path), remedy="safe", repair=repair)

    def _renew_producer_ids(self) -> str:
        """Beyond all ids that were met, and those that may have been given away and not used yet."""
        path = self._data_dir.path / PRODUCER_IDS_NAME
        next_id = (self._producer_id_max + 1) + UNSEEN_PRODUCER_IDS
        done = set_aside(self._files, path)
        self._files.replace_file(path, format_block(next_id))
        return f"{done}, the next producer id is {next_id}"

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
        was_compacted = True
        directories = self._partition_directories(topic)
        try:
            topic_file = TopicFile.load(topic, self._files)
            config = LogConfig.from_settings(topic_file.settings)
            was_compacted = config.cleanup_compact or self._files.exists(topic / CLEANER_OFFSET_NAME)
        except (QuekkaError, OSError) as error:
            path = topic / TOPIC_FILE_NAME
            yield Problem(path, problem_text(error, path))
        else:
            found = {path.name for path in directories}
            for partition in range(topic_file.partitions):
                if str(partition) not in found:
                    yield Problem(topic / str(partition), "the partition's directory is missing")
        starts = self._log_start_offsets(topic)
        verifiers = {}
        for directory in directories:
            partition = int(directory.name)
            verifiers[partition] = verifier = PartitionVerifier(
                self._files, directory, config.index_interval_bytes, advance,
                log_start_offset=(starts or {}).get(partition, 0), was_compacted=was_compacted,
            )  # fmt: skip
            yield from verifier.verify()
            self.segments += verifier.segments
            self._producer_id_max = max(self._producer_id_max, verifier.producer_id_max)
        ends = {partition: verifier.log_end_offset for partition, verifier in verifiers.items()}
        lowest = {partition: verifier.first_offset for partition, verifier in verifiers.items()}
        for name in CHECKPOINT_NAMES:
            lower_to = lowest if name == LOG_START_OFFSET_NAME else ends
            yield from self._verify_checkpoint(CheckpointFile(topic, name, self._files), ends, lower_to)
        if starts is not None and self._files.exists(self._data_dir.path / CLEAN_SHUTDOWN_NAME):
            for partition, first_offset in lowest.items():
                yield from self._verify_start(topic, partition, starts.get(partition, 0), first_offset)

    def _log_start_offsets(self, topic: Path) -> dict[int, int] | None:
        """None where they cannot be known; what is wrong with the file is another problem."""
        try:
            return CheckpointFile(topic, LOG_START_OFFSET_NAME, self._files).read_strictly()
        except FileNotFoundError:
            return {}
        except (QuekkaError, OSError):
            return None

    def _verify_start(
        self, topic: Path, partition: int, log_start_offset: int, first_offset: int
    ) -> Iterator[Problem]:
        """After a clean stop no segment is missing at the start either."""
        if log_start_offset < first_offset:
            checkpoint = CheckpointFile(topic, LOG_START_OFFSET_NAME, self._files)
            what = f"offsets {log_start_offset} to {first_offset - 1} are missing"
            repair = partial(raise_checkpoint, checkpoint, partition, first_offset)
            yield Problem(topic / str(partition), what, remedy="destructive", repair=repair)

    def _verify_checkpoint(
        self, checkpoint: CheckpointFile, ends: dict[int, int], lower_to: dict[int, int]
    ) -> Iterator[Problem]:
        """`lower_to`: what stands in the place of an offset beyond the end; no log start may hide records."""
        path = checkpoint.path
        try:
            offsets = checkpoint.read_strictly()
        except FileNotFoundError:
            return
        except (QuekkaError, OSError) as error:
            repair = partial(set_aside, self._files, path)
            if path.name == LOG_START_OFFSET_NAME:
                repair = partial(renew_checkpoint, self._files, checkpoint, lower_to)
            yield Problem(path, problem_text(error, path), remedy="safe", repair=repair)
        else:
            for partition, offset in offsets.items():
                if offset > ends.get(partition, offset):
                    what = (
                        f"partition {partition}: offset {offset} is beyond the log's end, {ends[partition]}"
                    )
                    repair = partial(lower_checkpoint, checkpoint, ends, lower_to)
                    yield Problem(path, what, remedy="safe", repair=repair)
