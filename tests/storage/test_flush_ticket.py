"""A flush begun by the writer and waited for elsewhere."""

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from log_bench import LogBench, batch_of

from quekka.errors import KafkaStorageError
from quekka.storage.faulty_files import FaultyFiles


def synced(files: "RecordingFiles") -> list[str]:
    return [name for operation, name in files.calls if operation == "fdatasync"]


class RecordingFiles(FaultyFiles):
    """Notes what is synced."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []

    def fdatasync(self, fd: int) -> None:
        self.calls.append(("fdatasync", self._paths[fd].name))
        super().fdatasync(fd)

    def fsync_directory(self, path: object) -> None:
        self.calls.append(("fsync_directory", Path(str(path)).name))
        super().fsync_directory(path)  # type: ignore[arg-type]


def test_sync_names_the_dirty_files_and_the_new_directories(bench: Callable[..., LogBench]) -> None:
    files = RecordingFiles()
    log = bench("orders/0", files=files, index_interval_bytes=0)
    log.fill(1)
    log.log.writer.flush()
    assert files.calls == [
        ("fdatasync", "00000000000000000000.log"), ("fsync_directory", "0"), ("fsync_directory", "orders")
    ]  # fmt: skip


def test_a_clean_index_and_an_old_directory_are_not_synced_again(bench: Callable[..., LogBench]) -> None:
    files = RecordingFiles()
    log = bench(files=files)
    for _ in range(3):
        log.fill(1)
        log.log.writer.flush()
    assert synced(files) == ["00000000000000000000.log"] * 3
    files.calls.clear()
    log.log.writer.flush()
    assert files.calls == []


def test_sealed_segments_that_were_not_synced_yet_are_in_it(bench: Callable[..., LogBench]) -> None:
    files = RecordingFiles()
    log = bench(files=files, index_interval_bytes=0)
    log.fill(2)
    log.roll()
    log.fill(1)
    log.log.writer.flush()
    assert synced(files) == [
        "00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex",
        "00000000000000000002.log",
    ]  # fmt: skip


def test_what_is_appended_meanwhile_belongs_to_the_next_flush(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.fill(3)
    writer = log.log.writer
    ticket = writer.begin_flush()
    log.fill(2)
    ticket.sync()
    writer.finish_flush(ticket, None)
    assert (writer.recovery_point, writer.unflushed_records) == (3, 2)
    writer.flush()
    assert (writer.recovery_point, writer.unflushed_records) == (5, 0)


def test_a_ticket_that_was_lost_does_no_harm(bench: Callable[..., LogBench]) -> None:
    files = RecordingFiles()
    log = bench(files=files)
    log.fill(3)
    log.roll()
    log.log.writer.begin_flush()
    log.log.writer.flush()
    assert {"00000000000000000000.log", "00000000000000000000.timeindex"} <= set(synced(files))
    assert log.log.recovery_point == 3


def test_tickets_may_finish_in_any_order(bench: Callable[..., LogBench]) -> None:
    log = bench()
    writer = log.log.writer
    log.fill(3)
    first = writer.begin_flush()
    log.fill(3)
    second = writer.begin_flush()
    second.sync()
    writer.finish_flush(second, None)
    first.sync()
    writer.finish_flush(first, None)
    assert writer.recovery_point == 6


def test_after_one_failed_sync_no_other_counts(bench: Callable[..., LogBench]) -> None:
    log = bench()
    writer = log.log.writer
    log.fill(3)
    first = writer.begin_flush()
    second = writer.begin_flush()
    with pytest.raises(KafkaStorageError, match="flush failed"):
        writer.finish_flush(first, OSError(5, "Input/output error"))
    writer.finish_flush(second, None)
    assert writer.recovery_point == 0
    with pytest.raises(KafkaStorageError, match="takes no appends: sync failed"):
        writer.begin_flush()


def test_a_ticket_outlives_the_deletion_of_its_segments(bench: Callable[..., LogBench]) -> None:
    log = bench()
    writer = log.log.writer
    log.fill(3)
    log.roll()
    log.append(batch_of(100))
    ticket = writer.begin_flush()
    writer.delete_oldest(1)
    ticket.sync()
    writer.finish_flush(ticket, None)
    assert writer.recovery_point == 4


@pytest.mark.parametrize("moment", ["before", "while", "never"])
def test_a_sync_hears_of_the_failure_of_the_one_before_it(
    bench: Callable[..., LogBench], moment: str
) -> None:
    """The kernel tells of a lost page once, and it was the flusher who was told."""
    files = HeldFiles()
    log = bench(files=files)
    writer = log.log.writer
    log.fill(3)
    flusher = threading.Thread(target=writer.begin_flush().try_sync)
    log.fill(3)
    if moment != "never":
        files.fail("fdatasync", error=errno.EIO)
        files.hold(flusher)
        flusher.start()
        files.held.wait()
    if moment == "before":
        files.release.set()
        flusher.join()
    elif moment == "while":
        threading.Timer(0.05, files.release.set).start()
    if moment == "never":
        writer.flush()
        assert writer.recovery_point == 6
        flusher.start()  # it finds that nothing is to be done
    else:
        with pytest.raises(KafkaStorageError, match=r"flush failed: .*the sync before it has failed"):
            writer.flush()
        assert writer.recovery_point == 0
    flusher.join()
    assert files.counts["fdatasync"] == 1


class HeldFiles(FaultyFiles):
    """Holds one thread before it syncs, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.held = threading.Event()
        self.release = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, thread: threading.Thread) -> None:
        self._thread = thread

    def fdatasync(self, fd: int) -> None:
        if threading.current_thread() is self._thread:
            self.held.set()
            assert self.release.wait(10)
        super().fdatasync(fd)
