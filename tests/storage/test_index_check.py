"""An index of another life is found by its last entry, and can be made again from the batches."""

from collections.abc import Callable

import pytest
from log_bench import LogBench, batch_of

from quekka.storage.file_cache import OpenFile
from quekka.storage.index_check import indexes_of_log, offset_index_misfit, time_index_misfit
from quekka.storage.offset_index import MappedOffsetIndex, OffsetIndex
from quekka.storage.time_index import MappedTimeIndex, TimeIndex

SIZE_BYTES = 2000


@pytest.fixture
def log(bench: Callable[..., LogBench]) -> LogBench:
    """With a sealed segment at 0 that has batches of 100 bytes."""
    made = bench(index_interval_bytes=250)
    made.fill(20)
    made.roll()
    return made


def opened(log: LogBench) -> OpenFile:
    path = log.paths(0).log
    return OpenFile(log.files, path, log.files.open_read(path))


def offset_index_of(log: LogBench) -> MappedOffsetIndex:
    return MappedOffsetIndex(log.paths(0).index.read_bytes())


def test_a_fitting_index_fits(log: LogBench) -> None:
    file = opened(log)
    offset_index = offset_index_of(log)
    times = log.paths(0).time_index.read_bytes()
    assert offset_index.count == 6
    assert offset_index_misfit(offset_index, file, 0, SIZE_BYTES) is None
    assert time_index_misfit(MappedTimeIndex(times), offset_index, file, 0, SIZE_BYTES) is None


@pytest.mark.parametrize(
    "last_entry",
    [(19, 1800), (18, 1900), (19, 1950), (19, 5000), (25, 1900)],
    ids=["another_batch", "another_offset", "within_a_batch", "past_the_file", "past_the_last_offset"],
)
def test_a_last_offset_entry_that_leads_elsewhere_is_a_misfit(
    log: LogBench, last_entry: tuple[int, int]
) -> None:
    file = opened(log)
    index = OffsetIndex()
    index.append(*last_entry)
    why = offset_index_misfit(MappedOffsetIndex(index.encode(0)), file, 0, SIZE_BYTES)
    assert why is not None
    assert "its last entry is wrong" in why


def test_zeros_do_not_fit_though_they_lead_to_a_first_batch_of_one_record(log: LogBench) -> None:
    file = opened(log)
    assert offset_index_misfit(MappedOffsetIndex(bytes(8)), file, 0, SIZE_BYTES) is None
    zeroed = MappedOffsetIndex(bytes(len(log.paths(0).index.read_bytes())))
    assert offset_index_misfit(zeroed, file, 0, SIZE_BYTES) == "it ends in zeros"


@pytest.mark.parametrize(
    ("timestamp_ms", "relative_offset"), [(1, 19), (1_700_000_000_019, 18), (1_700_000_000_019, 500)]
)
def test_a_last_time_entry_that_names_no_such_batch_is_a_misfit(
    log: LogBench, timestamp_ms: int, relative_offset: int
) -> None:
    file = opened(log)
    index = TimeIndex()
    index.append(timestamp_ms, relative_offset)
    why = time_index_misfit(MappedTimeIndex(index.encode(0)), offset_index_of(log), file, 0, SIZE_BYTES)
    assert why is not None
    assert "its last entry is wrong" in why


def test_an_empty_time_index_of_records_with_times_is_a_misfit(log: LogBench) -> None:
    file = opened(log)
    assert time_index_misfit(MappedTimeIndex(b""), offset_index_of(log), file, 0, SIZE_BYTES) == "it is empty"


def test_an_empty_time_index_fits_records_without_times(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.append(batch_of(100, timestamp_ms=-1))
    file = opened(log)
    assert time_index_misfit(MappedTimeIndex(b""), MappedOffsetIndex(b""), file, 0, 100) is None


def test_indexes_made_again_are_the_same_as_those_made_while_writing(log: LogBench) -> None:
    file = opened(log)
    again = indexes_of_log(file, 0, SIZE_BYTES, 250)
    assert again.offset_index.encode(0) == log.paths(0).index.read_bytes()
    assert again.time_index.encode(0) == log.paths(0).time_index.read_bytes()


def test_indexes_of_a_damaged_log_go_up_to_the_damage(
    bench: Callable[..., LogBench], caplog: pytest.LogCaptureFixture
) -> None:
    log = bench(index_interval_bytes=250)
    log.fill(20)
    path = log.paths(0).log
    data = bytearray(path.read_bytes())
    data[1000 + 16] = 9
    path.write_bytes(data)
    file = opened(log)
    indexes = indexes_of_log(file, 0, 2000, 250)
    assert indexes.offset_index.positions[-1] < 1000
    assert indexes.max_timestamp_offset == 9
    assert "no record batch at byte 1000" in caplog.text
