"""A sealed segment's indexes are mapped, and replaced in memory when they do not fit."""

from collections.abc import Callable

import pytest
from log_bench import LogBench

from quekka.errors import KafkaStorageError
from quekka.storage.index_loader import IndexLoader
from quekka.storage.offset_index import MappedOffsetIndex, OffsetIndexView
from quekka.storage.time_index import MappedTimeIndex, TimeIndexView


@pytest.fixture
def log(bench: Callable[..., LogBench]) -> LogBench:
    """With a sealed segment at 0 that has batches of 1000 bytes."""
    made = bench(index_interval_bytes=250)
    made.fill(20, size_bytes=1000)
    made.roll()
    return made


def loader(log: LogBench) -> IndexLoader:
    return IndexLoader(log.files, 0, 20_000, log.cache.log_file(log.paths(0).log))


def load_time_index(log: LogBench) -> object:
    made = loader(log)
    offset_index = log.cache.cached(lambda: made.load_offset_index(log.paths(0).index))
    return made.load_time_index(log.paths(0).time_index, offset_index)


def test_fitting_indexes_are_mapped(log: LogBench) -> None:
    assert isinstance(loader(log).load_offset_index(log.paths(0).index), MappedOffsetIndex)
    assert isinstance(load_time_index(log), MappedTimeIndex)


@pytest.mark.parametrize(
    "damage",
    [lambda data: data + b"abc", lambda data: data[:-3], lambda data: data[:-8] + b"\0\0\0\1\0\0\0\1"],
    ids=["index_too_long", "index_torn", "index_from_another_life"],
)
def test_an_offset_index_that_does_not_fit_is_made_from_the_batches(
    log: LogBench, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    path = log.paths(0).index
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    index = loader(log).load_offset_index(path)
    assert isinstance(index, OffsetIndexView)
    assert index.floor(19) > 0
    assert f"{path} does not fit its log" in caplog.text
    assert path.read_bytes() == damaged  # readers do not write


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-5], lambda _: b"", lambda data: data[:-12] + b"\1" * 12],
    ids=["timeindex_torn", "timeindex_empty", "timeindex_from_another_life"],
)
def test_a_time_index_that_does_not_fit_is_made_from_the_batches(
    log: LogBench, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    path = log.paths(0).time_index
    path.write_bytes(damage(path.read_bytes()))
    index = load_time_index(log)
    assert isinstance(index, TimeIndexView)
    last = index.last()
    assert last is not None
    assert last.relative_offset == 19
    assert f"{path} does not fit its log" in caplog.text


def test_empty_index_files_need_no_map(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.roll()
    made = IndexLoader(log.files, 0, 0, log.cache.log_file(log.paths(0).log))
    assert made.load_offset_index(log.paths(0).index).count == 0


def test_an_index_that_vanished_is_named(log: LogBench) -> None:
    log.paths(0).index.unlink()
    cached = log.cache.cached(lambda: loader(log).load_offset_index(log.paths(0).index))
    with pytest.raises(KafkaStorageError, match=r"No such file.*00000000000000000000\.index"):
        cached.get()
