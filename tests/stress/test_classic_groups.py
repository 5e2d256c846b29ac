"""Kafka consumers of one group in threads of their own, on the machine's clock: nobody waits for ever."""

import random
import threading

from classic_groups import GROUP, Classic, request
from workload import Worker, joined

from quekka.broker.classic_member import JoinResult
from quekka.clock import SYSTEM_CLOCK
from quekka.errors import (
    FencedInstanceIdError,
    IllegalGenerationError,
    MemberIdRequiredError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

MEMBERS = 12
ROUNDS = 30
SESSION_MS = 200
REBALANCE_MS = 100


class Assignments:
    """Who was assigned what in each generation: a share may have one owner only."""

    def __init__(self) -> None:
        self._owners: dict[tuple[int, bytes], str] = {}
        self._mutex = threading.Lock()

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, generation: int, share: bytes, member_id: str) -> None:
        with self._mutex:
            assert self._owners.setdefault((generation, share), member_id) == member_id


class Member(Worker):
    """Joins, works, and leaves or falls silent, round after round."""

    def __init__(self, number: int, classic: Classic, assignments: Assignments, seed: int) -> None:
        super().__init__(f"member-{number}")
        self._classic = classic
        self._assignments = assignments
        self._rng = random.Random(f"{seed}/{number}")
        self._instance = f"instance-{number}" if number % 4 == 0 else None
        self._member_id = ""

    def work(self) -> None:
        for _ in range(ROUNDS):
            try:
                self._be_a_member()
            except (RebalanceInProgressError, IllegalGenerationError):
                continue
            except (UnknownMemberIdError, FencedInstanceIdError):
                self._member_id = ""

    def _be_a_member(self) -> None:
        groups = self._classic.coordinator
        answer = self._join()
        shares = {m.member_id: str(number).encode() for number, m in enumerate(answer.members)}
        share = groups.sync(GROUP, answer.generation, answer.member_id, self._instance, shares).assignment
        self._assignments.add(answer.generation, share, self._instance or answer.member_id)
        for _ in range(self._rng.randrange(4)):
            groups.heartbeat(GROUP, answer.generation, answer.member_id, self._instance)
            groups.check_commit(GROUP, answer.generation, answer.member_id, self._instance)
        chance = self._rng.random()
        if chance < 0.3:
            groups.leave(GROUP, answer.member_id, self._instance)
        if chance < 0.5:
            self._member_id = ""

    def _join(self) -> JoinResult:
        asked = request(
            self._member_id,
            group_instance_id=self._instance,
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            require_known_member_id=True,
            supports_skipping_assignment=True,
        )
        try:
            answer = self._classic.coordinator.join(asked)
        except MemberIdRequiredError as required:
            answer = self._classic.coordinator.join(asked._replace(member_id=required.member_id))
        self._member_id = answer.member_id
        return answer


def test_members_that_come_and_go_at_once_all_get_their_answers(seed: int) -> None:
    classic = Classic(SYSTEM_CLOCK)
    classic.configure(group_min_session_timeout_ms=1)
    assignments = Assignments()
    try:
        with joined([Member(number, classic, assignments, seed) for number in range(MEMBERS)]):
            pass
    finally:
        classic.close()
    assert len(assignments) > MEMBERS
