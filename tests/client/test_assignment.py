import logging
from collections.abc import Callable, Iterable, Mapping

import pytest

from quekka.client import TopicPartition
from quekka.client.assignment import Assignment
from quekka.client.partition_state import PartitionState
from quekka.errors import IllegalStateError, OffsetOutOfRangeError, QuekkaError, RebalanceInProgressError
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec

FIRST, SECOND = TopicPartition("logs", 0), TopicPartition("logs", 1)


class FakeMembership:
    """A group's offsets in a dictionary; every log is from 10 to 20."""

    def __init__(self, *, has_group: bool = True) -> None:
        self.has_group = has_group
        self.stored: dict[TopicPartition, int] = {}
        self.refusals: dict[TopicPartition, QuekkaError] = {}

    def committed(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        return {partition: offset for partition, offset in self.stored.items() if partition.topic in topics}

    def commit(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, QuekkaError]:
        self.stored.update((tp, offset) for tp, offset in offsets.items() if tp not in self.refusals)
        return {tp: error for tp, error in self.refusals.items() if tp in offsets}

    def offsets(self, wanted: Mapping[TopicPartition, OffsetSpec]) -> dict[TopicPartition, int]:
        return {tp: {EARLIEST: 10, LATEST: 20}[where] for tp, where in wanted.items()}


class FakeFetcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.assigned: list[TopicPartition] = []
        self.interrupted: list[TopicPartition] = []

    def assign(self, states: Iterable[PartitionState]) -> None:
        self.assigned = [state.topic_partition for state in states]

    def interrupt(self, state: PartitionState) -> None:
        self.interrupted.append(state.topic_partition)


class Rig:
    def __init__(self, reset: OffsetSpec | None, *, has_group: bool) -> None:
        self.membership = FakeMembership(has_group=has_group)
        self.fetcher = FakeFetcher()
        self.assignment = Assignment(self.membership, self.fetcher, reset)  # type: ignore[arg-type]

    def positions(self) -> dict[TopicPartition, int]:
        return {state.topic_partition: state.position for state in self.assignment.states()}


Make = Callable[..., Rig]


@pytest.fixture
def make() -> Make:
    def make_rig(reset: OffsetSpec | None = EARLIEST, *, has_group: bool = True) -> Rig:
        return Rig(reset, has_group=has_group)

    return make_rig


def test_partitions_begin_at_what_is_committed_else_at_the_reset(make: Make) -> None:
    rig = make()
    rig.membership.stored = {FIRST: 13, TopicPartition("logs", 7): 99}
    rig.assignment.add([FIRST, SECOND])
    assert rig.positions() == {FIRST: 13, SECOND: 10}
    assert rig.assignment.state(FIRST).committed == 13
    assert rig.assignment.state(SECOND).committed is None
    assert rig.fetcher.assigned == [FIRST, SECOND]
    assert rig.assignment.partitions == {FIRST, SECOND}


def test_without_a_group_partitions_begin_at_the_reset(make: Make) -> None:
    rig = make(LATEST, has_group=False)
    rig.membership.stored = {FIRST: 13}
    rig.assignment.add([FIRST])
    assert rig.positions() == {FIRST: 20}


def test_without_a_reset_a_missing_commit_is_an_error(make: Make) -> None:
    rig = make(None)
    rig.membership.stored = {FIRST: 13}
    with pytest.raises(OffsetOutOfRangeError, match="nothing is committed for logs/1"):
        rig.assignment.add([FIRST, SECOND])
    rig.assignment.add([FIRST])
    assert rig.positions() == {FIRST: 13}


def test_what_is_removed_is_forgotten(make: Make) -> None:
    rig = make()
    rig.assignment.add([FIRST, SECOND])
    state = rig.assignment.state(FIRST)
    version = state.version
    rig.assignment.remove([FIRST])
    assert rig.fetcher.assigned == [SECOND]
    assert state.version != version
    with pytest.raises(IllegalStateError, match="logs/0 is not assigned"):
        rig.assignment.state(FIRST)


def test_a_seek_interrupts_the_fetch(make: Make) -> None:
    rig = make()
    rig.assignment.add([FIRST])
    rig.assignment.seek(FIRST, 17)
    assert rig.positions() == {FIRST: 17}
    rig.assignment.seek_to({FIRST: LATEST})
    assert rig.positions() == {FIRST: 20}
    assert rig.fetcher.interrupted == [FIRST, FIRST]
    with pytest.raises(IllegalStateError):
        rig.assignment.seek_to({SECOND: LATEST})


def test_only_what_changed_is_committed(make: Make) -> None:
    rig = make()
    rig.membership.stored = {FIRST: 13, SECOND: 14}
    rig.assignment.add([FIRST, SECOND])
    assert rig.assignment.uncommitted() == {}
    rig.assignment.state(SECOND).position = 15
    assert rig.assignment.uncommitted([FIRST]) == {}
    assert rig.assignment.commit(rig.assignment.uncommitted()) == {}
    assert rig.membership.stored == {FIRST: 13, SECOND: 15}
    assert rig.assignment.uncommitted() == {}


def test_what_was_refused_stays_uncommitted(make: Make) -> None:
    rig = make()
    rig.assignment.add([FIRST, SECOND])
    rig.membership.refusals = {FIRST: RebalanceInProgressError("not yours")}
    assert list(rig.assignment.commit({FIRST: 12, SECOND: 12})) == [FIRST]
    assert rig.assignment.state(SECOND).committed == 12
    assert FIRST in rig.assignment.uncommitted()


def test_commits_of_others_are_adopted_and_own_positions_kept(make: Make) -> None:
    rig = make()
    rig.membership.stored = {FIRST: 13, SECOND: 13}
    rig.assignment.add([FIRST, SECOND])
    rig.assignment.state(FIRST).position = 15
    rig.assignment.state(SECOND).position = 15
    rig.membership.stored[SECOND] = 17
    rig.assignment.adopt_commits()
    assert rig.positions() == {FIRST: 15, SECOND: 17}
    assert rig.assignment.uncommitted() == {FIRST: 15}


def test_a_lost_position_goes_where_the_reset_says(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    rig = make(LATEST)
    rig.membership.stored = {FIRST: 3, SECOND: 13}
    rig.assignment.add([FIRST, SECOND])
    rig.assignment.reset_lost()
    rig.assignment.state(FIRST).needs_reset = "offset 3 is not in 10..20"
    with caplog.at_level(logging.WARNING):
        rig.assignment.reset_lost()
    assert rig.positions() == {FIRST: 20, SECOND: 13}
    assert "logs/0: going to 20" in caplog.text
    assert "offset 3 is not in 10..20" in caplog.text


def test_without_a_reset_a_lost_position_is_an_error_until_a_seek(make: Make) -> None:
    rig = make(None)
    rig.membership.stored = {FIRST: 3}
    rig.assignment.add([FIRST])
    rig.assignment.state(FIRST).needs_reset = "offset 3 is not in 10..20"
    for _ in range(2):
        with pytest.raises(OffsetOutOfRangeError, match=r"logs/0: offset 3 is not in 10\.\.20"):
            rig.assignment.reset_lost()
    rig.assignment.seek(FIRST, 12)
    rig.assignment.reset_lost()
