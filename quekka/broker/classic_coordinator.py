"""Groups of Kafka's classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.

Who joins waits in its own connection's thread, on a Completion; what ends the wait is the last member's
JoinGroup, or a timer. A group that has lost its members stays, as Kafka's does, until it is deleted or has
no committed offsets any more (offset_expiry.py): so its generations go on counting.

Lock order (quekka-internals(7)): `membership_mutex`, then one group's `mutex`. Neither is held while
anybody waits. Source: org.apache.kafka.coordinator.group.GroupMetadataManager (classicGroupJoin and the
like).
"""

import threading
import uuid
from collections.abc import Callable, Mapping
from typing import TypeVar

from quekka.broker.caller import Caller
from quekka.broker.classic_group import (
    COMPLETING_REBALANCE,
    DEAD,
    EMPTY,
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

T = TypeVar("T")

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
        self._clock = clock
        self._config = config
        self._rebalancer = ClassicRebalancer(clock, timers, config)
        self._membership_mutex = membership_mutex
        self._has_text_members = has_text_members
        self._groups: dict[str, ClassicGroup] = {}
        self._is_stopping = False

    # JoinGroup

    def join(self, request: JoinRequest, caller: Caller | None = None) -> JoinResult:
        """Join or join again; returns when the rebalance is over.

        A caller that is gone by then ends the wait with CallerGoneError and not the membership, as in Kafka:
        it may come again on another connection.

        Raises InvalidGroupIdError, InvalidSessionTimeoutError, InconsistentGroupProtocolError,
        MemberIdRequiredError, UnknownMemberIdError, FencedInstanceIdError, GroupMaxSizeReachedError,
        RebalanceInProgressError (the same member has sent another JoinGroup), PolicyViolationError,
        CoordinatorNotAvailableError (the broker stops).
        """
        self._check_join(request)
        with self._membership_mutex:
            if self._has_text_members(request.group_id):
                raise InconsistentGroupProtocolError(
                    f"group {request.group_id} has members of the text protocol"
                )
            group = self._group_to_join_locked(request)
            with group.mutex:
                self._check_running_locked(group)
                joined = self._join_locked(group, request)
        return _result(joined, caller)

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
        if not request.protocol_type or not request.protocols:
            raise InconsistentGroupProtocolError("a member needs a protocol type and an assignor at least")

    def _group_to_join_locked(self, request: JoinRequest) -> ClassicGroup:
        """A group is made for who comes without a member id; who has one must have it from somewhere."""
        if request.member_id:
            return self._find(request.group_id, request.member_id)
        return self._get_or_create_locked(request.group_id)

    def _check_running_locked(self, group: ClassicGroup) -> None:
        """Whoever waits after `begin_stop` has looked at the group would wait for ever."""
        assert group.mutex.locked()
        if self._is_stopping:
            raise CoordinatorNotAvailableError("the broker is stopping")

    def _join_locked(self, group: ClassicGroup, request: JoinRequest) -> JoinResult | Completion[JoinResult]:
        instance_id = request.group_instance_id
        static_id = None if instance_id is None else group.static_members.get(instance_id)
        self._check_room_locked(group, request.member_id or static_id or "")
        if not group.accepts_locked(request):
            raise InconsistentGroupProtocolError(
                f"group {group.name} of type {group.protocol_type} shares no assignor with this member"
            )
        if request.member_id:
            return self._join_known_locked(group, request)
        if static_id is not None:
            return self._join_static_again_locked(group, static_id, request)
        return self._join_new_locked(group, request)

    def _check_room_locked(self, group: ClassicGroup, member_id: str) -> None:
        size_max = self._config().group_max_size
        if group.has_room_locked(member_id, size_max):
            return
        self._rebalancer.remove_pending_locked(group, member_id)
        if member_id in group.members:
            self._rebalancer.remove_locked(group, group.members[member_id])
        raise GroupMaxSizeReachedError(f"group {group.name} has group.max.size={size_max} members")

    def _join_new_locked(self, group: ClassicGroup, request: JoinRequest) -> Completion[JoinResult]:
        member_id = f"{request.group_instance_id or request.client_id}-{uuid.uuid4()}"
        if not request.require_known_member_id or request.group_instance_id is not None:
            return self._add_locked(group, member_id, request)
        if len(group.pending) >= self._config().group_max_size:
            raise GroupMaxSizeReachedError(
                f"group {group.name} waits for {len(group.pending)} members that were given an id"
            )
        self._rebalancer.add_pending_locked(group, member_id, request.session_timeout_ms)
        raise MemberIdRequiredError(f"come again as {member_id}", member_id)

    def _add_locked(
        self, group: ClassicGroup, member_id: str, request: JoinRequest
    ) -> Completion[JoinResult]:
        if not group.members:
            group.protocol_type = request.protocol_type
        return self._rebalancer.add_locked(group, ClassicMember.of(member_id, request))

    def _join_known_locked(
        self, group: ClassicGroup, request: JoinRequest
    ) -> JoinResult | Completion[JoinResult]:
        if request.member_id in group.pending and request.group_instance_id is None:
            return self._add_locked(group, request.member_id, request)
        member = group.member_locked(request.member_id, request.group_instance_id)
        if member.protocols == request.protocols and (
            group.state == COMPLETING_REBALANCE
            or (group.state == STABLE and member.member_id != group.leader)
        ):
            return group.join_result_locked(member)
        member.update(request)
        return self._rebalancer.join_locked(group, member)

    def _join_static_again_locked(
        self, group: ClassicGroup, old_id: str, request: JoinRequest
    ) -> JoinResult | Completion[JoinResult]:
        """The member was restarted: it takes its own place, without a rebalance where its assignor stays.

        That its metadata is another is to be expected, for it holds what the member had at that time.
        """
        new_id = f"{request.group_instance_id}-{uuid.uuid4()}"
        old_leader = group.leader
        member = group.replace_static_member_locked(old_id, new_id)
        fenced = FencedInstanceIdError(f"instance {request.group_instance_id} is now member {new_id}")
        group.fail_joins_locked([member], fenced)
        group.fail_syncs_locked([member], fenced)
        member.is_new = False
        member.update(request)
        self._rebalancer.touch_locked(group, member)
        if group.state != STABLE or group.elect_protocol_locked() != group.protocol_name:
            return self._rebalancer.join_locked(group, member)
        result = group.join_result_locked(member)
        if new_id != group.leader:
            return result
        if request.supports_skipping_assignment:
            return result._replace(skip_assignment=True)
        # An old client that believed to be the leader would assign anew: let it think another one leads.
        return result._replace(leader=old_leader, members=())

    # SyncGroup, Heartbeat, LeaveGroup

    def sync(
        self,
        group_id: str,
        generation: int,
        member_id: str,
        group_instance_id: str | None,
        assignments: Mapping[str, bytes],
        *,
        protocol_type: str | None = None,
        protocol_name: str | None = None,
        caller: Caller | None = None,
    ) -> SyncResult:
        """The member's assignment; the leader brings those of all, the others wait for it, as in `join`.

        What the client takes for the group's protocol (from version 5 on) must be it. Raises
        UnknownMemberIdError, FencedInstanceIdError, IllegalGenerationError, InconsistentGroupProtocolError,
        RebalanceInProgressError, CoordinatorNotAvailableError.
        """
        group = self._find(group_id, member_id)
        with group.mutex:
            self._check_running_locked(group)
            member = group.present_member_locked(generation, member_id, group_instance_id)
            group.check_protocol_locked(protocol_type, protocol_name)
            if group.state == PREPARING_REBALANCE:
                raise _rebalancing(group)
            synced = self._sync_locked(group, member, assignments)
        return _result(synced, caller)

    def _sync_locked(
        self, group: ClassicGroup, member: ClassicMember, assignments: Mapping[str, bytes]
    ) -> SyncResult | Completion[SyncResult]:
        self._rebalancer.note_sync_locked(group, member)
        if group.state == COMPLETING_REBALANCE and member.member_id == group.leader:
            self._rebalancer.assign_locked(group, assignments)
        if group.state == STABLE:
            return group.sync_result_locked(member)
        again = RebalanceInProgressError(f"member {member.member_id} has sent another SyncGroup")
        group.fail_syncs_locked([member], again)
        member.awaiting_sync = Completion()
        return member.awaiting_sync

    def heartbeat(
        self, group_id: str, generation: int, member_id: str, group_instance_id: str | None
    ) -> None:
        """Stay a member; raises RebalanceInProgressError when it is time to join again, else as `sync`."""
        group = self._find(group_id, member_id)
        with group.mutex:
            member = group.present_member_locked(generation, member_id, group_instance_id)
            self._rebalancer.touch_locked(group, member)
            if group.state == PREPARING_REBALANCE:
                raise _rebalancing(group)

    def leave(self, group_id: str, member_id: str, group_instance_id: str | None) -> None:
        """End a membership at once; raises UnknownMemberIdError, FencedInstanceIdError.

        An administrator names a static member by its instance id alone (KIP-345).
        """
        group = self._find(group_id, member_id)
        with group.mutex:
            if self._rebalancer.remove_pending_locked(group, member_id):
                return
            if not member_id and group_instance_id is not None:
                member_id = group.static_members.get(group_instance_id, "")
            member = group.member_locked(member_id, group_instance_id)
            self._rebalancer.remove_locked(group, member)

    # Offsets of members

    def check_commit(
        self,
        group_id: str,
        generation: int,
        member_id: str,
        group_instance_id: str | None,
        *,
        has_offsets: bool = False,
    ) -> None:
        """Whether an OffsetCommit may go ahead; one of a member keeps its session alive.

        Without a generation, from who only commits, it may as long as the group has no members. With
        `has_offsets` the group exists, though it may never have had a member. Raises UnknownMemberIdError,
        FencedInstanceIdError, IllegalGenerationError, RebalanceInProgressError.
        """
        if self._has_text_members(group_id):
            raise UnknownMemberIdError(f"group {group_id} has members of the text protocol")
        group = self._groups.get(group_id)
        if group is None:
            if generation <= NO_GENERATION:
                return
            if has_offsets:
                raise UnknownMemberIdError(f"group {group_id} has no members")
            raise IllegalGenerationError(f"group {group_id} has no generation {generation}")
        with group.mutex:
            if group.state in (EMPTY, DEAD) and generation <= NO_GENERATION:
                return
            member = group.present_member_locked(generation, member_id, group_instance_id)
            if group.state == COMPLETING_REBALANCE:
                raise _rebalancing(group)
            self._rebalancer.touch_locked(group, member)

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

    def forget_if_unused(self, group_id: str) -> None:
        """Forget a group that is Empty, unless somebody was given a member id to come back with."""
        group = self._groups.get(group_id)
        if group is not None and group.state == EMPTY and not group.pending:
            self.delete(group_id)

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
                group.fail_joins_locked(group.members.values(), error)
                group.fail_syncs_locked(group.members.values(), error)

    def delete(self, group_id: str) -> bool:
        """Forget a group; False when it has members or is about to have some."""
        with self._membership_mutex:
            group = self._groups.get(group_id)
            if group is None:
                return True
            with group.mutex:
                if group.state != EMPTY:
                    return False
                group.state = DEAD
                for member_id in list(group.pending):
                    group.forget_pending_locked(member_id)
                del self._groups[group_id]
                return True

    # Looking things up

    def _get_or_create_locked(self, group_id: str) -> ClassicGroup:
        group = self._groups.get(group_id)
        if group is None:
            if len(self._groups) >= self._config().max_groups:
                raise PolicyViolationError(f"there are max.groups={self._config().max_groups} groups already")
            group = self._groups[group_id] = ClassicGroup(group_id, self._clock.wall_ms())
        return group

    def _find(self, group_id: str, member_id: str) -> ClassicGroup:
        group = self._groups.get(group_id)
        if group is None:
            raise UnknownMemberIdError(f"group {group_id} has no member {member_id}")
        return group


def _result(answer: T | Completion[T], caller: Caller | None) -> T:
    """What a member is told, waited for where it is not known yet."""
    if not isinstance(answer, Completion):
        return answer
    return answer.wait() if caller is None else answer.wait_for(caller)


def _rebalancing(group: ClassicGroup) -> RebalanceInProgressError:
    return RebalanceInProgressError(f"group {group.name} is rebalancing: join again")
