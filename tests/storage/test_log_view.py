"""What a view answers: every offset, every slice size, and only what was there when it was taken."""

import random
from collections.abc import Callable

import pytest
from log_bench import START_MS, LogBench, batch, offsets, records_of

from quekka.errors import CorruptMessageError, KafkaStorageError, OffsetOutOfRangeError
from quekka.formats.record_batch import iter_batches, patch_offsets
from quekka.storage.log_view import LogView


@pytest.fixture
def log(bench: Callable[..., LogBench]) -> LogBench:
    """Batches of one to four records, in several segments."""
    made = bench(segment_bytes=3000, index_interval_bytes=300)
    for number in range(100):
        values = [b"%d" % number * 20] * (1 + number % 4)
        made.append(batch(*values, timestamps_ms=[START_MS + number * 10 + n for n in range(len(values))]))
    return made


def test_every_offset_leads_to_the_batch_that_holds_it(log: LogBench) -> None:
    view = log.view
    assert len(view.segments) > 3
    for offset in range(view.log_end_offset):
        piece = view.read(offset, 1)
        [(_, header)] = iter_batches(piece.read())
        assert header.base_offset <= offset <= header.last_offset


@pytest.mark.parametrize("max_bytes", [0, 1, 250, 999, 5000, 1 << 30])
def test_reading_on_meets_every_record_once_in_whole_batches(log: LogBench, max_bytes: int) -> None:
    assert offsets(log.view, max_bytes) == list(range(log.view.log_end_offset))


def test_a_slice_is_no_larger_than_wanted_but_for_its_first_batch(log: LogBench, seed: int) -> None:
    random.seed(seed)
    view = log.view
    for _ in range(300):
        offset, max_bytes = random.randrange(view.log_end_offset), random.randrange(2000)
        batches = list(iter_batches(view.read(offset, max_bytes).read()))
        size_bytes = sum(header.size_bytes for _, header in batches)
        assert size_bytes <= max_bytes or len(batches) == 1


def test_the_log_end_is_empty_and_beyond_it_there_is_nothing(log: LogBench) -> None:
    view = log.view
    assert view.read(view.log_end_offset, 1000).size_bytes == 0
    with pytest.raises(OffsetOutOfRangeError) as caught:
        view.read(view.log_end_offset + 1, 1000)
    assert caught.value.message == "offset 251 is not within log start offset 0 and log end offset 250"
    with pytest.raises(OffsetOutOfRangeError):
        view.read(-1, 1000)


def test_before_the_log_start_nothing_is_shown(log: LogBench) -> None:
    log.log.writer.advance_log_start(33)
    view = log.view
    with pytest.raises(OffsetOutOfRangeError, match="log start offset 33"):
        view.read(32, 1)
    assert offsets(view)[0] == 33
    assert view.offset_for_timestamp(0) == (33, START_MS + 140)


def test_an_empty_log_is_empty_at_0(bench: Callable[..., LogBench]) -> None:
    view = bench().view
    assert (view.log_start_offset, view.log_end_offset, view.size_bytes, view.max_timestamp_ms) == (
        0,
        0,
        0,
        -1,
    )
    assert view.read(0, 1000).read() == b""
    assert view.offset_for_timestamp(0) is None


def test_a_view_stays_as_it_was_taken(log: LogBench) -> None:
    view = log.view
    before = (offsets(view), view.max_timestamp_ms, view.segments)
    log.fill(50)
    assert (offsets(view), view.max_timestamp_ms, view.segments) == before
    assert len(offsets(log.view)) == 300


def test_appended_but_not_published_is_not_seen(log: LogBench) -> None:
    log.log.writer.append([batch(b"unseen")])
    assert log.view.log_end_offset == 250
    log.log.writer.publish()
    assert log.view.log_end_offset == 251


def test_a_view_cannot_be_changed(log: LogBench) -> None:
    with pytest.raises(AttributeError):
        log.view.log_end_offset = 7  # type: ignore[misc]


def test_size_is_the_sum_of_the_segments(log: LogBench) -> None:
    assert log.view.size_bytes == sum(segment.size_bytes for segment in log.view.segments)
    assert log.view.size_bytes == sum(path.stat().st_size for path in log.directory.glob("*.log"))


@pytest.mark.parametrize("is_reopened", [False, True], ids=["running", "reopened"])
def test_every_timestamp_is_found_exact_to_the_record(log: LogBench, is_reopened: bool) -> None:
    if is_reopened:
        log.close()
        log.open()
    times = [(record.offset, record.timestamp_ms) for record in records_of_view(log.view)]
    for wanted_ms in range(START_MS - 1, START_MS + 1000, 3):
        expected = next((found for found in times if found[1] >= wanted_ms), None)
        assert log.view.offset_for_timestamp(wanted_ms) == expected


def records_of_view(view: LogView) -> list[object]:
    return [record for segment in view.segments for record in records_of(read_segment(segment))]


def read_segment(segment: object) -> bytes:
    return segment.log_file.get().read(0, segment.size_bytes)  # type: ignore[attr-defined, no-any-return]


def test_timestamps_out_of_order_are_found_by_the_first_record_in_offset_order(
    bench: Callable[..., LogBench], seed: int
) -> None:
    random.seed(seed)
    log = bench(segment_bytes=2000, index_interval_bytes=200, segment_ms=10**15)
    times = [random.randrange(1, 1000) for _ in range(200)]
    for number in range(0, 200, 4):
        log.append(batch(*[b"v" * 30] * 4, timestamps_ms=times[number : number + 4]))
    assert len(log.view.segments) > 3
    for wanted_ms in range(0, 1001, 7):
        expected = next(((o, time) for o, time in enumerate(times) if time >= wanted_ms), None)
        assert log.view.offset_for_timestamp(wanted_ms) == expected


# Gaps, as compaction leaves them


@pytest.fixture
def compacted(bench: Callable[..., LogBench]) -> LogBench:
    """Sealed segments 0-99 and 100-199, with batches at 10-19, 50 and 130-139 only, and an active one."""
    log = bench(index_interval_bytes=0)
    log.close()
    for base_offset, kept in ((0, [10, 50]), (100, [130])):
        data = bytearray()
        for first in kept:
            made = batch(*[b"v"] * (1 if first == 50 else 10))
            patch_offsets(made, first, 0)
            data += made
        log.paths(base_offset).log.write_bytes(data)
        log.paths(base_offset).index.unlink(missing_ok=True)
    log.paths(200).log.touch()
    log.open()
    log.append(batch(b"active"))
    return log


@pytest.mark.parametrize(
    ("offset", "base_offset"),
    [(0, 10), (10, 10), (19, 10), (20, 50), (50, 50), (51, 130), (99, 130), (100, 130), (139, 130),
     (140, 200), (199, 200), (200, 200)],
)  # fmt: skip
def test_an_offset_in_a_gap_leads_to_the_next_batch(
    compacted: LogBench, offset: int, base_offset: int
) -> None:
    batches = list(iter_batches(compacted.view.read(offset, 1).read()))
    assert [header.base_offset for _, header in batches] == [base_offset]


def test_reading_on_crosses_the_gaps(compacted: LogBench) -> None:
    assert offsets(compacted.view) == [*range(10, 20), 50, *range(130, 140), 200]


# Damage


def test_damage_in_a_sealed_segment_is_told_with_file_and_position_and_all_else_is_served(
    log: LogBench,
) -> None:
    segment = log.view.sealed[0]
    second = list(iter_batches(read_segment(segment)))[1][0]
    data = bytearray(segment.path.read_bytes())
    data[second + 16] = 0
    segment.path.write_bytes(data)
    log.close()
    log.open()
    assert log.view.read(0, 1).size_bytes == second
    with pytest.raises(CorruptMessageError, match=rf"{segment.path}: no record batch at byte {second}"):
        log.view.read(1, 1)
    assert segment.path.read_bytes() == data
    assert log.view.read(100, 1).size_bytes > 0


def test_a_segment_whose_file_vanished_is_named(log: LogBench) -> None:
    log.close()
    log.open()
    segment = log.view.sealed[1]
    segment.path.unlink()
    with pytest.raises(KafkaStorageError, match=f"No such file.*{segment.path.name}"):
        log.view.read(segment.base_offset, 1)
    assert log.view.read(0, 1).size_bytes > 0
