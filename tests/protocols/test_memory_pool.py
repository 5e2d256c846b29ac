"""MemoryPool: memory goes round, and what is kept is bounded."""

import pytest

from quekka.protocols.memory_pool import KEPT_BYTES_MAX, MemoryPool


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (8, 8), (9, 16), (1000, 1024), (65536, 65536)])
def test_sizes_are_rounded_up_to_a_power_of_two(asked: int, given: int) -> None:
    assert len(MemoryPool().take(asked)) == given


def test_memory_given_back_is_taken_again() -> None:
    pool = MemoryPool()
    memory = pool.take(1000)
    pool.give_back(memory)
    assert pool.take(900) is memory
    assert pool.take(900) is not memory


def test_lent_memory_is_not_taken_before_it_is_reclaimed() -> None:
    pool = MemoryPool()
    memory = pool.take(1000)
    pool.lend(memory)
    assert pool.take(1000) is not memory
    pool.reclaim()
    assert pool.take(1000) is memory


def test_no_more_is_kept_than_the_limit() -> None:
    pool = MemoryPool()
    size_bytes = KEPT_BYTES_MAX // 4
    for memory in [pool.take(size_bytes) for _ in range(10)]:
        pool.lend(memory)
    pool.reclaim()
    assert pool.spare_bytes == KEPT_BYTES_MAX


def test_release_keeps_nothing() -> None:
    pool = MemoryPool()
    memory = pool.take(1000)
    pool.give_back(memory)
    pool.release()
    assert pool.spare_bytes == 0
    assert pool.take(1000) is not memory
