"""Tests of quekka.broker.group: one group, its members and positions (more in test_group_coordinator)."""

import pytest

from quekka.broker.broker import BrokerCore
from quekka.broker.group import Group
from quekka.broker.topic import Topic


@pytest.fixture
def topic(core: BrokerCore) -> Topic:
    return core.topics.create("logs", partitions=2)


def test_every_partition_has_one_owner_through_every_change(core: BrokerCore, topic: Topic) -> None:
    group = Group("g", core.groups.offsets)
    with group.mutex:
        for member in ("a", "b", "c"):
            group.join_locked(topic, member)
        for leaver in ("b", "a"):
            group.leave_locked("logs", leaver)
            shares = [number for member in "abc" for number in group.share_locked("logs", member)]
            assert sorted(shares) == [0, 1]
        assert group.share_locked("logs", "c") == (0, 1)
        group.leave_locked("logs", "c")
        assert not group.has_members_locked()


def test_a_partition_that_stays_with_its_member_keeps_its_position(core: BrokerCore, topic: Topic) -> None:
    group = Group("g", core.groups.offsets)
    with group.mutex:
        group.join_locked(topic, "a")
        group.move_locked("logs", 0, 5)
        group.move_locked("logs", 1, 6)
        group.join_locked(topic, "b")
        kept = group.share_locked("logs", "a")[0]
        given = group.share_locked("logs", "b")[0]
        assert group.positions_locked() == {("logs", kept): 5 + kept}
        assert group.position_locked(topic, given) == 0


def test_without_the_lock_it_refuses(core: BrokerCore, topic: Topic) -> None:
    with pytest.raises(AssertionError):
        Group("g", core.groups.offsets).share_locked("logs", "a")
