"""Groups of Kafka's classic protocol under a random sequence of requests, restarts and silence.

One thread drives, so that a seed gives the same sequence again; each request that waits does so in a thread
of its own. After every step the invariants of a group, and what its members were told, are looked at.
"""

import contextlib
import random

from classic_groups import GROUP, Asked, Classic

from quekka.broker.classic_group import COMPLETING_REBALANCE, EMPTY, PREPARING_REBALANCE, STABLE, ClassicGroup
from quekka.broker.classic_member import JoinResult
from quekka.errors import GroupMaxSizeReachedError

CLIENTS = 8
STEPS = 1000
FAVOURITES = ((("range", b""), ("sticky", b"")), (("sticky", b""), ("range", b"")))

JOIN_AGAIN = ("REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION")
MAY_BE_TOLD = (*JOIN_AGAIN, "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID", "GROUP_MAX_SIZE_REACHED")


class Client:
    """A consumer that does something at random, each time it is its turn."""

    def __init__(self, number: int, classic: Classic, rng: random.Random) -> None:
        self.instance = f"instance-{number}" if number % 3 == 0 else None
        self.answers: list[JoinResult] = []
        """What it was told since this was last looked at."""
        self.assignments: list[tuple[int, bytes]] = []
        """The generation in which it asked for its assignment, and what it got."""
        self._classic = classic
        self._rng = rng
        self._member_id = ""
        self._joined: JoinResult | None = None
        self._joining: Asked | None = None
        self._syncing: Asked | None = None
        self._is_synced = False

    @property
    def waits(self) -> bool:
        return any(asked is not None and asked.waits for asked in (self._joining, self._syncing))

    def act(self) -> None:
        """Mostly what a consumer should do next; at times something else, or nothing more under this id."""
        self.look()
        if self.waits:
            if self._rng.random() < 0.02:
                self._restart()
        elif self._rng.random() < 0.05:
            self._rng.choice((self._restart, self._leave, self._join, self._sync))()
        elif self._joined is None:
            self._join()
        elif not self._is_synced:
            self._sync()
        else:
            self._rng.choice((self._heartbeat, self._commit))()

    def look(self) -> None:
        """Take what was answered meanwhile."""
        if self._joining is not None and not self._joining.waits:
            asked, self._joining = self._joining, None
            if self._was_good(asked.error()):
                self._joined = asked.answer()
                self._member_id = self._joined.member_id
                self.answers.append(self._joined)
        if self._syncing is not None and not self._syncing.waits:
            asked, self._syncing = self._syncing, None
            if self._was_good(asked.error()):
                assert self._joined is not None
                self._is_synced = True
                self.assignments.append((self._joined.generation, asked.answer().assignment))

    def _was_good(self, error: str) -> bool:
        assert error in ("", *MAY_BE_TOLD)
        if error in JOIN_AGAIN:
            self._joined = None
        elif error:
            self._restart()
        return not error

    def _restart(self) -> None:
        self._member_id, self._joined, self._joining, self._syncing = "", None, None, None

    def _join(self) -> None:
        self._joined, self._is_synced = None, False
        wanted = {
            "group_instance_id": self.instance,
            "protocols": self._rng.choice(FAVOURITES),
            "session_timeout_ms": self._rng.choice((6_000, 20_000)),
            "rebalance_timeout_ms": self._rng.choice((1_000, 15_000, 60_000)),
            "supports_skipping_assignment": True,
        }
        if not self._member_id and self.instance is None and self._rng.random() < 0.7:
            with contextlib.suppress(GroupMaxSizeReachedError):
                self._member_id = self._classic.member_id()
            return
        self._joining = self._classic.join(self._member_id, **wanted)
        self.look()

    def _sync(self) -> None:
        if self._joined is None:
            return
        share = str(self._joined.generation).encode()
        assignments = {member.member_id: share for member in self._joined.members}
        self._syncing = self._classic.sync(self._joined, assignments, self.instance)
        self.look()

    def _heartbeat(self) -> None:
        assert self._joined is not None
        self._was_good(self._classic.heartbeat(self._joined, self.instance))

    def _commit(self) -> None:
        assert self._joined is not None
        self._was_good(
            self._classic.check_commit(self._joined.generation, self._joined.member_id, self.instance)
        )

    def _leave(self) -> None:
        if self._member_id:
            self._was_good(self._classic.leave(self._member_id, self.instance))
        self._restart()


def person(member_id: str) -> str:
    """Who goes by a member id: a static member that is restarted gets another id, and stays who it is."""
    return member_id[: len("instance-0")] if member_id.startswith("instance-") else member_id


class Witness:
    """Remembers what was told of each generation, and finds what does not fit together."""

    def __init__(self) -> None:
        self.assignments = 0
        self.told: dict[int, tuple[str, str]] = {}
        """Protocol and leader of each generation."""

    def look_at(self, client: Client) -> None:
        for answer in client.answers:
            told = (answer.protocol_name, person(answer.leader))
            assert self.told.setdefault(answer.generation, told) == told
            assert bool(answer.members) == (answer.leader == answer.member_id)
            assert not answer.members or answer.member_id in {member.member_id for member in answer.members}
        for generation, assignment in client.assignments:
            self.assignments += 1
            assert assignment == str(generation).encode(), "an assignment of another generation"
        client.answers.clear()
        client.assignments.clear()


def check_group(group: ClassicGroup) -> None:
    """The invariants that stand in classic_group.py."""
    with group.mutex:
        members = list(group.members.values())
        # 1. There is a leader exactly when there are members, and it is one of them.
        assert (group.leader in group.members) == bool(members) == bool(group.leader)
        # 2. All members support at least one assignor in common.
        assert not members or group.elect_protocol_locked()
        # 3. Who waits, waits in the state that will answer.
        assert group.state == PREPARING_REBALANCE or not any(m.awaiting_join for m in members)
        assert group.state == COMPLETING_REBALANCE or not any(m.awaiting_sync for m in members)
        # 4. Timers are set where something is waited for.
        awaits_sync = group.state == STABLE and group.pending_sync
        in_rebalance = group.state in (PREPARING_REBALANCE, COMPLETING_REBALANCE)
        assert (group.phase_timer is not None) == bool(in_rebalance or awaits_sync)
        for member in members:
            assert member.session_timer is not None
            assert not member.session_timer.cancelled
        assert set(group.static_members.values()) == {m.member_id for m in members if m.group_instance_id}
        assert group.pending_sync <= set(group.members)
        assert group.state != EMPTY or not members


def test_members_that_join_sync_leave_and_fall_silent_never_contradict_each_other(
    classic: Classic, seed: int
) -> None:
    rng = random.Random(seed)
    classic.configure(group_initial_rebalance_delay_ms=rng.choice((0, 500)), group_max_size=CLIENTS - 2)
    clients = [Client(number, classic, rng) for number in range(CLIENTS)]
    witness = Witness()
    for _ in range(STEPS):
        rng.choice(clients).act()
        if rng.random() < 0.2:
            classic.advance(rng.choice((0.1, 1.0, 5.0)))
        if classic.coordinator.find(GROUP) is not None:
            check_group(classic.group)
        for client in clients:
            client.look()
            witness.look_at(client)
    assert witness.assignments > CLIENTS

    for _ in range(40):
        classic.advance(15)
        check_group(classic.group)
    assert classic.waiting() == [], "somebody waits for ever"
    assert (classic.group.state, classic.group.pending) == (EMPTY, {})
