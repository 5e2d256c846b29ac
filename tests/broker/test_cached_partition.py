"""Tests of quekka.broker.cached_partition."""

from typing import NamedTuple

import pytest
from broker_helpers import publish

from quekka.broker.broker import BrokerCore
from quekka.broker.cached_partition import Asked, CachedPartition, size_of
from quekka.broker.partition import Partition
from quekka.errors import UnknownTopicOrPartitionError


class Records(NamedTuple):
    size_bytes: int


class Ask(NamedTuple):
    partition: int = 0
    fetch_offset: int = 2
    current_leader_epoch: int = -1
    last_fetched_epoch: int = -1
    partition_max_bytes: int = 100


class Tell(NamedTuple):
    error_code: int = 0
    high_watermark: int = 2
    log_start_offset: int = 0
    records: Records | None = None


@pytest.fixture
def partition(core: BrokerCore) -> Partition:
    publish(core, "logs", b"0", b"1")
    return core.topics.get("logs").partition(0)


@pytest.fixture
def woken() -> list[CachedPartition]:
    return []


@pytest.fixture
def cached(partition: Partition, woken: list[CachedPartition]) -> CachedPartition:
    """At the end of its partition, and told so."""
    cached = CachedPartition("logs", Ask(), 0, woken.append)
    cached.note(Tell())
    assert cached.find(lambda *_: partition) is partition
    return cached


NOTES = {
    "nothing_new": (Tell(), False),
    "records": (Tell(records=Records(1)), True),
    "no_records": (Tell(records=Records(0)), False),
    "high_watermark": (Tell(high_watermark=3), True),
    "log_start_offset": (Tell(log_start_offset=1), True),
    "error": (Tell(error_code=3, high_watermark=-1, log_start_offset=-1), True),
}


@pytest.mark.parametrize(("told", "has_to_be_told"), NOTES.values(), ids=NOTES)
def test_only_what_is_new_has_to_be_told(cached: CachedPartition, told: Tell, has_to_be_told: bool) -> None:
    assert cached.note(told) is has_to_be_told
    assert cached.note(told) is (size_of(told) > 0 or told.error_code != 0)


def test_after_an_error_the_same_offsets_are_told_again(cached: CachedPartition) -> None:
    cached.note(Tell(error_code=1))
    assert cached.note(Tell())


@pytest.mark.parametrize(
    ("offset", "told", "is_idle"),
    [(2, Tell(), True), (1, Tell(), False), (2, Tell(high_watermark=1), False), (2, Tell(1, -1, -1), False),
     (2, Tell(log_start_offset=-1), False), (3, Tell(high_watermark=3), False)],
    ids=["at_the_end", "before_the_end", "end_not_told", "error", "start_not_told", "after_the_end"],
)  # fmt: skip
def test_idle_is_who_has_nothing_to_read_and_nothing_to_be_told(
    cached: CachedPartition, partition: Partition, offset: int, told: Tell, is_idle: bool
) -> None:
    cached.want(Ask(fetch_offset=offset))
    cached.note(told)
    assert cached.is_idle(partition.view()) is is_idle


def test_an_append_wakes_once(
    core: BrokerCore, cached: CachedPartition, partition: Partition, woken: list[CachedPartition]
) -> None:
    cached.sleep(partition)
    assert woken == []
    publish(core, "logs", b"2")
    publish(core, "logs", b"3")
    assert woken == [cached]
    assert not partition.log_end._waiters


def test_who_goes_to_sleep_too_late_is_woken_at_once(
    core: BrokerCore, cached: CachedPartition, partition: Partition, woken: list[CachedPartition]
) -> None:
    publish(core, "logs", b"2")
    cached.sleep(partition)
    assert woken == [cached]
    assert not partition.log_end._waiters


def test_who_leaves_is_not_woken(
    core: BrokerCore, cached: CachedPartition, partition: Partition, woken: list[CachedPartition]
) -> None:
    cached.sleep(partition)
    cached.leave()
    publish(core, "logs", b"2")
    assert woken == []


def test_a_partition_is_looked_for_again_when_it_is_gone_or_an_epoch_is_another(
    core: BrokerCore, cached: CachedPartition, partition: Partition
) -> None:
    asked: list[tuple[str, int, int, int]] = []

    def find(topic: str, wanted: Asked) -> Partition:
        asked.append((topic, wanted.partition, wanted.current_leader_epoch, wanted.last_fetched_epoch))
        raise UnknownTopicOrPartitionError("gone")

    assert cached.find(find) is partition
    cached.want(Ask(fetch_offset=1))
    assert cached.find(find) is partition
    cached.want(Ask(current_leader_epoch=7))
    assert cached.find(find) is None
    assert cached.find(lambda *_: partition) is partition
    cached.want(Ask(current_leader_epoch=7, last_fetched_epoch=8))
    assert cached.find(find) is None
    assert cached.find(lambda *_: partition) is partition
    core.topics.delete("logs")
    assert cached.find(find) is None
    assert asked == [("logs", 0, 7, -1), ("logs", 0, 7, 8), ("logs", 0, 7, 8)]
