"""Consumer groups: who reads what, from where, and what was committed.

Lock order (quekka-internals(7)): `_mutex` (the map of groups), then one group's `mutex`. Neither is held
while an append to `__consumer_offsets` is waited for.
"""

import threading
from collections.abc import Callable

from quekka.broker.classic_coordinator import ClassicCoordinator
from quekka.broker.completion import Completion
from quekka.broker.config import BrokerConfig
from quekka.broker.group import Group, GroupDescription, MemberDescription, PartitionLag
from quekka.broker.offset_store import OffsetStore, TopicPartition
from quekka.broker.signal import Signal
from quekka.broker.timers import Timers
from quekka.broker.topic import Topic
from quekka.broker.topic_manager import TopicManager
from quekka.clock import Clock
from quekka.errors import (
    BadRequestError,
    GroupIdNotFoundError,
    InconsistentGroupProtocolError,
    KafkaStorageError,
    NonEmptyGroupError,
    OffsetOutOfRangeError,
    PolicyViolationError,
    QuekkaError,
    UnknownTopicOrPartitionError,
)
from quekka.offset_spec import OffsetSpec

PROTOCOL_TYPE = "quekka-text"


class GroupCoordinator:
    """All groups of the broker.

    Threads: any.
    """

    def __init__(
        self,
        topics: TopicManager,
        offsets: OffsetStore,
        clock: Clock,
        timers: Timers,
        config: Callable[[], BrokerConfig],
    ) -> None:
        self._mutex = threading.Lock()
        self.offsets = offsets
        self.classic = ClassicCoordinator(clock, timers, config, self._mutex, self.has_members)
        """The groups of Kafka's protocol; a group has members of one protocol at a time."""
        self.rebalanced = Signal()
        """Fires when partitions changed hands in some group."""
        self._topics = topics
        self._clock = clock
        self._config = config
        self._groups: dict[str, Group] = {}
        self._memberships: dict[str, set[tuple[str, str]]] = {}
        self._starting: dict[tuple[str, str], Completion[None]] = {}

    # Members

    def subscribe(self, topic: Topic, group_name: str, member: str, start: OffsetSpec) -> tuple[int, ...]:
        """Make `member` a member of the group for `topic`; the partitions that are its share now.

        Where the group has committed nothing, `start` is committed, once, before this returns. Raises
        OffsetOutOfRangeError, with nothing committed, when it is not in one of these partitions.
        """
        self._check_no_classic_members(group_name)
        self._commit_start(topic, group_name, start)
        with self._mutex:
            self._check_no_classic_members(group_name)
            group = self._get_or_create_locked(group_name)
            self._memberships.setdefault(member, set()).add((group_name, topic.name))
            with group.mutex:
                share = group.join_locked(topic, member)
        self.rebalanced.fire()
        return share

    def has_members(self, group_name: str) -> bool:
        """Whether members of the text protocol are in the group."""
        group = self._groups.get(group_name)
        if group is None:
            return False
        with group.mutex:
            return group.has_members_locked()

    def _check_no_classic_members(self, group_name: str) -> None:
        if self.classic.has_members(group_name):
            raise InconsistentGroupProtocolError(f"group {group_name} has members of the Kafka protocol")

    def unsubscribe(self, topic_name: str, group_name: str, member: str) -> None:
        """End a membership; one that was not there is no error."""
        with self._mutex:
            memberships = self._memberships.get(member, set())
            memberships.discard((group_name, topic_name))
            if not memberships:
                self._memberships.pop(member, None)
            left = self._leave_locked(group_name, topic_name, member)
        if left:
            self.rebalanced.fire()

    def disconnect(self, member: str) -> None:
        """End all memberships of a connection that is gone."""
        with self._mutex:
            memberships = self._memberships.pop(member, set())
            for group_name, topic_name in memberships:
                self._leave_locked(group_name, topic_name, member)
        if memberships:
            self.rebalanced.fire()

    def _leave_locked(self, group_name: str, topic_name: str, member: str) -> bool:
        group = self._groups.get(group_name)
        if group is None:
            return False
        with group.mutex:
            left = group.leave_locked(topic_name, member)
            if left and not group.has_members_locked():
                group.emptied_ms = self._clock.wall_ms()
            return left

    def _commit_start(self, topic: Topic, group_name: str, start: OffsetSpec) -> None:
        """The first subscriber commits the start; others who come meanwhile wait until that is done."""
        uncommitted = self._uncommitted(topic, group_name)
        if not uncommitted:
            return
        place = (group_name, topic.name)
        done: Completion[None] = Completion()
        with self._mutex:
            other = self._starting.setdefault(place, done)
        if other is not done:
            other.wait()
            return
        try:
            offsets = {
                (topic.name, number): self._offset_in_range(topic, number, start) for number in uncommitted
            }
            self.offsets.commit(group_name, offsets)
        except QuekkaError as error:
            done.fail(error)
            raise
        else:
            done.complete(None)
        finally:
            with self._mutex:
                del self._starting[place]

    def _uncommitted(self, topic: Topic, group_name: str) -> list[int]:
        committed = self.offsets.committed
        return [
            partition.index
            for partition in topic.partitions
            if committed(group_name, topic.name, partition.index) is None
        ]

    # Positions

    def positions(self, topic: Topic, group_name: str, member: str) -> list[tuple[int, int]]:
        """The partitions that `member` may read and the offset to read in each.

        Raises UnknownMemberIdError when the group has other members for the topic and this is none.
        """
        group = self._get_or_create(group_name)
        with group.mutex:
            return [
                (number, group.position_locked(topic, number))
                for number in group.readable_locked(topic, member)
            ]

    def advance(
        self, topic: Topic, group_name: str, member: str, partition: int, from_offset: int, to_offset: int
    ) -> bool:
        """Move a position on, if it is still where the reader found it and the partition still is the
        reader's.

        False: somebody moved it or took it over meanwhile, or the topic was deleted; what was read is not the
        reader's, and it reads again.
        """
        group = self._get_or_create(group_name)
        with group.mutex:
            # Under the mutex: `forget_topic` takes it too, and a topic of the same name begins anew.
            if topic.partition(partition).is_gone:
                return False
            if partition not in group.readable_locked(topic, member):
                return False
            if group.position_locked(topic, partition) != from_offset:
                return False
            group.move_locked(topic.name, partition, to_offset)
            return True

    def seek(
        self, topic: Topic, group_name: str, member: str, where: OffsetSpec, partition: int | None
    ) -> int:
        """Set positions; the offset of the lowest-numbered partition concerned.

        Raises OffsetOutOfRangeError, BadRequestError, RebalanceInProgressError, UnknownMemberIdError,
        UnknownTopicOrPartitionError where the topic was deleted meanwhile.
        """
        group = self._get_or_create(group_name)
        numbers = self._concerned(group, topic, member, partition, where.kind == "offset")
        offsets = {number: self._offset_in_range(topic, number, where) for number in numbers}
        with group.mutex:
            for number, offset in offsets.items():
                if topic.partition(number).is_gone:
                    raise UnknownTopicOrPartitionError(f"topic {topic.name} was deleted")
                group.check_readable_locked(topic, member, number)
                group.move_locked(topic.name, number, offset)
        return next(iter(offsets.values()))

    def _offset_in_range(self, topic: Topic, number: int, where: OffsetSpec) -> int:
        partition = topic.partition(number)
        view = partition.view()
        offset = partition.find(where)
        if not view.log_start_offset <= offset <= view.log_end_offset:
            raise OffsetOutOfRangeError(
                f"offset {offset} is not in partition {number} of topic {topic.name}, "
                f"which holds {view.log_start_offset} to {view.log_end_offset}"
            )
        return offset

    # Commits

    def commit(
        self, topic: Topic, group_name: str, member: str, offset: int | None, partition: int | None
    ) -> int:
        """Store the offset to read next (None: the present positions); that of the lowest-numbered partition.

        Raises OffsetOutOfRangeError for an offset after the log end, BadRequestError for an offset without a
        partition where the topic has several, RebalanceInProgressError, UnknownMemberIdError.
        """
        group = self._get_or_create(group_name)
        numbers = self._concerned(group, topic, member, partition, offset is not None)
        with group.mutex:
            offsets = {
                (topic.name, number): group.position_locked(topic, number) if offset is None else offset
                for number in numbers
            }
        for (_, number), value in offsets.items():
            end = topic.partition(number).view().log_end_offset
            if value > end:
                raise OffsetOutOfRangeError(
                    f"offset {value} is after the end of partition {number} of topic {topic.name}, {end}"
                )
        self.offsets.commit(group_name, offsets)
        return next(iter(offsets.values()))

    def _concerned(
        self, group: Group, topic: Topic, member: str, partition: int | None, one_only: bool
    ) -> tuple[int, ...]:
        """The partitions a COMMIT or SEEK is about."""
        if partition is not None:
            topic.partition(partition)
        elif one_only and len(topic.partitions) > 1:
            raise BadRequestError(
                f"topic {topic.name} has {len(topic.partitions)} partitions: say which with partition=<p>"
            )
        with group.mutex:
            if partition is not None:
                group.check_readable_locked(topic, member, partition)
                return (partition,)
            numbers = group.readable_locked(topic, member)
        if not numbers:
            raise BadRequestError(f"no partition of topic {topic.name} is this member's at present")
        return numbers

    # Looking at groups

    def names(self) -> list[str]:
        """All groups that have committed something, have members, or have read, sorted."""
        classic = (group.name for group in self.classic.all())
        return sorted({*self._groups, *classic, *self.offsets.group_names()})

    def describe(self, group_name: str, topic_name: str | None = None) -> GroupDescription:
        """Members and progress; state Dead where the group does not exist."""
        group = self._groups.get(group_name)
        members: tuple[MemberDescription, ...] = ()
        positions: dict[TopicPartition, int] = {}
        if group is not None:
            with group.mutex:
                members = group.members_locked()
                positions = group.positions_locked()
        state, protocol_type = "Stable" if members else "Empty", PROTOCOL_TYPE if members else ""
        classic = self.classic.find(group_name)
        if classic is not None and not members:
            state, protocol_type, members = self.classic.describe(group_name)
        owned = {place for member in members for place in member.partitions}
        committed = self.offsets.committed_by(group_name)
        places = sorted({*positions, *committed, *owned})
        lags = [
            self._lag(place, committed[place].offset if place in committed else -1, positions.get(place, -1))
            for place in places
            if topic_name is None or place[0] == topic_name
        ]
        if not members and group is None and classic is None and not committed:
            state = "Dead"
        return GroupDescription(group_name, state, protocol_type, members, tuple(lag for lag in lags if lag))

    def _lag(self, place: TopicPartition, committed: int, position: int) -> PartitionLag | None:
        topic_name, number = place
        try:
            view = self._topics.get(topic_name).partition(number).view()
        except (KafkaStorageError, UnknownTopicOrPartitionError):
            return None
        lag = view.log_end_offset - max(committed, view.log_start_offset)
        return PartitionLag(topic_name, number, committed, position, view.log_end_offset, max(0, lag))

    def count(self) -> int:
        return len(self.names())

    def topics_in_use(self, group_name: str) -> frozenset[str] | None:
        """Topics that members read; None where that cannot be known, or changes at this moment."""
        classic, group = self.classic.find(group_name), self._groups.get(group_name)
        topics: frozenset[str] | None = frozenset()
        if classic is not None:
            with classic.mutex:
                topics = classic.topics_in_use_locked()
        if group is not None and topics is not None:
            with group.mutex:
                topics |= group.topics_with_members_locked()
        return topics

    def emptied_ms(self, group_name: str) -> int:
        """Wall time at which the group lost its last member; 0 where it has some, or never had one."""
        classic, group = self.classic.find(group_name), self._groups.get(group_name)
        return max(
            0 if classic is None or classic.members else classic.emptied_ms,
            0 if group is None or self.has_members(group_name) else group.emptied_ms,
        )

    # The end of groups and topics

    def delete(self, group_name: str) -> None:
        """Forget a group and what it committed; raises NonEmptyGroupError, GroupIdNotFoundError."""
        committed = self.offsets.committed_by(group_name)
        is_known = self.classic.find(group_name) is not None
        if not self.classic.delete(group_name):
            raise NonEmptyGroupError(f"group {group_name} has members")
        with self._mutex:
            group = self._groups.get(group_name)
            if group is None and not committed and not is_known:
                raise GroupIdNotFoundError(f"there is no group {group_name}")
            if group is not None:
                with group.mutex:
                    if group.has_members_locked():
                        raise NonEmptyGroupError(f"group {group_name} has members")
                    del self._groups[group_name]
        self.offsets.forget(group_name, list(committed))

    def forget_if_unused(self, group_name: str) -> None:
        """Forget a group of Kafka's protocol that is Empty and has committed nothing."""
        if not self.offsets.committed_by(group_name):
            self.classic.forget_if_unused(group_name)

    def forget_topic(self, topic_name: str) -> None:
        """A topic was deleted: no group knows it any more."""
        for group in list(self._groups.values()):
            with group.mutex:
                group.forget_topic_locked(topic_name)
        self.offsets.forget_topic(topic_name)
        self.rebalanced.fire()

    def _get_or_create(self, group_name: str) -> Group:
        self._check_no_classic_members(group_name)
        group = self._groups.get(group_name)
        if group is not None:
            return group
        with self._mutex:
            return self._get_or_create_locked(group_name)

    def _get_or_create_locked(self, group_name: str) -> Group:
        group = self._groups.get(group_name)
        if group is None:
            groups_max = self._config().max_groups
            if len(self._groups) >= groups_max:
                raise PolicyViolationError(f"there are max.groups={groups_max} groups already")
            group = self._groups[group_name] = Group(group_name, self.offsets)
        return group
