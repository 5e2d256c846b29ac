"""The log as one thing: open, use, close, open again, with readers all the while."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from log_bench import LogBench, batch, batch_of, config_of, offsets, read_all, records_of

from quekka.errors import KafkaStorageError, OffsetOutOfRangeError
from quekka.formats.record_batch import iter_batches
from quekka.storage.faulty_files import FaultyFiles


def test_what_was_appended_is_there_after_close_and_open(bench: Callable[..., LogBench]) -> None:
    log = bench(segment_bytes=1000)
    for _ in range(5):
        log.fill(7)
        log.close()
        log.open()
    assert offsets(log.view) == list(range(35))
    assert log.log.recovery_point == 35


def test_a_closed_log_can_still_be_read_and_takes_no_appends(bench: Callable[..., LogBench]) -> None:
    log = bench(segment_bytes=500)
    log.fill(20)
    view = log.view
    log.log.close()
    log.log.close()
    assert offsets(view) == offsets(log.view) == list(range(20))
    with pytest.raises(KafkaStorageError, match="takes no appends: it is closed"):
        log.append(batch_of(100))


def test_a_closed_log_holds_no_descriptor(bench: Callable[..., LogBench]) -> None:
    log = bench(segment_bytes=500)
    log.fill(20)
    offsets(log.view)
    log.log.close()
    assert log.cache.open_count == 0


def test_views_of_a_retired_log_open_no_file(bench: Callable[..., LogBench]) -> None:
    log = bench(segment_bytes=500)
    log.fill(20)
    view = log.view
    log.log.close()
    log.log.retire()
    for offset in (0, 19):
        with pytest.raises(KafkaStorageError, match="topic was deleted"):
            view.read(offset, 100)
    assert log.cache.open_count == 0


def test_close_lets_go_of_the_files_when_the_sync_fails(bench: Callable[..., LogBench]) -> None:
    files = FaultyFiles()
    log = bench(files=files)
    log.fill(3)
    files.fail("fdatasync")
    with pytest.raises(KafkaStorageError, match="flush failed"):
        log.log.close()
    assert log.cache.open_count == 0


def test_a_directory_that_cannot_be_read_is_named(bench: Callable[..., LogBench], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KafkaStorageError, match="file/0: cannot be opened"):
        bench("other").log.open(
            tmp_path / "file" / "0", config=config_of(), files=FaultyFiles(), file_cache=bench("third").cache
        )


def test_a_changed_config_counts_from_the_next_append(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.fill(10)
    assert len(log.view.segments) == 1
    log.log.config = config_of(segment_bytes=500)
    log.fill(10)
    assert len(log.view.segments) > 2
    assert log.log.config.segment_bytes == 500


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns so often that they meet in the middle of nearly everything."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before_s)


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("cache_limit", [1, 2, 50], ids=lambda limit: f"{limit}_open_files")
def test_readers_see_whole_batches_in_order_while_the_writer_appends_rolls_and_deletes(
    bench: Callable[..., LogBench], cache_limit: int
) -> None:
    log = bench(segment_bytes=2000, index_interval_bytes=300, cache_limit=cache_limit)
    failures: list[BaseException] = []
    is_over = threading.Event()
    followed = [0, 0]

    def follow(number: int) -> None:
        try:
            offset = 0
            while not (is_over.is_set() and offset == log.view.log_end_offset):
                offset = read_on(log, offset)
                followed[number] += 1
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
            failures.append(error)

    def jump() -> None:
        try:
            while not is_over.is_set():
                view = log.view
                middle = (view.log_start_offset + view.log_end_offset) // 2
                for offset in (
                    view.log_start_offset,
                    middle,
                    max(view.log_start_offset, view.log_end_offset - 1),
                ):
                    check_read(view.read(offset, 700).read(), offset, view.log_end_offset)
                first = view.offset_for_timestamp(0)
                assert first is None or first[0] >= view.log_start_offset
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    readers = [
        threading.Thread(target=follow, args=(0,)), threading.Thread(target=follow, args=(1,)),
        threading.Thread(target=jump),
    ]  # fmt: skip
    for reader in readers:
        reader.start()
    try:
        for number in range(1500):
            log.append(batch(b"v" * (number % 50)), batch_of(100))
            if number % 40 == 39:
                log.log.writer.delete_oldest(max(0, len(log.view.sealed) - 3))
            if number % 100 == 0:
                log.log.writer.flush()
    finally:
        is_over.set()
        for reader in readers:
            reader.join()
    assert failures == []
    assert log.view.log_end_offset == 3000
    assert min(followed) > 0


def read_on(log: LogBench, offset: int) -> int:
    """The offset after one read at `offset`, or at the log start if that has passed it."""
    view = log.view
    try:
        piece = view.read(offset, 1000)
    except OffsetOutOfRangeError:
        assert offset < view.log_start_offset
        return view.log_start_offset
    return check_read(piece.read(), offset, view.log_end_offset)


def check_read(data: bytes, offset: int, end: int) -> int:
    for _, header in iter_batches(data):
        assert header.base_offset == offset < end
        offset = header.next_offset
    return offset


def test_old_views_read_on_after_everything_was_deleted(bench: Callable[..., LogBench]) -> None:
    log = bench(segment_bytes=500, cache_limit=1)
    log.fill(30)
    view = log.view
    log.roll()
    log.log.writer.delete_oldest(100)
    assert offsets(log.view) == []
    assert log.view.log_start_offset == log.view.log_end_offset == 30
    assert [name for name in log.names() if name.endswith(".log")] == ["00000000000000000030.log"]
    assert offsets(view) == list(range(30))
    assert [record.offset for record in read_all(view, 1)] == list(range(30))
    assert len(records_of(view.read(0, 10).read())) == 1


def test_many_segments_are_deleted_with_few_descriptors(bench: Callable[..., LogBench]) -> None:
    class CountingFiles(FaultyFiles):
        """Knows the largest number of descriptors that were open."""

        most = 0

        def open_read(self, path: object) -> int:
            fd = super().open_read(path)  # type: ignore[arg-type]
            self.most = max(self.most, len(self._paths))
            return fd

    files = CountingFiles()
    log = bench(files=files, segment_bytes=100)
    log.fill(200)
    log.close()
    log.open()
    files.most = 0
    log.log.writer.delete_oldest(199)
    assert len(log.view.segments) == 1
    assert files.most < 10
