"""Groups of Kafka's classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.

Who joins waits in its own connection's thread, on a Completion; what ends the wait is the last member's
JoinGroup, or a timer. Timers find out for themselves whether they are still about anything: they carry the
number of the preparation or generation they were set for.

Lock order (quekka-internals(7)): `membership_mutex`, then one group's `mutex`. Neither is held while
anybody waits. Source: org.apache.kafka.coordinator.group.GroupMetadataManager (classicGroupJoin and the
like).
"""

import threading
import uuid
from collections.abc import Callable, Mapping

from quekka.broker.classic_group import (
    COMPLETING_REBALANCE,
    DEAD,
    PREPARING_REBALANCE,
    STABLE,
    ClassicGroup,
)
from quekka.broker.classic_member import ClassicMember, JoinRequest, JoinResult, SyncResult
from quekka.broker.classic_rebalancer import ClassicRebalancer
from quekka.broker.completion import Completion
from quekka.broker.config import BrokerConfig
from quekka.broker.group import MemberDescription
from quekka.broker.timers import Timers
from quekka.clock import Clock
from quekka.errors import (
    CoordinatorNotAvailableError,
    FencedInstanceIdError,
    GroupMaxSizeReachedError,
    IllegalGenerationError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    MemberIdRequiredError,
    PolicyViolationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

NO_GENERATION = -1
"""What a client that only commits offsets, without being a member, says."""


class ClassicCoordinator:
    """All groups that have, or had, members of Kafka's classic protocol.

    Guarded by `membership_mutex`: the map of groups, and that no group has members of both protocols.

    Threads: any.
    """

    def __init__(
        self,
        clock: Clock,
        timers: Timers,
        config: Callable[[], BrokerConfig],
        membership_mutex: threading.Lock,
        has_text_members: Callable[[str], bool],
    ) -> None:
        self._config = config
        self._rebalancer = ClassicRebalancer(clock, timers, config, self._forget_if_unused)
        self._membership_mutex = membership_mutex
        self._has_text_members = has_text_members
        self._groups: dict[str, ClassicGroup] = {}
        self._is_stopping = False

    # JoinGroup

    def join(self, request: JoinRequest) -> JoinResult:
        """Join or join again; returns when the rebalance is over.

        Raises InvalidGroupIdError, InvalidSessionTimeoutError, InconsistentGroupProtocolError,
        MemberIdRequiredError, UnknownMemberIdError, FencedInstanceIdError, GroupMaxSizeReachedError,
        CoordinatorNotAvailableError (the broker stops).
        """
        self._check_join(request)
        with self._membership_mutex:
            if self._has_text_members(request.group_id):
                raise InconsistentGroupProtocolError(
                    f"group {request.group_id} has members of the text protocol"
                )
            group = self._get_or_create_locked(request.group_id)
            with group.mutex:
                joined = self._join_locked(group, request)
        return joined.wait() if isinstance(joined, Completion) else joined

    def _check_join(self, request: JoinRequest) -> None:
        config = self._config()
        low_ms, high_ms = config.group_min_session_timeout_ms, config.group_max_session_timeout_ms
        if not request.group_id:
            raise InvalidGroupIdError("a group needs a name")
        if not low_ms <= request.session_timeout_ms <= high_ms:
            raise InvalidSessionTimeoutError(
                f"session timeout {request.session_timeout_ms} ms is not between "
                f"group.min.session.timeout.ms={low_ms} and group.max.session.timeout.ms={high_ms}"
            )
        if self._is_stopping:
            raise CoordinatorNotAvailableError("the broker is stopping")

    def _join_locked(self, group: ClassicGroup, request: JoinRequest) -> JoinResult | Completion[JoinResult]:
        if not group.accepts_locked(request):
            raise InconsistentGroupProtocolError(
                f"group {group.name} ({group.protocol_type or 'no type'}) shares no assignor with this member"
            )
        if request.member_id:
            return self._join_known_locked(group, request)
        instance_id = request.group_instance_id
        if instance_id is not None and instance_id in group.static_members:
            return self._join_static_again_locked(group, group.static_members[instance_id], request)
        return self._join_new_locked(group, request)

    def _join_new_locked(self, group: ClassicGroup, request: JoinRequest) -> Completion[JoinResult]:
        if len(group.members) + len(group.pending) >= self._config().group_max_size:
            raise GroupMaxSizeReachedError(
                f"group {group.name} has group.max.size={self._config().group_max_size} members"
            )
        member_id = f"{request.group_instance_id or request.client_id}-{uuid.uuid4()}"
        if request.require_known_member_id and request.group_instance_id is None:
            self._rebalancer.add_pending_locked(group, member_id, request.session_timeout_ms)
            raise MemberIdRequiredError(f"come again as {member_id}", member_id)
        return self._add_locked(group, member_id, request)

    def _join_known_locked(
        self, group: ClassicGroup, request: JoinRequest
    ) -> JoinResult | Completion[JoinResult]:
        if request.member_id in group.pending:
            return self._add_locked(group, request.member_id, request)
        member = self._member_locked(group, request.member_id, request.group_instance_id)
        has_changed = member.protocols != request.protocols
        if group.state == COMPLETING_REBALANCE and not has_changed:
            return group.join_result_locked(member)
        if group.state == STABLE and not has_changed and member.member_id != group.leader:
            return group.join_result_locked(member)
        member.update(request)
        return self._rebalancer.wait_for_the_others_locked(group, member)

    def _join_static_again_locked(
        self, group: ClassicGroup, old_id: str, request: JoinRequest
    ) -> JoinResult | Completion[JoinResult]:
        """The member was restarted: it takes its own place, without a rebalance where nothing has changed."""
        new_id = f"{request.group_instance_id}-{uuid.uuid4()}"
        old_leader = group.leader
        member = group.replace_static_member_locked(old_id, new_id)
        fenced = FencedInstanceIdError(f"instance {request.group_instance_id} is now member {new_id}")
        group.fail_waiting_locked([member], fenced, joins=True)
        was_same = member.protocols == request.protocols
        member.update(request)
        self._rebalancer.watch_session_locked(group, member)
        if group.state != STABLE or not was_same:
            return self._rebalancer.wait_for_the_others_locked(group, member)
        result = group.join_result_locked(member)
        if new_id != group.leader:
            return result
        if request.supports_skipping_assignment:
            return result._replace(skip_assignment=True)
        # An old client that believed to be the leader would assign anew: let it think another one leads.
        return result._replace(leader=old_leader, members=())

    def _add_locked(
        self, group: ClassicGroup, member_id: str, request: JoinRequest
    ) -> Completion[JoinResult]:
        if not group.members:
            group.protocol_type = request.protocol_type
        member = ClassicMember.of(member_id, request)
        group.add_member_locked(member)
        self._rebalancer.watch_session_locked(group, member)
        return self._rebalancer.wait_for_the_others_locked(group, member)

    # SyncGroup, Heartbeat, LeaveGroup

    def sync(
        self,
        group_id: str,
        generation: int,
        member_id: str,
        group_instance_id: str | None,
        assignments: Mapping[str, bytes],
    ) -> SyncResult:
        """The member's assignment; the leader brings those of all, the others wait for it.

        Raises UnknownMemberIdError, FencedInstanceIdError, IllegalGenerationError, RebalanceInProgressError,
        CoordinatorNotAvailableError.
        """
        group = self._find(group_id, member_id)
        with group.mutex:
            member = self._member_locked(group, member_id, group_instance_id)
            self._check_generation_locked(group, generation)
            if group.state == PREPARING_REBALANCE:
                raise _rebalancing(group)
            self._rebalancer.touch_locked(member)
            if group.state == STABLE:
                return group.sync_result_locked(member)
            if member_id == group.leader:
                group.assign_locked(assignments)
                return group.sync_result_locked(member)
            again = RebalanceInProgressError(f"member {member_id} has sent another SyncGroup")
            group.fail_waiting_locked([member], again, joins=False)
            synced: Completion[SyncResult] = Completion()
            member.awaiting_sync = synced
        return synced.wait()

    def heartbeat(
        self, group_id: str, generation: int, member_id: str, group_instance_id: str | None
    ) -> None:
        """Stay a member; raises RebalanceInProgressError when it is time to join again, else as `sync`."""
        group = self._find(group_id, member_id)
        with group.mutex:
            member = self._member_locked(group, member_id, group_instance_id)
            self._check_generation_locked(group, generation)
            self._rebalancer.touch_locked(member)
            if group.state == PREPARING_REBALANCE:
                raise _rebalancing(group)

    def leave(self, group_id: str, member_id: str, group_instance_id: str | None) -> None:
        """End a membership at once; raises UnknownMemberIdError, FencedInstanceIdError."""
        group = self._find(group_id, member_id)
        with group.mutex:
            if group.pending.pop(member_id, None) is not None:
                self._rebalancer.complete_join_locked(group)
                return
            if not member_id and group_instance_id is not None:
                member_id = group.static_members.get(group_instance_id, "")
            member = self._member_locked(group, member_id, group_instance_id)
            self._rebalancer.remove_locked(group, member)
        self._forget_if_unused(group)

    # Offsets of members

    def check_commit(
        self, group_id: str, generation: int, member_id: str, group_instance_id: str | None
    ) -> None:
        """Whether an OffsetCommit may go ahead.

        Without a generation, from who only commits, it may as long as the group has no members. Raises
        UnknownMemberIdError, FencedInstanceIdError, IllegalGenerationError, RebalanceInProgressError.
        """
        group = self._groups.get(group_id)
        if self._has_text_members(group_id):
            raise UnknownMemberIdError(f"group {group_id} has members of the text protocol")
        if group is None or not group.members:
            if generation >= 0:
                raise IllegalGenerationError(f"group {group_id} has no generation {generation}")
            return
        with group.mutex:
            member = self._member_locked(group, member_id, group_instance_id)
            self._check_generation_locked(group, generation)
            self._rebalancer.touch_locked(member)
            if group.state == COMPLETING_REBALANCE:
                raise _rebalancing(group)

    # The end of members and groups

    def has_members(self, group_id: str) -> bool:
        group = self._groups.get(group_id)
        return group is not None and bool(group.members)

    def describe(self, group_id: str) -> tuple[str, str, tuple[MemberDescription, ...]]:
        """State, protocol type and members, as the text protocol shows them.

        What a member was assigned is its assignor's secret, so no partitions are told.
        """
        group = self._groups.get(group_id)
        if group is None:
            return DEAD, "", ()
        with group.mutex:
            members = tuple(MemberDescription(member_id, ()) for member_id in group.members)
            return group.state, group.protocol_type, members

    def find(self, group_id: str) -> ClassicGroup | None:
        """The group as it is now, for describing it under its mutex."""
        return self._groups.get(group_id)

    def all(self) -> list[ClassicGroup]:
        return list(self._groups.values())

    def begin_stop(self) -> None:
        """Answer everyone who waits, so that no connection is held up by a rebalance."""
        self._is_stopping = True
        error = CoordinatorNotAvailableError("the broker is stopping")
        for group in self.all():
            with group.mutex:
                group.fail_waiting_locked(list(group.members.values()), error, joins=True)

    def delete(self, group_id: str) -> bool:
        """Forget a group; False when it has members."""
        with self._membership_mutex:
            group = self._groups.get(group_id)
            if group is None:
                return True
            with group.mutex:
                if group.members or group.pending:
                    return False
                group.state = DEAD
                del self._groups[group_id]
                return True

    def _forget_if_unused(self, group: ClassicGroup) -> None:
        """A group without members is remembered for its committed offsets only, and those are elsewhere."""
        if not group.members and not group.pending:
            self.delete(group.name)

    # Looking things up

    def _get_or_create_locked(self, group_id: str) -> ClassicGroup:
        group = self._groups.get(group_id)
        if group is None:
            if len(self._groups) >= self._config().max_groups:
                raise PolicyViolationError(f"there are max.groups={self._config().max_groups} groups already")
            group = self._groups[group_id] = ClassicGroup(group_id)
        return group

    def _find(self, group_id: str, member_id: str) -> ClassicGroup:
        group = self._groups.get(group_id)
        if group is None:
            raise UnknownMemberIdError(f"group {group_id} has no member {member_id}")
        return group

    def _member_locked(
        self, group: ClassicGroup, member_id: str, group_instance_id: str | None
    ) -> ClassicMember:
        if group_instance_id is not None:
            present_id = group.static_members.get(group_instance_id)
            if present_id is not None and present_id != member_id:
                raise FencedInstanceIdError(f"instance {group_instance_id} is now member {present_id}")
        member = group.members.get(member_id)
        if member is None:
            raise UnknownMemberIdError(f"group {group.name} has no member {member_id}")
        return member

    def _check_generation_locked(self, group: ClassicGroup, generation: int) -> None:
        if generation != group.generation:
            raise IllegalGenerationError(
                f"group {group.name} is at generation {group.generation}, not {generation}"
            )


def _rebalancing(group: ClassicGroup) -> RebalanceInProgressError:
    return RebalanceInProgressError(f"group {group.name} is rebalancing: join again")
