"""One partition's log on a bench: append to it, close it, damage it, open it again, see what is there."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from quekka.clock import ManualClock
from quekka.formats.record import Record
from quekka.formats.record_batch import BatchHeader, iter_batches, iter_records, read_header
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.file_cache import FileCache
from quekka.storage.files import FILES, Files
from quekka.storage.log_config import LogConfig
from quekka.storage.log_context import LogContext
from quekka.storage.log_view import LogView
from quekka.storage.partition_log import PartitionLog
from quekka.storage.producer_state import DEFAULT_LIMITS, ProducerLimits
from quekka.storage.segment import SegmentPaths

START_MS = 1_700_000_000_000


def batch(*values: bytes, timestamps_ms: Iterable[int] = (), codec: int = 0) -> bytearray:
    """One batch of these values, at START_MS where no timestamps are given."""
    builder = BatchBuilder(START_MS)
    times = list(timestamps_ms) or [START_MS] * len(values)
    for value, timestamp_ms in zip(values, times, strict=True):
        builder.append(None, value, timestamp_ms=timestamp_ms)
    return builder.build(codec)


def batch_by(
    producer_id: int, base_sequence: int, count: int = 1, *, epoch: int = 0, timestamp_ms: int = START_MS
) -> bytearray:
    """A batch of an idempotent producer; its values say what it is."""
    builder = BatchBuilder(timestamp_ms)
    builder.append_values([b"%d/%d" % (producer_id, base_sequence + number) for number in range(count)])
    builder.set_producer(producer_id, epoch, base_sequence)
    return builder.build()


def header_by(
    producer_id: int, base_sequence: int, count: int = 1, *, epoch: int = 0, timestamp_ms: int = START_MS
) -> BatchHeader:
    return read_header(batch_by(producer_id, base_sequence, count, epoch=epoch, timestamp_ms=timestamp_ms))


def batch_of(size_bytes: int, timestamp_ms: int = START_MS) -> bytearray:
    """A batch with one record, of exactly this size."""
    value_bytes = size_bytes - len(batch(b""))
    while len(built := batch(b"v" * value_bytes, timestamps_ms=[timestamp_ms])) > size_bytes:
        value_bytes -= 1
    assert len(built) == size_bytes, f"no batch with one record has {size_bytes} bytes"
    return built


def config_of(**settings: object) -> LogConfig:
    """`config_of(segment_bytes=1000)`: Kafka's names with `_` for `.`."""
    return LogConfig.from_settings({name.replace("_", "."): str(value) for name, value in settings.items()})


def context_of(directory: Path, files: Files = FILES, cache_limit: int = 100) -> LogContext:
    """What segments of a log in `directory` need, with a clock that stands still."""
    directory.mkdir(parents=True, exist_ok=True)
    return LogContext(directory, files, FileCache(files, cache_limit), ManualClock(START_MS))


def records_of(data: bytes, from_offset: int = 0) -> list[Record]:
    """All records of some whole batches."""
    return [
        record
        for position, _ in iter_batches(data)
        for record in iter_records(data, position, from_offset=from_offset)
    ]


def read_all(view: LogView, max_bytes: int = 10_000) -> Iterator[Record]:
    """Every record of a view, read as a consumer does: on from where the last read ended."""
    offset = view.log_start_offset
    while (piece := view.read(offset, max_bytes)).size_bytes:
        data = piece.read()
        yield from records_of(data, offset)
        offset = max(header.next_offset for _, header in iter_batches(data))


def offsets(view: LogView, max_bytes: int = 10_000) -> list[int]:
    return [record.offset for record in read_all(view, max_bytes)]


class LogBench:
    """A log that can be opened again and again."""

    def __init__(
        self,
        directory: Path,
        files: Files = FILES,
        cache_limit: int = 100,
        producer_limits: ProducerLimits = DEFAULT_LIMITS,
        **settings: object,
    ) -> None:
        self.directory = directory
        self.files = files
        self.config = config_of(**settings)
        self.clock = ManualClock(START_MS)
        self.progress: list[tuple[Path, int, int]] = []
        self._cache_limit = cache_limit
        self._producer_limits = producer_limits
        directory.parent.mkdir(parents=True, exist_ok=True)  # by others, and on the disk
        self.open()

    def open(
        self, recovery_point: int | None = None, log_start_offset: int = 0, clean_end_offset: int = 0
    ) -> PartitionLog:
        self.cache = FileCache(self.files, self._cache_limit)
        self.log = PartitionLog.open(
            self.directory,
            config=self.config,
            files=self.files,
            file_cache=self.cache,
            clock=self.clock,
            log_start_offset=log_start_offset,
            recovery_point=recovery_point,
            clean_end_offset=clean_end_offset,
            producer_limits=self._producer_limits,
            progress=lambda *report: self.progress.append(report),
        )
        return self.log

    def close(self) -> None:
        self.log.close()
        self.cache.close_all()

    def abandon(self) -> None:
        """As if the process had been killed: nothing is written any more, descriptors close."""
        for segment in self.log.writer._unsynced:
            segment.let_go()
        self.cache.close_all()
        del self.log

    def append(self, *batches: bytearray) -> list[int]:
        """Append in one call and publish."""
        base_offsets = self.log.writer.append(batches)
        self.log.writer.publish()
        return base_offsets

    def append_checked(self, *batches: bytearray) -> list[int]:
        """Append batches of producers as the topic's writer does: what was appended before gets no offset."""
        writer = self.log.writer
        pending = writer.begin_producers()
        new = [made for made in batches if pending.check([read_header(made)]) is None]
        base_offsets = writer.append(new, pending)
        writer.publish()
        return base_offsets

    def fill(self, count: int, size_bytes: int = 100) -> None:
        """Append batches with one record each, one by one, a millisecond apart."""
        for _ in range(count):
            self.append(batch_of(size_bytes, self.clock.wall_ms()))
            self.clock.advance(ms=1)

    def roll(self) -> None:
        self.log.writer.roll()
        self.log.writer.publish()

    @property
    def view(self) -> LogView:
        return self.log.view

    def paths(self, base_offset: int = 0, suffix: str = "") -> SegmentPaths:
        return SegmentPaths.of(self.directory, base_offset, suffix)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())
