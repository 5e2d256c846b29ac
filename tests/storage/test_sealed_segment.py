"""A sealed segment opens nothing until it is read, and can be read for as long as it is held."""

import os
from collections.abc import Callable

import pytest
from log_bench import START_MS, LogBench

from quekka.storage.sealed_segment import SealedSegment


@pytest.fixture
def log(bench: Callable[..., LogBench]) -> LogBench:
    made = bench(index_interval_bytes=250)
    made.fill(20)
    made.roll()
    made.close()
    made.open()
    return made


def test_nothing_is_opened_until_somebody_reads(log: LogBench) -> None:
    segment = log.view.sealed[0]
    assert isinstance(segment, SealedSegment)
    before = log.cache.open_count
    assert (segment.base_offset, segment.next_offset, segment.size_bytes) == (0, 20, 2000)
    assert log.cache.open_count == before
    segment.locate(5, 1)
    assert log.cache.open_count == before + 2  # the .log and the .index
    assert segment.max_timestamp_ms == START_MS + 19
    assert log.cache.open_count == before + 3


def test_the_largest_timestamp_is_read_once(log: LogBench) -> None:
    segment = log.view.sealed[0]
    assert segment.max_timestamp_ms == START_MS + 19
    log.paths(0).time_index.unlink()
    segment.forget()
    assert segment.max_timestamp_ms == START_MS + 19


def test_a_segment_that_was_kept_open_can_be_read_without_its_files(log: LogBench) -> None:
    segment = log.view.sealed[0]
    segment.keep_open()
    for path in segment.paths:
        path.unlink()
    assert segment.locate(7, 1) == (700, 100)
    assert segment.find_timestamp(START_MS + 8, 0) == (8, START_MS + 8)


def test_a_segment_that_cannot_be_kept_open_is_told(log: LogBench, caplog: pytest.LogCaptureFixture) -> None:
    log.paths(0).log.unlink()
    log.view.sealed[0].keep_open()
    assert "views that show it cannot read it any more" in caplog.text


def test_a_dropped_segment_closes_its_files_at_once(log: LogBench) -> None:
    paths = log.view.sealed[0].paths
    segment = SealedSegment(log.log.writer._context, 0, 20, 2000)
    segment.keep_open()
    fds = set(_descriptors_of(paths.log.parent))
    del segment
    assert len(fds) - len(_descriptors_of(paths.log.parent)) >= 2


def _descriptors_of(directory: os.PathLike[str]) -> list[str]:
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:
            continue
        if target.startswith(os.fspath(directory)):
            found.append(fd)
    return found
