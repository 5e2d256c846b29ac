"""The broker without its sockets: everything between a parsed request and the files."""

import logging
import threading
from pathlib import Path

import quekka.formats.crc32c as checksum
from quekka.broker.config import BrokerConfig
from quekka.broker.fetch_session_cache import FetchSessionCache
from quekka.broker.group_coordinator import GroupCoordinator
from quekka.broker.housekeeping import Housekeeping
from quekka.broker.offset_expiry import OffsetExpiry
from quekka.broker.offset_store import OffsetStore
from quekka.broker.process_stats import process_stats
from quekka.broker.refusal_log import RefusalLog
from quekka.broker.request_memory import RequestMemory
from quekka.broker.signal import Signal
from quekka.broker.topic_factory import TopicFactory
from quekka.broker.topic_manager import TopicManager
from quekka.clock import SYSTEM_CLOCK, Clock
from quekka.storage.data_dir import DataDir
from quekka.storage.file_cache import FileCache
from quekka.storage.files import FILES, Files
from quekka.storage.log_cleaner import LogCleaner
from quekka.storage.producer_ids import ProducerIds
from quekka.storage.producer_state import ProducerLimits
from quekka.version import __version__

logger = logging.getLogger(__name__)


class BrokerCore:
    """Topics, groups and housekeeping over one data directory.

    Constant once started: all attributes but `config` (replaced by assignment) and `stopping`.

    Threads: `start`, `begin_stop` and `stop` by one thread; the rest by any.
    """

    def __init__(
        self, data_dir: Path, config: BrokerConfig, *, clock: Clock = SYSTEM_CLOCK, files: Files = FILES
    ) -> None:
        self.config = config
        self.clock = clock
        self.stopping = False
        self.stop_signal = Signal()
        """Fires when the broker begins to stop, for all who wait for data."""
        self.request_memory = RequestMemory(lambda: self.config.request_memory_max_bytes)
        self.refusals = RefusalLog(clock)
        self.fetch_sessions = FetchSessionCache(clock, config.max_incremental_fetch_session_cache_slots)
        self.data_dir = DataDir(data_dir, files)
        self.producer_ids = ProducerIds(data_dir, files)
        self._file_cache = FileCache(files, config.log_open_files_max)
        cleaner = LogCleaner(files, keys_max=config.log_cleaner_keys_max)
        self._housekeeping = Housekeeping(clock, config, cleaner)
        self.metrics = self._housekeeping.metrics
        self.wakes = self._housekeeping.wakes
        factory = TopicFactory(
            files,
            self._file_cache,
            clock,
            self._housekeeping,
            config.topic_defaults,
            lambda: self.config.queued_max_request_bytes,
            ProducerLimits(config.producer_id_expiration_ms, config.producer_ids_max),
        )
        self.topics = TopicManager(self.data_dir, files, config, factory)
        offsets = OffsetStore(self.topics, clock, config.offset_metadata_max_bytes)
        timers = self._housekeeping.timers
        self.groups = GroupCoordinator(self.topics, offsets, clock, timers, lambda: self.config)
        # A crash in a deletion leaves what was committed; another topic of that name must not find it.
        self.topics.on_create = offsets.forget_topic
        self.topics.on_delete = self.groups.forget_topic
        self._offset_expiry = OffsetExpiry(self.groups, clock, lambda: self.config)
        self._started_s = clock.monotonic_s()

    @property
    def broker_id(self) -> int:
        return self.data_dir.broker_id

    @property
    def cluster_id(self) -> str:
        return self.data_dir.cluster_id

    def start(self) -> None:
        """Make ready to serve.

        Raises DataDirInUseError, KafkaStorageError, CorruptMessageError, UnsupportedVersionError; what was
        begun is undone then.
        """
        # 1. Nobody else may have the directory.
        self.data_dir.open()
        try:
            # 2. Logs; after an unclean stop this checks what was not flushed.
            self.topics.load()
            # 3. Committed offsets, which are records in one of them.
            self.groups.offsets.load()
            # 4. Timers last, for they touch all of it.
            self._housekeeping.start(self.topics.all, self._offset_expiry.expire_all)
        except BaseException:
            self.topics.close()
            self._file_cache.close_all()
            self.wakes.clear()
            self.data_dir.close(clean=False)
            raise
        logger.info("CRC-32C by %s", checksum.IMPLEMENTATION)

    def begin_stop(self) -> None:
        """Wake everyone who waits for data; requests in progress may finish, new waits end at once."""
        self.stopping = True
        self.stop_signal.fire()
        self.request_memory.let_all_in()
        self.groups.classic.begin_stop()

    def stop(self) -> None:
        """Flush and close everything. Nobody may send requests any more."""
        # 1. Waits end, if they have not yet.
        self.begin_stop()
        # 2. Timers before anything they touch.
        self._housekeeping.stop_timers()
        self.fetch_sessions.close()
        # 3. Workers hand their last results to the writers, so they end before them.
        self._housekeeping.stop_workers()
        # 4. Writers flush what is queued and end; then nobody appends, and the logs are closed.
        is_clean = self.topics.close()
        self._file_cache.close_all()
        self.wakes.clear()
        # 5. The marker only when all is on disk; then the next broker may have the directory.
        self.data_dir.close(clean=is_clean)

    def stats(self) -> dict[str, int | float | str]:
        """What STATS shows, by name."""
        topics = self.topics.all()
        return {
            "version": __version__,
            "uptime_s": round(self.clock.monotonic_s() - self._started_s, 3),
            **process_stats(),
            "threads": threading.active_count(),
            "topics": len(topics),
            "partitions": sum(len(topic.partitions) for topic in topics),
            "groups": self.groups.count(),
            **self.metrics.snapshot(),
            "crc32c": checksum.IMPLEMENTATION,
        }
