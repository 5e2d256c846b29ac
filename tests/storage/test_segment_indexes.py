"""When an index entry is due, and what is in it (Kafka's rule, which kafka-dump-log checks)."""

from quekka.storage.segment_indexes import SegmentIndexes
from quekka.storage.time_index import NO_TIMESTAMP


def entries(indexes: SegmentIndexes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    offsets, times = indexes.offset_index, indexes.time_index
    return (
        list(zip(offsets.relative_offsets, offsets.positions, strict=True)),
        list(zip(times.timestamps_ms, times.relative_offsets, strict=True)),
    )


def noted(
    *batches: tuple[int, int, int], base_offset: int = 100, interval_bytes: int = 1000
) -> SegmentIndexes:
    """Batches of (last offset, size, timestamp), end to end."""
    indexes = SegmentIndexes(base_offset)
    position = 0
    for last_offset, size_bytes, timestamp_ms in batches:
        indexes.note(last_offset, position, size_bytes, timestamp_ms, interval_bytes)
        position += size_bytes
    return indexes


def test_an_entry_comes_with_the_first_batch_after_more_than_the_interval() -> None:
    indexes = noted((101, 1000, 1), (103, 1, 2), (105, 500, 3), (107, 600, 4), (109, 10, 5))
    # 1000 bytes are not more than 1000; 1001 are, before the third batch; then 1100 before the fifth.
    assert entries(indexes)[0] == [(5, 1001), (9, 2101)]


def test_an_entry_names_the_last_offset_and_the_start_of_its_batch() -> None:
    assert entries(noted((104, 2000, 1), (109, 2000, 2)))[0] == [(9, 2000)]


def test_with_an_interval_of_0_every_batch_but_the_first_has_an_entry() -> None:
    indexes = noted((100, 70, 1), (101, 70, 2), (102, 70, 3), interval_bytes=0)
    assert entries(indexes)[0] == [(1, 70), (2, 140)]


def test_a_time_entry_holds_the_largest_timestamp_and_the_batch_that_brought_it() -> None:
    indexes = noted((100, 2000, 50), (101, 2000, 70), (102, 2000, 60))
    assert entries(indexes)[1] == [(70, 1)]
    assert (indexes.max_timestamp_ms, indexes.max_timestamp_offset) == (70, 101)


def test_no_time_entry_comes_where_the_largest_timestamp_has_not_grown() -> None:
    indexes = noted(*((100 + number, 2000, 50) for number in range(5)))
    assert len(entries(indexes)[0]) == 4
    assert entries(indexes)[1] == [(50, 0)]


def test_finish_adds_the_entry_that_is_missing_and_only_that() -> None:
    indexes = noted((100, 10, 5), (101, 10, 7))
    assert entries(indexes)[1] == []
    indexes.finish()
    indexes.finish()
    assert entries(indexes)[1] == [(7, 1)]


def test_records_without_a_time_make_no_time_entry() -> None:
    indexes = noted((100, 2000, -1), (101, 2000, -1))
    indexes.finish()
    assert entries(indexes)[1] == []
    assert indexes.max_timestamp_ms == NO_TIMESTAMP


def test_restore_goes_back_to_the_mark() -> None:
    indexes = noted((100, 900, 5), (101, 900, 6), (102, 900, 7))
    before, mark = entries(indexes), indexes.mark()
    for number in range(5):
        indexes.note(103 + number, 2700 + number * 2000, 2000, 100 + number, 1000)
    indexes.finish()
    indexes.restore(mark)
    assert entries(indexes) == before
    assert indexes.mark() == mark


def test_resumed_indexes_go_on_as_if_never_stopped() -> None:
    batches = [(100 + number, 700, 1000 + number * 3 % 50) for number in range(20)]
    whole = noted(*batches)
    stopped = noted(*batches[:12])
    stopped.finish()
    resumed = SegmentIndexes.resumed(100, stopped.offset_index, stopped.time_index)
    start = stopped.offset_index.positions[-1] // 700
    for number, (last_offset, size_bytes, timestamp_ms) in enumerate(batches[start:], start):
        resumed.note(last_offset, number * 700, size_bytes, timestamp_ms, 1000)
    assert entries(resumed)[0] == entries(whole)[0]
    assert resumed.max_timestamp_ms == whole.max_timestamp_ms
    assert resumed.max_timestamp_offset == whole.max_timestamp_offset
