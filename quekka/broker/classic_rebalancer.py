"""How a classic group gets from one generation to the next, and how members are found dead.

A group has at most one timer for the phase it is in:

    gathering            the first rebalance waits for more members    group.initial.rebalance.delay.ms
    PreparingRebalance   members that have not joined are out          the longest rebalance timeout
    CompletingRebalance, members that have not fetched their           the longest rebalance timeout
    Stable               assignment are out

and one for each member's session. Callbacks only change the group, under its mutex, and let go of those who
wait. One that was cancelled too late finds that it is outdated: a phase's by its number, a session's by the
time at which the session ends.

Source: org.apache.kafka.coordinator.group.GroupMetadataManager.
"""

from collections.abc import Callable, Mapping
from functools import partial

from quekka.broker.classic_group import (
    COMPLETING_REBALANCE,
    EMPTY,
    PREPARING_REBALANCE,
    STABLE,
    ClassicGroup,
)
from quekka.broker.classic_member import ClassicMember, JoinResult
from quekka.broker.completion import Completion
from quekka.broker.config import BrokerConfig
from quekka.broker.timers import Timers
from quekka.clock import Clock
from quekka.errors import RebalanceInProgressError, UnknownMemberIdError

NEW_MEMBER_JOIN_TIMEOUT_S = 300.0
"""How long the first JoinGroup of a member may wait before it is answered UNKNOWN_MEMBER_ID (Kafka's)."""

POSTPONEMENT_MIN_S = 1.0
"""How long at least a preparation goes on in which only silent static members are left."""

LEEWAY_S = 1e-4
"""What ends within this has ended: clients speak of milliseconds, and a timer may come a moment early."""

EndPhase = Callable[[ClassicGroup], None]


class ClassicRebalancer:
    """Rebalances and sessions of all classic groups; it keeps none of them.

    Threads: any; a method that ends in `_locked` by the thread that holds the group's `mutex`.
    """

    def __init__(self, clock: Clock, timers: Timers, config: Callable[[], BrokerConfig]) -> None:
        self._clock = clock
        self._timers = timers
        self._config = config

    # Members come and go

    def add_pending_locked(self, group: ClassicGroup, member_id: str, session_timeout_ms: int) -> None:
        """A member id was given out: it is waited for as long as a session lasts."""
        drop = partial(self._drop_pending, group, member_id)
        group.pending[member_id] = self._timers.after(session_timeout_ms / 1000, drop)

    def _drop_pending(self, group: ClassicGroup, member_id: str) -> None:
        """Timer: a member id was given out and nobody came with it."""
        with group.mutex:
            self.remove_pending_locked(group, member_id)

    def remove_pending_locked(self, group: ClassicGroup, member_id: str) -> bool:
        """Wait no longer for a member id that was given out; False where nobody did."""
        was_pending = group.forget_pending_locked(member_id)
        if was_pending:
            self._complete_join_locked(group)
        return was_pending

    def add_locked(self, group: ClassicGroup, member: ClassicMember) -> Completion[JoinResult]:
        """Take a new member in; what its JoinGroup waits for."""
        group.has_newcomer = group.is_gathering
        group.add_member_locked(member)
        self._expect_locked(group, member, NEW_MEMBER_JOIN_TIMEOUT_S)
        return self.join_locked(group, member)

    def join_locked(self, group: ClassicGroup, member: ClassicMember) -> Completion[JoinResult]:
        """Have a member wait for the next generation, with a rebalance if there is none yet."""
        again = RebalanceInProgressError(f"member {member.member_id} has sent another JoinGroup")
        group.fail_joins_locked([member], again)
        joined: Completion[JoinResult] = Completion()
        member.awaiting_join = joined
        if group.state == PREPARING_REBALANCE:
            self._complete_join_locked(group)
        else:
            self._prepare_locked(group)
        return joined

    def remove_locked(self, group: ClassicGroup, member: ClassicMember) -> None:
        """Take a member out, and share out anew without it, or go on where that is under way."""
        gone = UnknownMemberIdError(f"group {group.name} has no member {member.member_id} any more")
        group.fail_joins_locked([member], gone)
        group.fail_syncs_locked([member], gone)
        group.remove_member_locked(member)
        if group.state in (STABLE, COMPLETING_REBALANCE):
            self._prepare_locked(group)
        else:
            self._complete_join_locked(group)

    # Rebalances

    def _prepare_locked(self, group: ClassicGroup) -> None:
        again = RebalanceInProgressError(f"group {group.name} rebalances again")
        syncing = [member for member in group.members.values() if member.awaiting_sync is not None]
        group.fail_syncs_locked(syncing, again)
        for member in syncing:
            self.touch_locked(group, member)
        if group.state == COMPLETING_REBALANCE:
            group.forget_assignments_locked()
        is_first = group.state == EMPTY
        group.state = PREPARING_REBALANCE
        if is_first:
            self._gather_locked(group)
        elif group.has_all_joined_locked():
            self._begin_generation_locked(group)
        else:
            self._arm_locked(group, group.rebalance_timeout_s_locked(), self._end_preparation_locked)

    def _gather_locked(self, group: ClassicGroup) -> None:
        """Wait for members of the first generation, and longer while they keep coming."""
        delay_s = self._config().group_initial_rebalance_delay_ms / 1000
        if not delay_s:
            self._end_preparation_locked(group)
            return
        group.is_gathering = True
        group.has_newcomer = False
        left_s = max(0.0, group.rebalance_timeout_s_locked() - delay_s)
        self._arm_locked(group, delay_s, partial(self._end_gathering_locked, left_s=left_s))

    def _end_gathering_locked(self, group: ClassicGroup, left_s: float) -> None:
        if not (group.has_newcomer and left_s > LEEWAY_S):
            group.is_gathering = False
            self._end_preparation_locked(group)
            return
        group.has_newcomer = False
        delay_s = min(left_s, self._config().group_initial_rebalance_delay_ms / 1000)
        self._arm_locked(group, delay_s, partial(self._end_gathering_locked, left_s=left_s - delay_s))

    def _complete_join_locked(self, group: ClassicGroup) -> None:
        if group.state == PREPARING_REBALANCE and not group.is_gathering and group.has_all_joined_locked():
            self._begin_generation_locked(group)

    def _end_preparation_locked(self, group: ClassicGroup) -> None:
        """Those who have not joined by now are out, but for static members, whose session decides."""
        for member in list(group.members.values()):
            if member.awaiting_join is None and member.group_instance_id is None:
                group.remove_member_locked(member)
        if group.members and not group.has_any_joined_locked():
            again_s = max(POSTPONEMENT_MIN_S, group.rebalance_timeout_s_locked())
            self._arm_locked(group, again_s, self._end_preparation_locked)
        else:
            self._begin_generation_locked(group)

    def _begin_generation_locked(self, group: ClassicGroup) -> None:
        self._disarm_locked(group)
        group.begin_generation_locked()
        if group.state == EMPTY:
            group.emptied_ms = self._clock.wall_ms()
            return
        for member in group.members.values():
            self.touch_locked(group, member)
        self._arm_locked(group, group.rebalance_timeout_s_locked(), self._end_sync_locked)

    def note_sync_locked(self, group: ClassicGroup, member: ClassicMember) -> None:
        """A member has sent its SyncGroup; the timer goes with the last."""
        self.touch_locked(group, member)
        group.pending_sync.discard(member.member_id)
        if not group.pending_sync:
            self._disarm_locked(group)

    def assign_locked(self, group: ClassicGroup, assignments: Mapping[str, bytes]) -> None:
        """The leader has decided: those who waited for it have their whole session from now."""
        for member in group.members.values():
            if member.awaiting_sync is not None:
                self.touch_locked(group, member)
        group.assign_locked(assignments)

    def _end_sync_locked(self, group: ClassicGroup) -> None:
        """Those who have not asked for their assignment by now are out."""
        for member_id in list(group.pending_sync):
            group.remove_member_locked(group.members[member_id])
        self._prepare_locked(group)

    # The timer of a phase

    def _arm_locked(self, group: ClassicGroup, delay_s: float, end_phase: EndPhase) -> None:
        self._disarm_locked(group)
        end = partial(self._end_phase, group, group.phase, end_phase)
        group.phase_timer = self._timers.after(delay_s, end)

    def _disarm_locked(self, group: ClassicGroup) -> None:
        group.phase += 1
        if group.phase_timer is not None:
            group.phase_timer.cancel()
            group.phase_timer = None

    def _end_phase(self, group: ClassicGroup, phase: int, end_phase: EndPhase) -> None:
        """Timer."""
        with group.mutex:
            if group.phase == phase:
                end_phase(group)

    # Sessions: the timer is set again for the rest of the time whenever it finds signs of life.

    def touch_locked(self, group: ClassicGroup, member: ClassicMember) -> None:
        """The member was heard of: it has its whole session from now."""
        self._expect_locked(group, member, member.session_timeout_ms / 1000)

    def _expect_locked(self, group: ClassicGroup, member: ClassicMember, timeout_s: float) -> None:
        member.session_ends_s = self._clock.monotonic_s() + timeout_s
        if member.session_timer is None or member.session_ends_s < member.session_checked_s:
            self._check_later_locked(group, member, timeout_s)

    def _check_later_locked(self, group: ClassicGroup, member: ClassicMember, delay_s: float) -> None:
        if member.session_timer is not None:
            member.session_timer.cancel()
        member.session_checked_s = self._clock.monotonic_s() + delay_s
        member.session_timer = self._timers.after(delay_s, partial(self._check_session, group, member))

    def _check_session(self, group: ClassicGroup, member: ClassicMember) -> None:
        """Timer."""
        with group.mutex:
            if group.members.get(member.member_id) is not member:
                return
            if member.is_alive_without_heartbeat:
                member.session_ends_s = self._clock.monotonic_s() + member.session_timeout_ms / 1000
            left_s = member.session_ends_s - self._clock.monotonic_s()
            if left_s > LEEWAY_S:
                self._check_later_locked(group, member, left_s)
            else:
                self.remove_locked(group, member)
