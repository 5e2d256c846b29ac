"""From a topic's directory to a Topic that serves: logs, writer and checkpoints, tied together."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from quekka.broker.housekeeping import Housekeeping
from quekka.broker.partition import Partition
from quekka.broker.topic import Topic
from quekka.broker.topic_writer import TopicWriter
from quekka.clock import Clock
from quekka.storage.checkpoint_file import LOG_START_OFFSET_NAME, RECOVERY_POINT_NAME, CheckpointFile
from quekka.storage.file_cache import FileCache
from quekka.storage.files import Files
from quekka.storage.partition_log import PartitionLog
from quekka.storage.producer_state import ProducerLimits
from quekka.storage.topic_file import TopicFile

logger = logging.getLogger(__name__)


class Checkpoints:
    """The two checkpoint files of one topic, written only when what they say has changed.

    Threads: `write` by the topic's writer, or by the thread that stops the broker once the writer has ended.
    """

    def __init__(
        self,
        directory: Path,
        files: Files,
        known: Mapping[str, Mapping[int, int]],
        *,
        was_clean_stop: bool,
    ) -> None:
        """`known` is what the files say; only after a clean stop the disk is sure to say it too."""
        self._files = {
            name: CheckpointFile(directory, name, files)
            for name in (RECOVERY_POINT_NAME, LOG_START_OFFSET_NAME)
        }
        self._written = dict(known)
        self._not_durable: set[str] = set() if was_clean_stop else set(known)

    def write(self, partitions: tuple[Partition, ...], *, at_stop: bool = False) -> bool:
        """Write down recovery points and log start offsets; False when those that matter could not be.

        A log start offset is written durably, since deleted records must not come back; a recovery point
        only saves work after a crash, so nothing is lost when it cannot be written. At a clean stop it is
        where the log ends, and what the next start holds the log against. Failures are logged.
        """
        has_recovery_points = self._write(
            RECOVERY_POINT_NAME, {p.index: p.log.recovery_point for p in partitions}, durable=at_stop
        )
        has_start_offsets = self._write(
            LOG_START_OFFSET_NAME, {p.index: p.view().log_start_offset for p in partitions}, durable=True
        )
        return has_start_offsets and (has_recovery_points or not at_stop)

    def _write(self, name: str, offsets: dict[int, int], *, durable: bool) -> bool:
        if self._written.get(name) == offsets and not (durable and name in self._not_durable):
            return True
        try:
            self._files[name].write(offsets, durable=durable)
        except OSError as error:
            logger.error("%s could not be written: %s", self._files[name].path, str(error))
            return False
        self._written[name] = offsets
        if durable:
            self._not_durable.discard(name)
        else:
            self._not_durable.add(name)
        return True


class TopicFactory:
    """Makes Topics; it keeps none.

    Threads: any, one topic by one thread at a time.
    """

    def __init__(
        self,
        files: Files,
        file_cache: FileCache,
        clock: Clock,
        housekeeping: Housekeeping,
        defaults: Mapping[str, str],
        queue_bytes_max: Callable[[], int],
        producer_limits: ProducerLimits,
    ) -> None:
        self._files = files
        self._file_cache = file_cache
        self._clock = clock
        self._housekeeping = housekeeping
        self._defaults = defaults
        self._queue_bytes_max = queue_bytes_max
        self._producer_limits = producer_limits

    def open(self, directory: Path, described: TopicFile, *, was_clean_stop: bool) -> Topic:
        """Open all partitions; after an unclean stop from their recovery points on, checking every batch.

        Raises KafkaStorageError that names the file where a log cannot be opened.
        """
        known = {
            name: CheckpointFile(directory, name, self._files).read() or {}
            for name in (RECOVERY_POINT_NAME, LOG_START_OFFSET_NAME)
        }
        checkpoints = Checkpoints(directory, self._files, known, was_clean_stop=was_clean_stop)
        topic: Topic

        def write_checkpoints(*, at_stop: bool = False) -> bool:
            return checkpoints.write(topic.partitions, at_stop=at_stop)

        writer = TopicWriter(described.name, self._queue_bytes_max, self._housekeeping, write_checkpoints)
        topic = Topic(
            described.name, described.topic_id, described.settings, self._defaults, writer, write_checkpoints
        )
        partitions = []
        for index in range(described.partitions):
            recovery_point = None if was_clean_stop else known[RECOVERY_POINT_NAME].get(index, 0)
            log_start_offset = known[LOG_START_OFFSET_NAME].get(index, 0)
            last_end_offset = known[RECOVERY_POINT_NAME].get(index, log_start_offset)
            if was_clean_stop and log_start_offset > last_end_offset:
                logger.error(
                    "%s: partition %d: log start offset %d is not used: at the last stop the log ended at %d",
                    directory / LOG_START_OFFSET_NAME, index, log_start_offset, last_end_offset,
                )  # fmt: skip
                log_start_offset = 0
            clean_end_offset = known[RECOVERY_POINT_NAME].get(index, 0) if was_clean_stop else 0
            partitions.append(
                self._open_partition(
                    topic, directory, index, log_start_offset, recovery_point, clean_end_offset
                )
            )
        topic.partitions = tuple(partitions)
        return topic

    def add_partitions(self, topic: Topic, directory: Path, total: int) -> None:
        """Open empty logs for the partitions beyond those the topic has, and show them all at once."""
        added = [
            self._open_partition(topic, directory, index, 0, None, 0)
            for index in range(len(topic.partitions), total)
        ]
        topic.partitions = (*topic.partitions, *added)

    def _open_partition(
        self,
        topic: Topic,
        directory: Path,
        index: int,
        log_start_offset: int,
        recovery_point: int | None,
        clean_end_offset: int,
    ) -> Partition:
        log = PartitionLog.open(
            directory / str(index),
            config=topic.config,
            files=self._files,
            file_cache=self._file_cache,
            clock=self._clock,
            log_start_offset=log_start_offset,
            recovery_point=recovery_point,
            clean_end_offset=clean_end_offset,
            producer_limits=self._producer_limits,
        )
        return Partition(topic.name, index, log, topic.writer)
