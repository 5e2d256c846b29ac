"""plan_cleaning: what is dirty, what is too young, and when it is worth the work."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.clean_plan import plan_cleaning
from quekka.storage.file_cache import CachedFile, FileCache, OpenFile
from quekka.storage.files import FILES
from quekka.storage.log_config import LogConfig
from quekka.storage.log_view import LogView
from quekka.storage.segment import SegmentView

NOW_MS = 1_700_000_000_000


class FakeSegment(SegmentView):
    """A sealed segment of a given size and age.

    Threads: the test's.
    """

    def __init__(self, base_offset: int, size_bytes: int, age_ms: int, log_file: object = None) -> None:
        file = cast(CachedFile[OpenFile], log_file)
        super().__init__(Path(f"{base_offset}.log"), base_offset, base_offset + 10, size_bytes, file)
        self.age_ms = age_ms

    @property
    def max_timestamp_ms(self) -> int:
        return NOW_MS - self.age_ms


def view_of(*sealed: FakeSegment, log_start_offset: int = 0) -> LogView:
    end = sealed[-1].next_offset if sealed else 0
    base_offsets = tuple(segment.base_offset for segment in sealed)
    fields: tuple[Any, ...] = (sealed, base_offsets, FakeSegment(end, 1000, 0), log_start_offset, end + 10, 0)
    return LogView._make(fields)


def three() -> LogView:
    return view_of(FakeSegment(0, 100, 300), FakeSegment(10, 100, 200), FakeSegment(20, 200, 100))


def config_of(**settings: str) -> LogConfig:
    given = {"cleanup.policy": "compact"} | {name.replace("_", "."): text for name, text in settings.items()}
    return LogConfig.from_settings(given)


def offsets(segments: Sequence[SegmentView]) -> list[int]:
    return [segment.base_offset for segment in segments]


@pytest.mark.parametrize(
    ("cleaned_to", "clean", "dirty"),
    [(0, 0, 400), (10, 100, 300), (15, 100, 300), (20, 200, 200), (9999, 0, 400)],
    ids=["never", "one", "within", "two", "beyond the log"],
)
def test_what_was_appended_since_the_last_pass_is_dirty(cleaned_to: int, clean: int, dirty: int) -> None:
    plan = plan_cleaning(three(), config_of(min_cleanable_dirty_ratio="0"), cleaned_to, NOW_MS)
    assert plan is not None
    assert (plan.clean_bytes, plan.dirty_bytes) == (clean, dirty)
    assert offsets(plan.segments) == [0, 10, 20]


def test_a_log_without_sealed_segments_is_left_alone() -> None:
    assert plan_cleaning(view_of(), config_of(min_cleanable_dirty_ratio="0"), 0, NOW_MS) is None


def test_a_clean_log_is_left_alone() -> None:
    assert plan_cleaning(three(), config_of(min_cleanable_dirty_ratio="0"), 30, NOW_MS) is None


@pytest.mark.parametrize(("ratio", "worth_it"), [("0.49", True), ("0.5", False), ("0.9", False)])
def test_the_dirty_ratio_decides(ratio: str, worth_it: bool) -> None:
    plan = plan_cleaning(three(), config_of(min_cleanable_dirty_ratio=ratio), 20, NOW_MS)
    assert (plan is not None) == worth_it


@pytest.mark.parametrize(
    ("lag_ms", "expected"), [(100, [0, 10, 20]), (101, [0, 10]), (201, [0]), (301, None)]
)
def test_segments_with_young_records_wait(lag_ms: int, expected: list[int] | None) -> None:
    plan = plan_cleaning(three(), config_of(min_compaction_lag_ms=str(lag_ms)), 0, NOW_MS)
    assert (None if plan is None else offsets(plan.segments)) == expected


def test_records_below_the_log_start_are_not_dirty() -> None:
    view = view_of(FakeSegment(0, 100, 1), FakeSegment(10, 100, 1), log_start_offset=12)
    plan = plan_cleaning(view, config_of(min_cleanable_dirty_ratio="0"), 0, NOW_MS)
    assert plan is not None
    assert plan.first_dirty_offset == 12
    assert offsets(plan.dirty_segments) == [10]


@pytest.mark.parametrize(("max_lag_ms", "overdue"), [(5000, False), (4999, True)])
def test_a_record_that_waited_long_enough_is_cleaned_whatever_the_ratio(
    tmp_path: Path, max_lag_ms: int, overdue: bool
) -> None:
    builder = BatchBuilder(NOW_MS - 5000)
    builder.append(b"k", b"v")
    (tmp_path / "log").write_bytes(builder.build())
    cache = FileCache(FILES, 2)
    segment = FakeSegment(0, 70, 0, cache.log_file(tmp_path / "log"))
    config = config_of(min_cleanable_dirty_ratio="1", max_compaction_lag_ms=str(max_lag_ms))
    assert (plan_cleaning(view_of(segment), config, 0, NOW_MS) is not None) == overdue
    cache.close_all()


@pytest.mark.parametrize(
    ("segment_bytes", "end_offset", "expected"),
    [
        (400, 30, [[0, 10, 20]]),
        (399, 30, [[0, 10], [20]]),
        (199, 30, [[0], [10], [20]]),
        (14, 30, [[0], [10], [20]]),
        (400, 20, [[0, 10]]),
        (400, 11, [[0, 10]]),
        (400, 0, []),
    ],
)
def test_neighbours_are_grouped_while_they_fit_in_one_segment(
    segment_bytes: int, end_offset: int, expected: list[list[int]]
) -> None:
    plan = plan_cleaning(three(), config_of(min_cleanable_dirty_ratio="0"), 0, NOW_MS)
    assert plan is not None
    assert [offsets(group) for group in plan.groups(end_offset, segment_bytes)] == expected


def test_a_group_spans_no_more_offsets_than_an_index_can_hold() -> None:
    far = FakeSegment(2**31 - 5, 100, 1)
    plan = plan_cleaning(view_of(FakeSegment(0, 100, 1), far), config_of(), 0, NOW_MS)
    assert plan is not None
    assert [offsets(group) for group in plan.groups(2**32, 10_000)] == [[0], [2**31 - 5]]


def test_what_is_not_on_the_disk_yet_is_not_cleaned_and_supersedes_nothing() -> None:
    config = config_of(min_cleanable_dirty_ratio="0")
    view = three()
    first, second, _ = view.sealed
    plan = plan_cleaning(view, config, 0, NOW_MS, second.next_offset)
    assert plan is not None
    assert plan.segments == (first, second)
    assert plan_cleaning(view, config, 0, NOW_MS, first.next_offset - 1) is None
