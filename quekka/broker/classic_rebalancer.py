"""How a classic group gets from one generation to the next, and how members are found dead.

A preparation ends when all members have joined, or by a timer; so does the wait for the leader's
assignment. A timer finds out for itself whether it is still about anything: it carries the number of the
preparation or the generation that it was set for. Callbacks only change the group, under its mutex, and let
go of those who wait.
"""

from collections.abc import Callable
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


class ClassicRebalancer:
    """Rebalances and sessions of all classic groups; it keeps none of them.

    Threads: any; a method that ends in `_locked` by the thread that holds the group's `mutex`.
    """

    def __init__(
        self,
        clock: Clock,
        timers: Timers,
        config: Callable[[], BrokerConfig],
        on_unused: Callable[[ClassicGroup], None],
    ) -> None:
        """`on_unused` is told, with no mutex held, when a timer may have taken the last member."""
        self._clock = clock
        self._timers = timers
        self._config = config
        self._on_unused = on_unused

    # Joining

    def add_pending_locked(self, group: ClassicGroup, member_id: str, session_timeout_ms: int) -> None:
        """A member id was given out: it is waited for as long as a session lasts."""
        session_s = session_timeout_ms / 1000
        group.pending[member_id] = self._clock.monotonic_s() + session_s
        self._timers.after(session_s, partial(self._drop_pending, group, member_id))

    def wait_for_the_others_locked(
        self, group: ClassicGroup, member: ClassicMember
    ) -> Completion[JoinResult]:
        again = RebalanceInProgressError(f"member {member.member_id} has sent another JoinGroup")
        group.fail_waiting_locked([member], again, joins=True)
        joined: Completion[JoinResult] = Completion()
        member.awaiting_join = joined
        if group.state != PREPARING_REBALANCE:
            self._prepare_locked(group)
        self.complete_join_locked(group)
        return joined

    # Rebalances

    def _prepare_locked(self, group: ClassicGroup) -> None:
        again = RebalanceInProgressError(f"group {group.name} rebalances again")
        group.fail_waiting_locked(list(group.members.values()), again, joins=False)
        delay_ms = self._config().group_initial_rebalance_delay_ms if group.state == EMPTY else 0
        number = group.prepare_locked()
        group.is_gathering = delay_ms > 0
        if group.is_gathering:
            self._timers.after(delay_ms / 1000, partial(self._end_gathering, group, number))
        timeout_s = group.rebalance_timeout_s_locked() + delay_ms / 1000
        self._timers.after(timeout_s, partial(self._end_preparation, group, number))

    def complete_join_locked(self, group: ClassicGroup) -> None:
        if group.state != PREPARING_REBALANCE or group.is_gathering or not group.has_all_joined_locked():
            return
        self._begin_generation_locked(group)

    def _begin_generation_locked(self, group: ClassicGroup) -> None:
        group.begin_generation_locked()
        for member in group.members.values():
            self.touch_locked(member)
        timeout_s = group.rebalance_timeout_s_locked()
        self._timers.after(timeout_s, partial(self._end_sync, group, group.generation))

    def _end_gathering(self, group: ClassicGroup, number: int) -> None:
        """Timer: group.initial.rebalance.delay.ms is over."""
        with group.mutex:
            if group.rebalances == number:
                group.is_gathering = False
                self.complete_join_locked(group)

    def _end_preparation(self, group: ClassicGroup, number: int) -> None:
        """Timer: those who have not joined by now are out, but for static members, whose session decides."""
        with group.mutex:
            if group.state != PREPARING_REBALANCE or group.rebalances != number:
                return
            for member in list(group.members.values()):
                if member.awaiting_join is None and member.group_instance_id is None:
                    group.remove_member_locked(member.member_id)
            self._begin_generation_locked(group)
        self._on_unused(group)

    def _end_sync(self, group: ClassicGroup, generation: int) -> None:
        """Timer: those who have not asked for their assignment by now are out."""
        with group.mutex:
            if group.state != COMPLETING_REBALANCE or group.generation != generation:
                return
            for member in list(group.members.values()):
                if member.awaiting_sync is None:
                    group.remove_member_locked(member.member_id)
            self._rebalance_without_locked(group)
        self._on_unused(group)

    def remove_locked(self, group: ClassicGroup, member: ClassicMember) -> None:
        gone = UnknownMemberIdError(f"member {member.member_id} has left group {group.name}")
        group.fail_waiting_locked([member], gone, joins=True)
        group.remove_member_locked(member.member_id)
        self._rebalance_without_locked(group)

    def _rebalance_without_locked(self, group: ClassicGroup) -> None:
        """Members are gone: share out anew, or go on without them where that is under way."""
        if group.state in (STABLE, COMPLETING_REBALANCE):
            self._prepare_locked(group)
        self.complete_join_locked(group)

    def _drop_pending(self, group: ClassicGroup, member_id: str) -> None:
        """Timer: a member id was given out and nobody came with it."""
        with group.mutex:
            if group.pending.pop(member_id, None) is None:
                return
            self.complete_join_locked(group)
        self._on_unused(group)

    # Sessions: one timer for each member, set again for the rest of the time whenever it finds signs of life.

    def touch_locked(self, member: ClassicMember) -> None:
        member.session_ends_s = self._clock.monotonic_s() + member.session_timeout_ms / 1000

    def watch_session_locked(self, group: ClassicGroup, member: ClassicMember) -> None:
        self.touch_locked(member)
        timeout_s = member.session_timeout_ms / 1000
        self._timers.after(timeout_s, partial(self._check_session, group, member, member.member_id))

    def _check_session(self, group: ClassicGroup, member: ClassicMember, member_id: str) -> None:
        """Timer: `member_id` tells whether a restarted static member, with a timer of its own, is there."""
        with group.mutex:
            if group.members.get(member_id) is not member:
                return
            if member.awaiting_join is not None:
                self.touch_locked(member)
            left_s = member.session_ends_s - self._clock.monotonic_s()
            if left_s > 0:
                self._timers.after(left_s, partial(self._check_session, group, member, member_id))
                return
            self.remove_locked(group, member)
        self._on_unused(group)
