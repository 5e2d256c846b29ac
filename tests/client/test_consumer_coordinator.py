import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from types import SimpleNamespace

import pytest

from quekka.client import TopicPartition
from quekka.client.assignment import Assignment
from quekka.client.backoff import Backoff
from quekka.client.consumer_coordinator import ConsumerCoordinator
from quekka.clock import ManualClock
from quekka.errors import NetworkError, QuekkaError, RebalanceInProgressError, UnknownMemberIdError
from quekka.offset_spec import EARLIEST, OffsetSpec

FIRST, SECOND = TopicPartition("logs", 0), TopicPartition("logs", 1)


class FakeMembership:
    """A group whose shares and refusals a test sets; every log starts at 0."""

    def __init__(self, clock: ManualClock) -> None:
        self.connection = SimpleNamespace(opened=0, backoff=Backoff(clock, initial_ms=100))
        self.has_group = True
        self.unknown_topics: set[str] = set()
        self.present_share: set[TopicPartition] = set()
        self.refusals: dict[TopicPartition, QuekkaError] = {}
        self.stored: dict[TopicPartition, int] = {}
        self.trouble: QuekkaError | None = None
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.trouble is not None:
            self.connection.backoff.failed()
            raise self.trouble

    def share(self, topics: Collection[str]) -> set[TopicPartition]:
        self._call("share")
        return set(self.present_share)

    def leave(self) -> None:
        self._call("leave")

    def committed(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        self._call("committed")
        return dict(self.stored)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, QuekkaError]:
        self._call("commit")
        self.stored.update((tp, offset) for tp, offset in offsets.items() if tp not in self.refusals)
        return {tp: error for tp, error in self.refusals.items() if tp in offsets}

    def offsets(self, wanted: Mapping[TopicPartition, OffsetSpec]) -> dict[TopicPartition, int]:
        return dict.fromkeys(wanted, 0)


class Rig:
    """A coordinator that heartbeats every second and commits every five."""

    def __init__(self, clock: ManualClock, *, auto_commit: bool) -> None:
        self.clock = clock
        self.membership = FakeMembership(clock)
        fetcher = SimpleNamespace(assign=list, interrupt=lambda state: None)
        self.assignment = Assignment(self.membership, fetcher, EARLIEST)  # type: ignore[arg-type]
        self.coordinator = ConsumerCoordinator(
            self.membership,  # type: ignore[arg-type]
            self.assignment,
            heartbeat_interval_ms=1000,
            auto_commit_interval_ms=5000 if auto_commit else None,
            clock=clock,
        )
        self.events: list[tuple[str, list[TopicPartition]]] = []

    def subscribe(self, *share: TopicPartition) -> None:
        self.membership.present_share = set(share)
        self.coordinator.subscribe(
            ["logs"],
            lambda partitions: self.events.append(("assigned", partitions)),
            lambda partitions: self.events.append(("revoked", partitions)),
        )
        self.coordinator.run_due()

    def after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.coordinator.run_due()


Make = Callable[..., Rig]


@pytest.fixture
def make(manual_clock: ManualClock) -> Make:
    def make_rig(*, auto_commit: bool = True) -> Rig:
        return Rig(manual_clock, auto_commit=auto_commit)

    return make_rig


def test_the_share_is_assigned_and_told(make: Make) -> None:
    rig = make()
    rig.subscribe(FIRST, SECOND)
    assert rig.assignment.partitions == {FIRST, SECOND}
    assert rig.events == [("assigned", [FIRST, SECOND])]


def test_the_share_is_asked_for_once_in_a_heartbeat_interval(make: Make) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.after(0.999)
    assert rig.membership.calls.count("share") == 1
    assert rig.coordinator.remaining_s() == pytest.approx(0.001)
    rig.after(0.001)
    assert rig.membership.calls.count("share") == 2


def test_a_changed_share_is_committed_revoked_and_assigned(make: Make) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.assignment.state(FIRST).position = 7
    rig.membership.present_share = {SECOND}
    rig.after(1)
    assert rig.events[1:] == [("revoked", [FIRST]), ("assigned", [SECOND])]
    assert rig.membership.stored == {FIRST: 7}
    assert rig.assignment.partitions == {SECOND}


def test_a_revoked_partition_can_still_be_committed_in_the_callback(make: Make) -> None:
    rig = make(auto_commit=False)
    rig.subscribe(FIRST)
    rig.assignment.state(FIRST).position = 7
    rig.coordinator.subscribe(["logs"], None, lambda partitions: rig.coordinator.commit(None))
    rig.membership.present_share = set()
    rig.coordinator.run_due()
    assert rig.membership.stored == {FIRST: 7}
    assert rig.assignment.partitions == set()


def test_positions_are_committed_after_the_interval(make: Make) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.assignment.state(FIRST).position = 7
    rig.after(4.9)
    assert rig.membership.stored == {}
    rig.after(0.1)
    assert rig.membership.stored == {FIRST: 7}


def test_without_auto_commit_only_the_program_commits(make: Make) -> None:
    rig = make(auto_commit=False)
    rig.subscribe(FIRST)
    rig.assignment.state(FIRST).position = 7
    rig.after(1000)
    rig.membership.present_share = {FIRST, SECOND}
    rig.after(1)
    assert rig.membership.stored == {}
    rig.coordinator.commit(None)
    assert rig.membership.stored == {FIRST: 7, SECOND: 0}
    rig.assignment.state(FIRST).position = 8
    rig.coordinator.leave()
    assert rig.membership.stored == {FIRST: 7, SECOND: 0}


@pytest.mark.parametrize("refusal", [RebalanceInProgressError("moved"), UnknownMemberIdError("who")], ids=str)
def test_a_refused_commit_is_raised_and_the_share_asked_for_at_once(make: Make, refusal: QuekkaError) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.membership.refusals = {FIRST: refusal}
    with pytest.raises(type(refusal), match=f"logs/0: {refusal.message}"):
        rig.coordinator.commit({FIRST: 7})
    rig.membership.present_share = {SECOND}
    rig.coordinator.run_due()
    assert rig.assignment.partitions == {SECOND}


def test_a_refused_auto_commit_is_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.assignment.state(FIRST).position = 7
    rig.membership.refusals = {FIRST: RebalanceInProgressError("moved")}
    with caplog.at_level(logging.WARNING):
        rig.after(5)
    assert "logs/0: what was handed out may be read again: moved" in caplog.text


def test_a_broker_that_was_never_reached_is_an_error(make: Make) -> None:
    rig = make()
    rig.membership.trouble = NetworkError("refused")
    with pytest.raises(NetworkError, match="refused"):
        rig.subscribe(FIRST)


def test_a_broker_that_went_away_is_logged_and_asked_again(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.membership.trouble = NetworkError("refused")
    with caplog.at_level(logging.WARNING):
        rig.after(1)
    assert "the broker is away: refused" in caplog.text
    assert rig.coordinator.remaining_s() == pytest.approx(0.1), "as the connection's pause says"
    rig.membership.trouble = None
    rig.membership.present_share = {SECOND}
    rig.after(0.101)
    assert rig.assignment.partitions == {SECOND}


def test_after_a_reconnect_commits_of_others_are_adopted(make: Make) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.membership.stored = {FIRST: 9}
    rig.after(1)
    assert rig.assignment.state(FIRST).position == 0, "nobody else could commit while this was a member"

    original = rig.membership.share

    def share_after_reconnect(topics: Collection[str]) -> set[TopicPartition]:
        rig.membership.connection.opened += 1
        return original(topics)

    rig.membership.share = share_after_reconnect  # type: ignore[method-assign]
    rig.after(1)
    assert rig.assignment.state(FIRST).position == 9


def test_a_topic_that_is_missing_is_reported_once(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    rig = make()
    rig.membership.unknown_topics = {"logs"}
    with caplog.at_level(logging.WARNING):
        rig.subscribe()
        rig.after(1)
    assert caplog.text.count("topic logs does not exist; waiting") == 1


def test_leaving_commits_revokes_and_leaves(make: Make) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.assignment.state(FIRST).position = 7
    rig.coordinator.leave()
    assert rig.membership.stored == {FIRST: 7}
    assert rig.events[-1] == ("revoked", [FIRST])
    assert rig.membership.calls[-1] == "leave"
    assert rig.coordinator.topics == ()
    assert rig.assignment.partitions == set()


def test_leaving_while_the_broker_is_away_gives_up_the_commit(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    rig = make()
    rig.subscribe(FIRST)
    rig.assignment.state(FIRST).position = 7
    rig.membership.trouble = NetworkError("refused")
    with caplog.at_level(logging.WARNING):
        rig.coordinator.leave()
    assert "leaving without a commit: refused" in caplog.text
    assert rig.assignment.partitions == set()


def test_a_callback_that_raises_is_called_again(make: Make) -> None:
    rig = make()
    rig.subscribe(FIRST)

    def fail(partitions: list[TopicPartition]) -> None:
        raise ZeroDivisionError("in a callback")

    rig.coordinator.subscribe(["logs"], None, fail)
    rig.membership.present_share = set()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            rig.coordinator.run_due()
    assert rig.assignment.partitions == {FIRST}
