"""Tests of quekka.broker.fetch_session_cache."""

import random
import tracemalloc
from typing import NamedTuple

import pytest

from quekka.broker.broker import BrokerCore
from quekka.broker.fetch_session import FINAL_EPOCH, FetchSession
from quekka.broker.fetch_session_cache import (
    MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS,
    NO_SESSION_ID,
    PARTITIONS_MAX,
    FetchSessionCache,
)
from quekka.clock import ManualClock

LONG_MS = MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS
SLOTS = 3


class Partition(NamedTuple):
    """As it is asked for and told."""

    partition: int
    current_leader_epoch: int = -1
    last_fetched_epoch: int = -1
    fetch_offset: int = 0
    partition_max_bytes: int = 1
    error_code: int = 0
    high_watermark: int = 0
    log_start_offset: int = 0
    records: None = None


@pytest.fixture
def cache(manual_clock: ManualClock) -> FetchSessionCache:
    return FetchSessionCache(manual_clock, SLOTS, partitions_max=100)


def open_session(cache: FetchSessionCache, size: int) -> int:
    return cache.open([("logs", Partition(index), Partition(index)) for index in range(size)])


def use(cache: FetchSessionCache, session_id: int, *added: int) -> bool:
    session = cache.get(session_id)
    assert session is not None
    assert session.update(session.epoch, {("logs", index): Partition(index) for index in added}, ())
    return cache.touch(session)


def test_a_session_has_a_random_positive_id_and_expects_epoch_1(cache: FetchSessionCache) -> None:
    ids = [open_session(cache, 2) for _ in range(SLOTS)]
    assert len({*ids}) == SLOTS
    assert all(0 < each < 2**31 for each in ids)
    session = cache.get(ids[0])
    assert session is not None
    assert (session.epoch, session.size, cache.partitions_count) == (1, 2, 2 * SLOTS)


def test_with_all_slots_in_use_nobody_young_gives_way(
    cache: FetchSessionCache, manual_clock: ManualClock
) -> None:
    for _ in range(SLOTS):
        open_session(cache, 1)
    manual_clock.advance(ms=LONG_MS)
    assert open_session(cache, 50) == NO_SESSION_ID
    assert len(cache) == SLOTS


def test_who_was_not_used_for_long_gives_way_first(
    cache: FetchSessionCache, manual_clock: ManualClock
) -> None:
    first, second, third = (open_session(cache, size) for size in (9, 8, 7))
    closed = cache.get(second)
    assert use(cache, first)
    manual_clock.advance(ms=1)
    assert use(cache, first)
    assert use(cache, third)
    manual_clock.advance(ms=LONG_MS)
    assert open_session(cache, 1) != NO_SESSION_ID
    assert [cache.get(each) is not None for each in (first, second, third)] == [True, False, True]
    assert closed is not None
    assert closed.epoch == FINAL_EPOCH


def test_of_old_sessions_in_use_the_smallest_gives_way_to_a_larger_one(
    cache: FetchSessionCache, manual_clock: ManualClock
) -> None:
    ids = [open_session(cache, size) for size in (5, 3, 4)]
    manual_clock.advance(ms=LONG_MS + 1)
    for each in ids:
        assert use(cache, each)
    assert open_session(cache, 3) == NO_SESSION_ID
    assert open_session(cache, 4) != NO_SESSION_ID
    assert [cache.get(each) is not None for each in ids] == [True, False, True]


def test_a_session_that_has_grown_is_as_large_as_it_is(
    cache: FetchSessionCache, manual_clock: ManualClock
) -> None:
    ids = [open_session(cache, size) for size in (2, 3, 4)]
    manual_clock.advance(ms=LONG_MS + 1)
    for each in ids:
        assert use(cache, each)
    assert use(cache, ids[0], 10, 11, 12)
    assert cache.partitions_count == 12
    assert open_session(cache, 4) != NO_SESSION_ID
    assert cache.get(ids[1]) is None


def test_a_removed_session_makes_room(cache: FetchSessionCache) -> None:
    ids = [open_session(cache, 1) for _ in range(SLOTS)]
    session = cache.get(ids[0])
    cache.remove(ids[0])
    cache.remove(77)
    assert session is not None
    assert not cache.touch(session)
    assert (len(cache), cache.partitions_count) == (SLOTS - 1, SLOTS - 1)
    assert open_session(cache, 1) != NO_SESSION_ID


@pytest.mark.parametrize(("size", "fits"), [(60, True), (61, False), (101, False)])
def test_there_are_no_more_partitions_than_there_is_memory_for(
    cache: FetchSessionCache, size: int, fits: bool
) -> None:
    open_session(cache, 40)
    assert (open_session(cache, size) != NO_SESSION_ID) is fits
    assert cache.partitions_count == (100 if fits else 40)


def test_old_sessions_give_way_until_there_is_memory(
    cache: FetchSessionCache, manual_clock: ManualClock
) -> None:
    open_session(cache, 40)
    open_session(cache, 40)
    manual_clock.advance(ms=LONG_MS + 1)
    assert open_session(cache, 101) == NO_SESSION_ID
    assert open_session(cache, 90) != NO_SESSION_ID
    assert (len(cache), cache.partitions_count) == (1, 90)


def test_a_session_that_grows_beyond_the_memory_is_closed(cache: FetchSessionCache) -> None:
    growing, other = open_session(cache, 40), open_session(cache, 59)
    assert use(cache, growing, 40)
    assert not use(cache, growing, 41)
    assert (cache.get(growing), cache.partitions_count) == (None, 59)
    assert use(cache, other)


def test_all_sessions_are_closed_at_the_end(cache: FetchSessionCache) -> None:
    sessions = [cache.get(open_session(cache, 1)) for _ in range(SLOTS)]
    cache.close()
    assert (len(cache), cache.partitions_count) == (0, 0)
    assert all(isinstance(each, FetchSession) and each.epoch == FINAL_EPOCH for each in sessions)


def test_as_many_partitions_as_there_may_be_fit_into_one_session() -> None:
    assert PARTITIONS_MAX >= 100_000


def test_a_partition_takes_less_memory_than_is_reckoned_with(core: BrokerCore) -> None:
    """With a name of its own, as long as names may be, and asleep."""
    topics = [core.topics.create(f"{number:0249}", 1) for number in range(200)]
    tracemalloc.start()
    try:
        names = [str(topic.name.encode(), "ascii") for topic in topics]
        asked = [(name, Partition(0), Partition(0)) for name in names]
        session = core.fetch_sessions.get(core.fetch_sessions.open(asked))
        del asked
        assert session is not None
        session.positions(session.epoch, lambda name, each: core.topics.get(name).partition(each.partition))
        bytes_each = tracemalloc.get_traced_memory()[0] / len(topics)
    finally:
        tracemalloc.stop()
    assert bytes_each < 1024


def test_the_counts_are_right_whatever_happens(manual_clock: ManualClock, seed: int) -> None:
    random_ = random.Random(seed)
    cache = FetchSessionCache(manual_clock, 20, partitions_max=150)
    ids: set[int] = set()
    for _ in range(2000):
        ids = {each for each in ids if cache.get(each) is not None}
        choice = random_.randrange(10)
        if choice < 4 or not ids:
            ids |= {open_session(cache, random_.randrange(20))} - {NO_SESSION_ID}
        elif choice < 9:
            use(cache, random_.choice(sorted(ids)), *random_.sample(range(40), 2))
        else:
            cache.remove(random_.choice(sorted(ids)))
        manual_clock.advance(ms=random_.randrange(LONG_MS // 20))
        sessions = [session for each in ids if (session := cache.get(each)) is not None]
        assert len(cache) == len(sessions) <= 20
        assert cache.partitions_count == sum(session.size for session in sessions) <= 150
