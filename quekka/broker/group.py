"""One consumer group of the text protocol: who is in it, who reads which partition, and where each is.

A group's state follows from its members (Kafka's words): Empty without any, Stable with some; there is no
time between, since the broker itself shares out the partitions. Membership, ownership and positions belong
to a topic within the group.

Invariants, for each topic of the group:

1. A partition has an owner exactly when the topic has members, and the owner is one of them.
2. A position is there only for a partition that was read or sought since its owner last changed; where there
is none,
   reading starts at the committed offset, and without that at the earliest.
"""

import threading
from typing import NamedTuple

from quekka.broker.assignors import share_out
from quekka.broker.offset_store import OffsetStore
from quekka.broker.topic import Topic
from quekka.errors import RebalanceInProgressError, UnknownMemberIdError


class Subscription:
    """What a group knows of one topic.

    Threads: any that holds the group's `mutex`.
    """

    __slots__ = ("members", "owners", "partitions_count", "positions")

    def __init__(self) -> None:
        self.members: list[str] = []
        """In the order in which they joined."""
        self.owners: dict[int, str] = {}
        self.positions: dict[int, int] = {}
        self.partitions_count = 0


class PartitionLag(NamedTuple):
    """How far a group is in one partition; -1 where there is no committed offset or position.

    Threads: any; immutable.
    """

    topic: str
    partition: int
    committed: int
    position: int
    end: int
    lag: int
    """Records between the committed offset (or, without one, the log start) and the log end."""


class MemberDescription(NamedTuple):
    """A member and what it reads, as (topic, partition).

    Threads: any; immutable.
    """

    member_id: str
    partitions: tuple[tuple[str, int], ...]


class GroupDescription(NamedTuple):
    """What GROUP and quekka-groups show.

    Threads: any; immutable.
    """

    group: str
    state: str
    protocol_type: str
    members: tuple[MemberDescription, ...]
    partitions: tuple[PartitionLag, ...]


class Group:
    """A group by name.

    Guarded by `mutex`: everything below it. It is held for dictionary work only, never while waiting.

    Threads: any; a method that ends in `_locked` by the thread that holds `mutex`.
    """

    def __init__(self, name: str, offsets: OffsetStore) -> None:
        self.name = name
        self._offsets = offsets
        self.mutex = threading.Lock()
        self._subscriptions: dict[str, Subscription] = {}
        self.emptied_ms = 0
        """Wall time at which the last member left; 0 where there was none yet."""

    def join_locked(self, topic: Topic, member: str) -> tuple[int, ...]:
        """Make `member` one of those who share `topic`, and set its positions back to what was committed."""
        subscription = self._subscription_locked(topic.name)
        if member not in subscription.members:
            subscription.members.append(member)
        self._share_out_locked(topic.name, len(topic.partitions))
        share = self.share_locked(topic.name, member)
        for number in share:
            subscription.positions.pop(number, None)
        return share

    def leave_locked(self, topic_name: str, member: str) -> bool:
        """Take `member` out of `topic`; False where it was not in."""
        subscription = self._subscriptions.get(topic_name)
        if subscription is None or member not in subscription.members:
            return False
        subscription.members.remove(member)
        self._share_out_locked(topic_name, subscription.partitions_count)
        return True

    def share_locked(self, topic_name: str, member: str) -> tuple[int, ...]:
        """The partitions that `member` reads."""
        owners = self._subscription_locked(topic_name).owners
        return tuple(sorted(number for number, owner in owners.items() if owner == member))

    def readable_locked(self, topic: Topic, member: str) -> tuple[int, ...]:
        """The partitions that `member` may read, commit and seek: its share, or all when the topic has no
        members.

        Raises UnknownMemberIdError when there are members and this is none of them.
        """
        subscription = self._subscription_locked(topic.name)
        if not subscription.members:
            return tuple(range(len(topic.partitions)))
        if member not in subscription.members:
            raise UnknownMemberIdError(
                f"group {self.name} has {len(subscription.members)} members for topic {topic.name} "
                f"and this connection is none of them: SUBSCRIBE first"
            )
        if subscription.partitions_count != len(topic.partitions):
            self._share_out_locked(topic.name, len(topic.partitions))
        return self.share_locked(topic.name, member)

    def check_readable_locked(self, topic: Topic, member: str, partition: int) -> None:
        """Raises RebalanceInProgressError where the partition is another member's."""
        if partition not in self.readable_locked(topic, member):
            raise RebalanceInProgressError(
                f"partition {partition} of topic {topic.name} is another member's in group {self.name}"
            )

    def position_locked(self, topic: Topic, number: int) -> int:
        """The offset to read next. One that retention has overtaken is moved on to the log start offset."""
        position = self._subscription_locked(topic.name).positions.get(number)
        if position is None:
            committed = self._offsets.committed(self.name, topic.name, number)
            position = 0 if committed is None else committed.offset
        return max(position, topic.partition(number).view().log_start_offset)

    def move_locked(self, topic_name: str, number: int, offset: int) -> None:
        self._subscription_locked(topic_name).positions[number] = offset

    def forget_topic_locked(self, topic_name: str) -> None:
        self._subscriptions.pop(topic_name, None)

    def has_members_locked(self) -> bool:
        return any(subscription.members for subscription in self._subscriptions.values())

    def topics_with_members_locked(self) -> frozenset[str]:
        return frozenset(name for name, subscription in self._subscriptions.items() if subscription.members)

    def members_locked(self) -> tuple[MemberDescription, ...]:
        """Every member with all it owns, in the order in which they joined."""
        owned: dict[str, list[tuple[str, int]]] = {}
        for topic_name, subscription in self._subscriptions.items():
            for member in subscription.members:
                numbers = self.share_locked(topic_name, member)
                owned.setdefault(member, []).extend((topic_name, number) for number in numbers)
        return tuple(MemberDescription(member, tuple(partitions)) for member, partitions in owned.items())

    def positions_locked(self) -> dict[tuple[str, int], int]:
        """Positions that were read or sought to, by (topic, partition)."""
        return {
            (topic_name, number): position
            for topic_name, subscription in self._subscriptions.items()
            for number, position in subscription.positions.items()
        }

    def _subscription_locked(self, topic_name: str) -> Subscription:
        assert self.mutex.locked()
        subscription = self._subscriptions.get(topic_name)
        if subscription is None:
            subscription = self._subscriptions[topic_name] = Subscription()
        return subscription

    def _share_out_locked(self, topic_name: str, partitions_count: int) -> None:
        """A partition that changes hands loses its position: what was not committed is read again."""
        subscription = self._subscription_locked(topic_name)
        owners = share_out(partitions_count, subscription.members, subscription.owners)
        if subscription.members:
            for number in range(partitions_count):
                if owners.get(number) != subscription.owners.get(number):
                    subscription.positions.pop(number, None)
        subscription.owners = owners
        subscription.partitions_count = partitions_count
