"""A group of Kafka's classic protocol: its state, and what each request finds in each state.

              JoinGroup of a new member, or of one whose protocols changed, or of the leader;
              a member leaves or its session ends
        +---------------------------------------------------------------+
        v                                                               |
    PreparingRebalance --all joined, or time is over--> CompletingRebalance --leader's SyncGroup--> Stable
        |      ^                                              |                                       |
        |      '------a member is new, gone or silent---------'---------------------------------------'
        '--nobody left--> Empty --nothing committed, or deleted--> Dead

    request        Empty               PreparingRebalance    CompletingRebalance        Stable
    JoinGroup      first generation    waits with the rest   new one: rebalance;        new one, the leader,
                                                             known: what it was told    or other protocols:
                                                                                        rebalance; else what
                                                                                        it was told
    SyncGroup      UNKNOWN_MEMBER_ID   REBALANCE_IN_PROGRESS waits for the leader       its assignment
    Heartbeat      UNKNOWN_MEMBER_ID   REBALANCE_IN_PROGRESS none                       none
    LeaveGroup     UNKNOWN_MEMBER_ID   counts it out         rebalance                  rebalance
    OffsetCommit   generation -1 only  taken                 REBALANCE_IN_PROGRESS      taken

Source: org.apache.kafka.coordinator.group.classic.ClassicGroupState and ClassicGroup; KIP-345, KIP-394.
"""

import threading
from collections import Counter
from collections.abc import Mapping

from quekka.broker.classic_member import ClassicMember, JoinedMember, JoinRequest, JoinResult, SyncResult
from quekka.broker.completion import Completion
from quekka.errors import QuekkaError

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

    def __init__(self, name: str) -> None:
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
        self.pending: dict[str, float] = {}
        """Member ids that were given out and not used yet, with the time at which they lapse."""
        self.is_gathering = False
        """True while the first rebalance waits for more members (group.initial.rebalance.delay.ms)."""
        self.rebalances = 0
        """Counts preparations, so that a timer knows whether it is still about the present one."""

    # Members

    def add_member_locked(self, member: ClassicMember) -> None:
        assert self.mutex.locked()
        self.members[member.member_id] = member
        self.pending.pop(member.member_id, None)
        if member.group_instance_id is not None:
            self.static_members[member.group_instance_id] = member.member_id
        if not self.leader:
            self.leader = member.member_id

    def remove_member_locked(self, member_id: str) -> ClassicMember | None:
        assert self.mutex.locked()
        member = self.members.pop(member_id, None)
        if member is None:
            return None
        if member.group_instance_id is not None:
            self.static_members.pop(member.group_instance_id, None)
        if self.leader == member_id:
            self.leader = next(iter(self.members), "")
        return member

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
        return member

    def accepts_locked(self, request: JoinRequest) -> bool:
        """Whether the member could find an assignor with all others."""
        if not request.protocol_type or not request.protocols:
            return False
        others = [m for m in self.members.values() if m.member_id != request.member_id]
        if not others:
            return True
        if request.protocol_type != self.protocol_type:
            return False
        return bool(self._common_protocols(others) & {name for name, _ in request.protocols})

    def rebalance_timeout_s_locked(self) -> float:
        """The longest that any member wants to be waited for."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0) / 1000

    def has_all_joined_locked(self) -> bool:
        return not self.pending and all(m.awaiting_join is not None for m in self.members.values())

    # From one generation to the next

    def prepare_locked(self) -> int:
        """Begin a rebalance; whoever waits for an assignment is told. The number of this preparation."""
        assert self.mutex.locked()
        self.state = PREPARING_REBALANCE
        self.rebalances += 1
        return self.rebalances

    def begin_generation_locked(self) -> None:
        """All that will come have come: choose the assignor and answer every JoinGroup that waits."""
        assert self.mutex.locked()
        self.generation += 1
        if not self.members:
            self.state, self.protocol_name, self.leader = EMPTY, "", ""
            return
        self.state = COMPLETING_REBALANCE
        self.protocol_name = self._elect_protocol()
        if self.members[self.leader].awaiting_join is None:
            self.leader = next((m.member_id for m in self.members.values() if m.awaiting_join), self.leader)
        for member in self.members.values():
            member.assignment = b""
            joining, member.awaiting_join = member.awaiting_join, None
            if joining is not None:
                joining.complete(self.join_result_locked(member))

    def join_result_locked(self, member: ClassicMember) -> JoinResult:
        """What a member is told of the present generation; the leader hears of all members."""
        members = self.joined_members_locked() if member.member_id == self.leader else ()
        return JoinResult(
            self.generation, self.protocol_type, self.protocol_name, self.leader, member.member_id, members
        )

    def joined_members_locked(self) -> tuple[JoinedMember, ...]:
        return tuple(
            JoinedMember(member.member_id, member.group_instance_id, member.metadata(self.protocol_name))
            for member in self.members.values()
        )

    def assign_locked(self, assignments: Mapping[str, bytes]) -> None:
        """The leader has decided: the group is stable, and every SyncGroup that waits is answered."""
        assert self.mutex.locked()
        for member in self.members.values():
            member.assignment = assignments.get(member.member_id, b"")
        self.state = STABLE
        for member in self.members.values():
            syncing, member.awaiting_sync = member.awaiting_sync, None
            if syncing is not None:
                syncing.complete(self.sync_result_locked(member))

    def sync_result_locked(self, member: ClassicMember) -> SyncResult:
        return SyncResult(self.protocol_type, self.protocol_name, member.assignment)

    def fail_waiting_locked(self, members: list[ClassicMember], error: QuekkaError, *, joins: bool) -> None:
        """Answer the SyncGroup, and if `joins` the JoinGroup, that members wait in with an error."""
        assert self.mutex.locked()
        for member in members:
            waiting: list[Completion[JoinResult] | Completion[SyncResult] | None] = [member.awaiting_sync]
            member.awaiting_sync = None
            if joins:
                waiting.append(member.awaiting_join)
                member.awaiting_join = None
            for completion in waiting:
                if completion is not None:
                    completion.fail(error)

    def _elect_protocol(self) -> str:
        """Of the assignors that all support, that with most votes; each member votes for its favourite."""
        candidates = frozenset(self._common_protocols(list(self.members.values())))
        votes = Counter(member.vote(candidates) for member in self.members.values())
        return votes.most_common(1)[0][0]

    @staticmethod
    def _common_protocols(members: list[ClassicMember]) -> set[str]:
        supported = [{name for name, _ in member.protocols} for member in members]
        return set.intersection(*supported)
