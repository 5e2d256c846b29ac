"""The list of sealed segments: counting, finding, replacing."""

from collections.abc import Callable

import pytest
from log_bench import LogBench

from quekka.storage.sealed_segments import SealedSegments


@pytest.fixture
def sealed(bench: Callable[..., LogBench]) -> SealedSegments:
    """Four segments: 0-4, 5-9, 10-14, 15-19."""
    log = bench()
    for _ in range(4):
        log.fill(5)
        log.roll()
    return SealedSegments.of(log.view.sealed)


def test_bases_and_size_are_counted(sealed: SealedSegments) -> None:
    assert sealed.base_offsets == (0, 5, 10, 15)
    assert sealed.size_bytes == 2000
    assert SealedSegments.of(()) == ((), (), 0)


@pytest.mark.parametrize(("offset", "count"), [(0, 0), (4, 0), (5, 1), (14, 2), (15, 3), (20, 4), (99, 4)])
def test_only_segments_that_end_before_an_offset_are_counted(
    sealed: SealedSegments, offset: int, count: int
) -> None:
    assert sealed.ending_before(offset) == count


def test_neighbours_are_found_and_replaced(sealed: SealedSegments) -> None:
    first, second, third, fourth = sealed.segments
    assert sealed.position_of([second, third]) == 1
    assert sealed.replaced(1, 2, second).segments == (first, second, fourth)


def test_what_is_not_there_side_by_side_is_not_found(sealed: SealedSegments) -> None:
    first, second, third, _ = sealed.segments
    assert sealed.position_of([]) is None
    assert sealed.position_of([first, third]) is None
    assert SealedSegments.of([second]).position_of([first]) is None
    assert SealedSegments.of([second]).position_of([second, third]) is None
