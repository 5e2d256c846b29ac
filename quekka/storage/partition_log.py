"""A partition's log on disk, as one thing: its view for readers, its writer for the topic's writer thread."""

from pathlib import Path

from quekka.clock import SYSTEM_CLOCK, Clock
from quekka.errors import KafkaStorageError
from quekka.storage.file_cache import FileCache
from quekka.storage.files import Files
from quekka.storage.log_config import LogConfig
from quekka.storage.log_context import LogContext
from quekka.storage.log_loader import LogLoader, no_progress
from quekka.storage.log_view import LogView
from quekka.storage.log_writer import LogWriter
from quekka.storage.producer_state import DEFAULT_LIMITS, ProducerLimits
from quekka.storage.segment_recovery import Progress


class PartitionLog:
    """The log of one partition.

    Threads: `view`, `recovery_point` and `config` any; `writer` and `close` the topic's writer thread, or,
    while there is none, the thread that opens and closes the log.
    """

    def __init__(self, directory: Path, writer: LogWriter) -> None:
        self.directory = directory
        self.writer = writer

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        config: LogConfig,
        files: Files,
        file_cache: FileCache,
        clock: Clock = SYSTEM_CLOCK,
        log_start_offset: int = 0,
        recovery_point: int | None = None,
        clean_end_offset: int = 0,
        producer_limits: ProducerLimits = DEFAULT_LIMITS,
        progress: Progress = no_progress,
    ) -> "PartitionLog":
        """Load the log in `directory`, which is made if it is missing.

        `recovery_point` None means that it was closed cleanly; a number, that all from that offset on has to
        be checked, and that a torn end is cut. `clean_end_offset` is where the log ended when it was closed
        cleanly, 0 where that is not known: no smaller offset is given out. Raises KafkaStorageError naming
        the file where the disk fails.
        """
        context = LogContext(directory, files, file_cache, clock, producer_limits)
        try:
            loader = LogLoader(context, config.index_interval_bytes, recovery_point, progress)
            loaded = loader.load(log_start_offset, clean_end_offset)
        except OSError as error:
            raise KafkaStorageError(f"{directory}: cannot be opened: {error}") from error
        return cls(directory, LogWriter(context, config, loaded))

    @property
    def view(self) -> LogView:
        """What the log holds now. Take it once and derive all else from it."""
        return self.writer.view

    @property
    def recovery_point(self) -> int:
        """All records before this offset are on the disk."""
        return self.writer.recovery_point

    @property
    def config(self) -> LogConfig:
        """The settings in effect; assign another LogConfig to change them."""
        return self.writer.config

    @config.setter
    def config(self, config: LogConfig) -> None:
        self.writer.config = config

    def close(self) -> None:
        """Sync everything, take no more appends and let go of the files; views can still be read, they open
        them again.

        Raises KafkaStorageError when the sync fails; the files are let go of all the same.
        """
        try:
            self.writer.close()
        finally:
            view = self.view
            for segment in view.sealed:
                segment.forget()
            view.active.log_file.forget()

    def retire(self) -> None:
        """After `close`, before the directory gets another name: views open no file any more."""
        view = self.view
        for segment in view.sealed:
            segment.retire()
        view.active.log_file.retire()
