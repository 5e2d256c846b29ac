"""Finding a place in a segment, by offset and by time, for the sealed and the active kind alike."""

from collections.abc import Callable
from pathlib import Path

import pytest
from log_bench import START_MS, LogBench, batch, batch_of

from quekka.errors import CorruptMessageError
from quekka.formats.compression import CODEC_NAMES, GZIP, LZ4, NONE, SNAPPY, ZSTD
from quekka.storage.recent_batches import RECENT_BATCHES
from quekka.storage.segment import SegmentPaths, SegmentView


def test_paths_are_kafkas_names() -> None:
    assert [path.name for path in SegmentPaths.of(Path("d"), 170210)] == [
        "00000000000000170210.log", "00000000000000170210.index", "00000000000000170210.timeindex"
    ]  # fmt: skip
    assert SegmentPaths.of(Path("d"), 7, ".cleaned").index == Path("d/00000000000000000007.index.cleaned")


@pytest.fixture(params=["active", "active_long", "sealed"])
def segment(request: pytest.FixtureRequest, bench: Callable[..., LogBench]) -> SegmentView:
    """Batches of 100 bytes with one record each; `active_long` has more than are remembered one by one."""
    log = bench(index_interval_bytes=250)
    log.fill(3 * RECENT_BATCHES if request.param == "active_long" else 40)
    if request.param == "sealed":
        log.roll()
    return log.view.segments[0]


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 9, 10, 38, 39])
@pytest.mark.parametrize("max_bytes", [0, 1, 99])
def test_one_batch_is_given_however_little_is_wanted(
    segment: SegmentView, offset: int, max_bytes: int
) -> None:
    assert segment.locate(offset, max_bytes) == (offset * 100, 100)


def test_a_slice_ends_with_the_last_batch_that_fits_or_at_an_index_entry_before(segment: SegmentView) -> None:
    for offset in range(0, 40, 7):
        for max_bytes in (100, 150, 200, 777, 1000):
            found = segment.locate(offset, max_bytes)
            assert found is not None
            position, size_bytes = found
            assert position == offset * 100
            assert size_bytes % 100 == 0
            wanted_bytes = min(max_bytes, segment.size_bytes - position)
            assert max(100, wanted_bytes - 400) <= size_bytes <= max_bytes


def test_all_the_rest_is_given_where_it_fits(segment: SegmentView) -> None:
    assert segment.locate(10, 1 << 30) == (1000, segment.size_bytes - 1000)


def test_an_offset_after_the_segment_is_not_found(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.fill(3)
    log.roll()
    assert log.view.segments[0].locate(3, 1) is None


TIMES = [
    (START_MS + 5, START_MS),
    (START_MS + 3,),
    (START_MS + 9, START_MS + 7, START_MS + 20),
    (START_MS + 20,),
]
"""Of the records of four batches: offsets 0-1, 2, 3-5, 6."""


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD], ids=lambda codec: CODEC_NAMES[codec])
@pytest.mark.parametrize("is_sealed", [False, True], ids=["active", "sealed"])
@pytest.mark.parametrize("interval_bytes", [0, 4096])
def test_a_timestamp_is_found_exact_to_the_record(
    bench: Callable[..., LogBench], codec: int, is_sealed: bool, interval_bytes: int
) -> None:
    log = bench(index_interval_bytes=interval_bytes)
    for times in TIMES:
        log.append(batch(*(b"v" * 50 for _ in times), timestamps_ms=times, codec=codec))
    if is_sealed:
        log.roll()
    segment = log.view.segments[0]
    flat = [time for times in TIMES for time in times]
    for wanted_ms in range(START_MS - 1, START_MS + 22):
        for from_offset in range(8):
            expected = next(
                ((o, time) for o, time in enumerate(flat) if o >= from_offset and time >= wanted_ms), None
            )
            assert segment.find_timestamp(wanted_ms, from_offset) == expected


def test_the_largest_timestamp_is_known(segment: SegmentView) -> None:
    assert segment.max_timestamp_ms == START_MS + segment.next_offset - 1


def test_a_segment_of_records_without_times_has_none(bench: Callable[..., LogBench]) -> None:
    log = bench()
    log.append(batch_of(100, timestamp_ms=-1))
    assert log.view.segments[0].max_timestamp_ms == -1
    log.roll()
    assert log.view.segments[0].max_timestamp_ms == -1


def test_a_segment_shows_what_it_is(segment: SegmentView) -> None:
    assert "00000000000000000000.log to " in repr(segment)


def test_a_batch_whose_offset_lies_beyond_the_segment_is_damage(bench: Callable[..., LogBench]) -> None:
    """No CRC-32C covers the base offset; whoever believed it would go on behind the log's end."""
    log = bench()
    log.fill(4)
    log.roll()
    path = log.paths(0).log
    data = bytearray(path.read_bytes())
    data[206] = 1
    path.write_bytes(data)
    segment = log.view.segments[0]
    assert segment.locate(1, 100) == (100, 100)
    with pytest.raises(CorruptMessageError, match=rf"{path}: no record batch at byte 200: offsets 258"):
        segment.locate(2, 100)
