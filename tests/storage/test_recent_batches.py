"""The latest batches are found without the disk, and a view never sees more than it was given."""

import pytest

from quekka.storage.recent_batches import RECENT_BATCHES, RecentBatches


def three_batches() -> RecentBatches:
    """Offsets 0-4, 5-5, 8-9 (6 and 7 are a gap), of 100 bytes each."""
    rows = RecentBatches()
    for last_offset, position in ((4, 0), (5, 100), (9, 200)):
        rows = rows.append(last_offset, position)
    return rows


@pytest.mark.parametrize(("offset", "row"), [(0, 0), (4, 0), (5, 1), (6, 2), (8, 2), (9, 2)], ids=str)
def test_the_batch_that_holds_an_offset_is_found_or_the_one_after_the_gap(offset: int, row: int) -> None:
    assert three_batches().find(3, offset) == row


def test_rows_beyond_the_count_are_not_seen() -> None:
    assert three_batches().find(2, 9) == -1
    assert three_batches().find(0, 0) == -1


def test_an_offset_before_the_first_row_is_not_known() -> None:
    rows = RecentBatches().append(100, 5000).append(110, 5100)
    assert rows.find(2, 100) == -1  # the batch may begin anywhere, and others end before it
    assert rows.find(2, 101) == 1


@pytest.mark.parametrize(
    ("row", "max_bytes", "end"),
    [
        (0, 1, 100),
        (0, 100, 100),
        (0, 199, 100),
        (0, 200, 200),
        (0, 300, 300),
        (0, 9999, 300),
        (1, 150, 200),
        (2, 1, 300),
    ],
)
def test_a_slice_ends_with_the_last_batch_that_fits_and_has_one_at_least(
    row: int, max_bytes: int, end: int
) -> None:
    assert three_batches().end_of_whole_batches(3, row, 300, max_bytes) == end


def test_a_slice_ends_with_the_batches_of_the_view() -> None:
    assert three_batches().end_of_whole_batches(2, 0, 200, 9999) == 200
    assert three_batches().end_of_whole_batches(2, 1, 200, 50) == 200


def test_when_there_are_many_the_latest_go_on_in_new_rows_and_old_views_keep_theirs() -> None:
    rows = first = RecentBatches()
    for number in range(2 * RECENT_BATCHES):
        rows = rows.append(number, number * 10)
    assert rows is first
    rows = rows.append(2 * RECENT_BATCHES, 20 * RECENT_BATCHES)
    assert rows is not first
    assert rows.count == RECENT_BATCHES + 1
    assert first.count == 2 * RECENT_BATCHES
    assert rows.find(rows.count, 2 * RECENT_BATCHES) == RECENT_BATCHES
    assert first.find(first.count, 3) == 3


def test_truncate_forgets_the_last_rows() -> None:
    rows = three_batches()
    rows.truncate(1)
    assert (rows.count, rows.find(1, 4), rows.find(1, 5)) == (1, 0, -1)
