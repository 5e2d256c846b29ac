"""MemoryPool: memory goes round, and what is kept is bounded."""

import pytest

from quekka.protocols.memory_pool import KEPT_BYTES_MAX, SMALL_BYTES_MAX, MemoryPool


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (8, 8), (9, 16), (1000, 1024), (65536, 65536)])
def test_sizes_are_rounded_up_to_a_power_of_two(asked: int, given: int) -> None:
    assert len(MemoryPool().take(asked)) == given


def test_memory_given_back_is_taken_again() -> None:
    pool = MemoryPool()
    memory = pool.take(1000)
    pool.give_back(memory)
    assert pool.take(900) is memory
    assert pool.take(900) is not memory


def test_what_is_spare_can_be_asked_for() -> None:
    pool = MemoryPool()
    assert not pool.has_spare(1000)
    pool.give_back(pool.take(1000))
    assert pool.has_spare(600)
    assert not pool.has_spare(500)


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


class NotingLender:
    def __init__(self) -> None:
        self.held: list[int] = []

    def hold(self, size_bytes: int) -> None:
        if size_bytes > 4 * SMALL_BYTES_MAX:
            raise MemoryError
        self.held.append(size_bytes)


def test_large_memory_is_asked_for_before_it_is_taken_until_nobody_uses_it() -> None:
    lender = NotingLender()
    pool = MemoryPool(lender)
    pool.give_back(pool.take(SMALL_BYTES_MAX))
    assert lender.held == []
    first, second = pool.take(SMALL_BYTES_MAX + 1), pool.take(2 * SMALL_BYTES_MAX)
    with pytest.raises(MemoryError):
        pool.take(SMALL_BYTES_MAX + 1)
    pool.give_back(first)
    pool.lend(second)
    pool.reclaim()
    step = 2 * SMALL_BYTES_MAX
    assert lender.held == [step, 2 * step, step, 0]
    pool.take(step)
    assert lender.held[-1] == step, "spare memory that is used again counts again"
