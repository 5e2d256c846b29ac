"""A group of Kafka's classic protocol: its state, and what each request finds in each state.

              JoinGroup of a new member, or of one whose protocols changed, or of the leader;
              a member leaves, or its session ends, or it does not fetch its assignment in time
        +---------------------------------------------------------------+
        v                                                               |
    PreparingRebalance --all joined, or time is over--> CompletingRebalance --leader's SyncGroup--> Stable
        |      ^                                              |                                       |
        |      '----------------------------------------------'---------------------------------------'
        '--nobody left--> Empty --deleted, or nothing committed any more--> Dead

    request        Empty               PreparingRebalance    CompletingRebalance        Stable
    JoinGroup      first generation    waits with the rest   new one, or other          new one, the leader,
                                                             protocols: rebalance;      or other protocols:
                                                             else what it was told      rebalance; else what
                                                                                        it was told
     of a static   -                   takes its own place,   rebalance                 its own place without
     member again                      waits with the rest                              a rebalance, unless
                                                                                        the assignor changes
    SyncGroup      UNKNOWN_MEMBER_ID   REBALANCE_IN_PROGRESS waits for the leader       its assignment
    Heartbeat      UNKNOWN_MEMBER_ID   REBALANCE_IN_PROGRESS taken                      taken
    LeaveGroup     UNKNOWN_MEMBER_ID   counts it out         rebalance                  rebalance
    OffsetCommit   generation -1 only  taken                 REBALANCE_IN_PROGRESS      taken

Invariants, whenever nobody holds `mutex`:

1. There is a leader exactly when there are members, and it is one of them.
2. All members support at least one assignor in common.
3. A JoinGroup waits only in PreparingRebalance, a SyncGroup only in CompletingRebalance.
4. In PreparingRebalance, CompletingRebalance, and Stable while a member has not fetched its assignment, a
   timer is set; each member has one for its session.

Source: org.apache.kafka.coordinator.group.classic.ClassicGroupState and ClassicGroup; KIP-345, KIP-394.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from quekka.broker.classic_member import ClassicMember, JoinedMember, JoinRequest, JoinResult, SyncResult
from quekka.broker.timers import Timer
from quekka.errors import (
    CorruptMessageError,
    FencedInstanceIdError,
    IllegalGenerationError,
    InconsistentGroupProtocolError,
    QuekkaError,
    UnknownMemberIdError,
)
from quekka.formats.consumer_protocol import PROTOCOL_TYPE, subscribed_topics

EMPTY = "Empty"
PREPARING_REBALANCE = "PreparingRebalance"
COMPLETING_REBALANCE = "CompletingRebalance"
STABLE = "Stable"
DEAD = "Dead"


class ClassicGroup:
    """Members, generation and state of one group.

    Guarded by `mutex`: all of it.

    Threads: any; a method that ends in `_locked` by the thread that holds `mutex`.
    """

    def __init__(self, name: str, now_ms: int) -> None:
        self.name = name
        self.mutex = threading.Lock()
        self.state = EMPTY
        self.generation = 0
        self.protocol_type = ""
        self.protocol_name = ""
        self.leader = ""
        self.members: dict[str, ClassicMember] = {}
        """By member id, in the order in which they joined."""
        self.static_members: dict[str, str] = {}
        """Group instance id to member id."""
        self.emptied_ms = now_ms
        """Wall time at which it came to state Empty, the last time."""

        # Of the present phase
        self.pending: dict[str, Timer] = {}
        """Member ids that were given out and not used yet, each with the timer that takes it back."""
        self.pending_sync: set[str] = set()
        """Members that have not sent a SyncGroup in this generation."""
        self.is_gathering = False
        """True while the first rebalance waits for more members (group.initial.rebalance.delay.ms)."""
        self.has_newcomer = False
        """True where somebody joined since that wait began, or was last prolonged."""
        self.phase = 0
        """Counts the timers that were set for a phase, so that one that comes late finds itself outdated."""
        self.phase_timer: Timer | None = None

    # Members

    def member_locked(self, member_id: str, group_instance_id: str | None) -> ClassicMember:
        """Raises UnknownMemberIdError; FencedInstanceIdError where the instance has a newer member id."""
        assert self.mutex.locked()
        if group_instance_id is not None:
            present_id = self.static_members.get(group_instance_id)
            if present_id is None:
                raise UnknownMemberIdError(f"group {self.name} has no instance {group_instance_id}")
            if present_id != member_id:
                raise FencedInstanceIdError(f"instance {group_instance_id} is now member {present_id}")
        member = self.members.get(member_id)
        if member is None:
            raise UnknownMemberIdError(f"group {self.name} has no member {member_id}")
        return member

    def present_member_locked(
        self, generation: int, member_id: str, group_instance_id: str | None
    ) -> ClassicMember:
        """As `member_locked`, and raises IllegalGenerationError where it is not at the present generation."""
        member = self.member_locked(member_id, group_instance_id)
        if generation != self.generation:
            raise IllegalGenerationError(
                f"group {self.name} is at generation {self.generation}, not {generation}"
            )
        return member

    def check_protocol_locked(self, protocol_type: str | None, protocol_name: str | None) -> None:
        """Raises InconsistentGroupProtocolError where one is named that is not the group's."""
        assert self.mutex.locked()
        named = (protocol_type or self.protocol_type, protocol_name or self.protocol_name)
        if named != (self.protocol_type, self.protocol_name):
            raise InconsistentGroupProtocolError(
                f"group {self.name} has protocol {self.protocol_type}:{self.protocol_name}, "
                f"not {named[0]}:{named[1]}"
            )

    def add_member_locked(self, member: ClassicMember) -> None:
        assert self.mutex.locked()
        self.members[member.member_id] = member
        self.forget_pending_locked(member.member_id)
        if member.group_instance_id is not None:
            self.static_members[member.group_instance_id] = member.member_id
        if not self.leader:
            self.leader = member.member_id

    def forget_pending_locked(self, member_id: str) -> bool:
        """A member id is no longer waited for; False where it was not."""
        assert self.mutex.locked()
        timer = self.pending.pop(member_id, None)
        if timer is None:
            return False
        timer.cancel()
        return True

    def remove_member_locked(self, member: ClassicMember) -> None:
        assert self.mutex.locked()
        del self.members[member.member_id]
        self.pending_sync.discard(member.member_id)
        if member.group_instance_id is not None:
            del self.static_members[member.group_instance_id]
        if self.leader == member.member_id:
            self.leader = next(iter(self.members), "")
        if member.session_timer is not None:
            member.session_timer.cancel()

    def replace_static_member_locked(self, old_id: str, new_id: str) -> ClassicMember:
        """A static member came back under a new member id: it takes its own place, at the same position."""
        assert self.mutex.locked()
        member = self.members[old_id]
        self.members = {new_id if key == old_id else key: value for key, value in self.members.items()}
        member.member_id = new_id
        assert member.group_instance_id is not None
        self.static_members[member.group_instance_id] = new_id
        if self.leader == old_id:
            self.leader = new_id
        if old_id in self.pending_sync:
            self.pending_sync.remove(old_id)
            self.pending_sync.add(new_id)
        return member

    def has_room_locked(self, member_id: str, size_max: int) -> bool:
        """Whether a member may join, be it new or back, in a group of at most `size_max`.

        During a rebalance those count who have joined: so, where the limit was lowered, the last to come back
        are out.
        """
        if self.state == EMPTY:
            return True
        member = self.members.get(member_id)
        if self.state == PREPARING_REBALANCE:
            joined = sum(1 for other in self.members.values() if other.awaiting_join is not None)
            return joined < size_max or (member is not None and member.awaiting_join is not None)
        return member is not None or len(self.members) < size_max

    def accepts_locked(self, request: JoinRequest) -> bool:
        """Whether the member could find an assignor with all who are there, itself as it was included."""
        if not request.protocol_type or not request.protocols:
            return False
        if self.state == EMPTY:
            return True
        if request.protocol_type != self.protocol_type:
            return False
        offered = {name for name, _ in request.protocols}
        return not self.members or bool(offered & self._common_protocols())

    def topics_in_use_locked(self) -> frozenset[str] | None:
        """The topics that members read; None where that cannot be known, or changes at this moment."""
        assert self.mutex.locked()
        if self.state == EMPTY:
            return frozenset()
        if self.state != STABLE or self.protocol_type != PROTOCOL_TYPE:
            return None
        try:
            topics = (subscribed_topics(m.metadata(self.protocol_name)) for m in self.members.values())
            return frozenset().union(*topics)
        except CorruptMessageError:
            return None

    def rebalance_timeout_s_locked(self) -> float:
        """The longest that any member wants to be waited for."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0) / 1000

    def has_all_joined_locked(self) -> bool:
        return not self.pending and all(m.awaiting_join is not None for m in self.members.values())

    def has_any_joined_locked(self) -> bool:
        return any(member.awaiting_join is not None for member in self.members.values())

    # From one generation to the next

    def begin_generation_locked(self) -> None:
        """All that will come have come: choose the assignor and answer every JoinGroup that waits."""
        assert self.mutex.locked()
        self.generation += 1
        self.pending_sync = set(self.members)
        if not self.members:
            self.state, self.protocol_name = EMPTY, ""
            return
        self.state = COMPLETING_REBALANCE
        self.protocol_name = self.elect_protocol_locked()
        self._elect_leader()
        for member in self.members.values():
            member.is_new = False
            joining, member.awaiting_join = member.awaiting_join, None
            if joining is not None:
                joining.complete(self.join_result_locked(member))

    def join_result_locked(self, member: ClassicMember) -> JoinResult:
        """What a member is told of the present generation; the leader hears of all members."""
        members = self._joined_members() if member.member_id == self.leader else ()
        return JoinResult(
            self.generation, self.protocol_type, self.protocol_name, self.leader, member.member_id, members
        )

    def assign_locked(self, assignments: Mapping[str, bytes]) -> None:
        """The leader has decided: the group is stable, and every SyncGroup that waits is answered."""
        assert self.mutex.locked()
        self.state = STABLE
        for member in self.members.values():
            member.assignment = assignments.get(member.member_id, b"")
            syncing, member.awaiting_sync = member.awaiting_sync, None
            if syncing is not None:
                syncing.complete(self.sync_result_locked(member))

    def forget_assignments_locked(self) -> None:
        """The generation ends before its leader has decided."""
        assert self.mutex.locked()
        for member in self.members.values():
            member.assignment = b""

    def sync_result_locked(self, member: ClassicMember) -> SyncResult:
        return SyncResult(self.protocol_type, self.protocol_name, member.assignment)

    def fail_joins_locked(self, members: Iterable[ClassicMember], error: QuekkaError) -> None:
        """Answer the JoinGroup that members wait in with an error."""
        assert self.mutex.locked()
        for member in members:
            joining, member.awaiting_join = member.awaiting_join, None
            if joining is not None:
                joining.fail(error)

    def fail_syncs_locked(self, members: Iterable[ClassicMember], error: QuekkaError) -> None:
        """Answer the SyncGroup that members wait in with an error."""
        assert self.mutex.locked()
        for member in members:
            syncing, member.awaiting_sync = member.awaiting_sync, None
            if syncing is not None:
                syncing.fail(error)

    def elect_protocol_locked(self) -> str:
        """Of the assignors that all support, that with most votes; each member votes for its favourite."""
        assert self.mutex.locked()
        candidates = self._common_protocols()
        votes = Counter(member.vote(candidates) for member in self.members.values())
        return votes.most_common(1)[0][0]

    def _elect_leader(self) -> None:
        """A leader that did not come back makes way for the first that did."""
        if self.members[self.leader].awaiting_join is None:
            joined = (m.member_id for m in self.members.values() if m.awaiting_join is not None)
            self.leader = next(joined)

    def _joined_members(self) -> tuple[JoinedMember, ...]:
        return tuple(
            JoinedMember(member.member_id, member.group_instance_id, member.metadata(self.protocol_name))
            for member in self.members.values()
        )

    def _common_protocols(self) -> set[str]:
        return set.intersection(*(member.protocol_names() for member in self.members.values()))
