"""What happens by itself: flushing, retention, cleaning, the expiry of offsets, the end of idle writers.

Timers only decide that something is due and queue it. The work is done by the topic's writer, or, where it
takes long and needs no ownership, by one of two workers: `quekka-flusher` syncs files while the writer goes
on appending, and `quekka-cleaner` writes compacted segments that the writer then puts in place, and deletes
committed offsets that have expired.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from quekka.broker.commands import (
    BeginFlushCommand,
    FlushedCommand,
    ReplaceSegmentsCommand,
    RetentionCommand,
    RetireCommand,
)
from quekka.broker.completion import Completion
from quekka.broker.config import BrokerConfig
from quekka.broker.metrics import Metrics
from quekka.broker.retention import expired_before_offset
from quekka.broker.timers import Timers
from quekka.broker.wake import WakePool
from quekka.broker.worker import Worker
from quekka.clock import Clock
from quekka.errors import QuekkaError
from quekka.storage.log_cleaner import LogCleaner, LogCleaningAborted
from quekka.storage.log_writer import FlushTicket

if TYPE_CHECKING:
    from quekka.broker.partition import Partition
    from quekka.broker.topic import Topic
    from quekka.broker.topic_writer import TopicWriter

logger = logging.getLogger(__name__)

ExpireOffsets = Callable[[Callable[[], bool]], None]
"""Deletes what has expired, until the function that it is given says that the broker stops."""


class Housekeeping:
    """The timers and workers of one broker.

    Threads: `flush_later` and `sync_files` by writers, `start` and the stops by the thread that starts and
    stops the broker, the rest by the thread its name says.
    """

    def __init__(self, clock: Clock, config: BrokerConfig, cleaner: LogCleaner) -> None:
        self.metrics = Metrics()
        self.wakes = WakePool()
        self.timers = Timers(clock)
        self._clock = clock
        self._config = config
        self._log_cleaner = cleaner
        self._flusher = Worker("quekka-flusher")
        self._cleaner = Worker("quekka-cleaner")
        self._topics: Callable[[], Iterable[Topic]] = tuple
        self._expire_offsets: ExpireOffsets | None = None
        self._cleaning = False
        self._expiring = False
        self._stopping = False

    def start(self, topics: Callable[[], Iterable["Topic"]], expire_offsets: ExpireOffsets) -> None:
        """Begin to look after `topics()`, as they are at each time, and after what groups have committed."""
        self._topics = topics
        self._expire_offsets = expire_offsets
        self.timers.start()
        self.timers.every(self._config.log_retention_check_interval_ms / 1000, self.check_retention)
        self.timers.every(self._config.log_cleaner_backoff_ms / 1000, self.check_cleaning)
        self.timers.every(self._config.offsets_retention_check_interval_ms / 1000, self.check_offsets)
        self.timers.every(self._config.writer_idle_ms / 1000, self.retire_idle_writers)

    def stop_timers(self) -> None:
        """Let no more begin, and what the cleaner does end before its next batch."""
        self._stopping = True
        self._log_cleaner.abort()
        self.timers.stop()

    def stop_workers(self) -> None:
        """Finish what the workers have begun; their last commands are queued when this returns."""
        self._cleaner.stop()
        self._flusher.stop()

    # Flushing

    def flush_later(self, writer: "TopicWriter", flush_ms: int) -> None:
        """Have the writer's dirty files synced `flush_ms` from now."""
        self.timers.after(flush_ms / 1000, partial(self._begin_flush, writer))

    def _begin_flush(self, writer: "TopicWriter") -> None:
        writer.submit_if_running(BeginFlushCommand())

    def sync_files(self, writer: "TopicWriter", partition: "Partition", ticket: FlushTicket) -> None:
        """Sync what the ticket names on the flusher's thread, then tell the writer."""
        self._flusher.submit(partial(self._sync, writer, partition, ticket))

    def _sync(self, writer: "TopicWriter", partition: "Partition", ticket: FlushTicket) -> None:
        error: OSError | None = None
        try:
            ticket.sync()
        except OSError as failure:
            error = failure
        writer.submit_if_running(FlushedCommand(partition, ticket, error))

    # Retention

    def check_retention(self) -> None:
        """Queue the deletion of what is too old or too much."""
        now_ms = self._clock.wall_ms()
        for topic in self._topics():
            for partition in topic.partitions:
                try:
                    self._check_retention(topic, partition, now_ms)
                except QuekkaError as error:
                    # Often a topic that is deleted meanwhile; never a reason to keep what others have.
                    logger.warning("%s: no retention now: %s", partition, error.message)

    def _check_retention(self, topic: "Topic", partition: "Partition", now_ms: int) -> None:
        before_offset = expired_before_offset(partition.view(), topic.config, now_ms)
        if before_offset is not None:
            topic.writer.submit(RetentionCommand(partition, before_offset))

    # Cleaning

    def check_cleaning(self) -> None:
        """Have the cleaner look at the compacted topics, unless it still does."""
        if self._cleaning or not any(topic.config.cleanup_compact for topic in self._topics()):
            return
        self._cleaning = True
        if not self._cleaner.submit(self._clean_all):
            self._cleaning = False

    def _clean_all(self) -> None:
        try:
            for topic in self._topics():
                if topic.config.cleanup_compact:
                    for partition in topic.partitions:
                        self._clean(topic, partition)
        except LogCleaningAborted:
            logger.info("cleaning ends with the stop; the next start goes on with it")
        finally:
            self._cleaning = False

    def _clean(self, topic: "Topic", partition: "Partition") -> None:
        try:
            for group in self._log_cleaner.clean(partition.log, self._clock.wall_ms()):
                done: Completion[None] = Completion()
                topic.writer.submit(ReplaceSegmentsCommand(partition, group, done))
                done.wait()
        except (QuekkaError, OSError) as error:
            logger.error("%s: cleaning failed and will be tried again: %s", partition, str(error))

    # Committed offsets

    def check_offsets(self) -> None:
        """Have the cleaner's thread delete committed offsets that have expired, unless it still does."""
        if self._expiring:
            return
        self._expiring = True
        if not self._cleaner.submit(self._expire):
            self._expiring = False

    def _expire(self) -> None:
        try:
            if self._expire_offsets is not None:
                self._expire_offsets(lambda: self._stopping)
        finally:
            self._expiring = False

    # Idle writers

    def retire_idle_writers(self) -> None:
        """End the threads of writers that had nothing to do since the last time this ran."""
        for topic in self._topics():
            if topic.writer.was_busy:
                topic.writer.was_busy = False
            elif topic.writer.is_running():
                topic.writer.submit_if_running(RetireCommand())
