"""Tests of quekka.broker.classic_coordinator: what each request finds in each state."""

from collections.abc import Callable

import pytest
from classic_groups import GROUP, Classic, request

from quekka.broker.classic_group import COMPLETING_REBALANCE, DEAD, EMPTY, PREPARING_REBALANCE, STABLE
from quekka.broker.classic_member import JoinResult
from quekka.errors import (
    FencedInstanceIdError,
    GroupMaxSizeReachedError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    MemberIdRequiredError,
    PolicyViolationError,
    QuekkaError,
)

ONE = {"group_instance_id": "one"}
TWO = {"group_instance_id": "two"}
STICKY = (("sticky", b""),)
BOTH = (("range", b""), ("sticky", b""))
NEW_TOPICS = (("range", b"other topics"),)


def leader_and_follower(classic: Classic, state: str) -> tuple[JoinResult, JoinResult]:
    """A group in a state, and its members of generation 1."""
    leader, follower = classic.joined({}, {})
    if state != COMPLETING_REBALANCE:
        classic.synced([leader, follower])
    if state == PREPARING_REBALANCE:
        classic.join()
    if state == EMPTY:
        classic.leave(leader.member_id)
        classic.leave(follower.member_id)
    assert classic.group.state == state
    return leader, follower


# State by request


STATES = (EMPTY, PREPARING_REBALANCE, COMPLETING_REBALANCE, STABLE)

UNKNOWN, AGAIN, OTHER = "UNKNOWN_MEMBER_ID", "REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION"

REQUESTS: dict[str, tuple[Callable[[Classic, JoinResult], str], tuple[str, ...]]] = {
    "join_group": (
        lambda c, j: c.join(j.member_id).outcome(),
        (UNKNOWN, "waits", "", ""),
    ),
    "join_group_with_other_metadata": (
        lambda c, j: c.join(j.member_id, protocols=NEW_TOPICS).outcome(),
        (UNKNOWN, "waits", "waits", "waits"),
    ),
    "sync_group": (
        lambda c, j: c.sync(j).outcome(),
        (UNKNOWN, AGAIN, "waits", ""),
    ),
    "sync_group_of_another_generation": (
        lambda c, j: c.sync(j._replace(generation=j.generation - 1)).outcome(),
        (UNKNOWN, OTHER, OTHER, OTHER),
    ),
    "heartbeat": (
        lambda c, j: c.heartbeat(j),
        (UNKNOWN, AGAIN, "", ""),
    ),
    "heartbeat_of_another_generation": (
        lambda c, j: c.heartbeat(j._replace(generation=j.generation + 1)),
        (UNKNOWN, OTHER, OTHER, OTHER),
    ),
    "leave_group": (
        lambda c, j: c.leave(j.member_id),
        (UNKNOWN, "", "", ""),
    ),
    "commit": (
        lambda c, j: c.check_commit(j.generation, j.member_id),
        (UNKNOWN, "", AGAIN, ""),
    ),
    "commit_of_another_generation": (
        lambda c, j: c.check_commit(j.generation - 1, j.member_id),
        (UNKNOWN, OTHER, OTHER, OTHER),
    ),
    "commit_of_a_member_without_generation": (
        lambda c, j: c.check_commit(-1, j.member_id),
        ("", OTHER, OTHER, OTHER),
    ),
    "commit_of_nobody": (
        lambda c, j: c.check_commit(-1, ""),
        ("", UNKNOWN, UNKNOWN, UNKNOWN),
    ),
}
"""What a follower asks, and the outcome in each of STATES: "" for a good answer."""


@pytest.mark.parametrize(
    ("state", "ask", "outcome"),
    [
        pytest.param(state, ask, outcome, id=f"{state}-{name}")
        for name, (ask, outcomes) in REQUESTS.items()
        for state, outcome in zip(STATES, outcomes, strict=True)
    ],
)
def test_each_request_is_answered_as_the_state_demands(
    classic: Classic, state: str, ask: Callable[[Classic, JoinResult], str], outcome: str
) -> None:
    _, follower = leader_and_follower(classic, state)
    assert ask(classic, follower) == outcome


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda c: c.join("m-1").error(), id="join_group"),
        pytest.param(lambda c: c.sync(JoinResult(1, "", "", "", "m-1", ())).error(), id="sync_group"),
        pytest.param(lambda c: c.heartbeat(JoinResult(1, "", "", "", "m-1", ())), id="heartbeat"),
        pytest.param(lambda c: c.leave("m-1"), id="leave_group"),
    ],
)
def test_a_group_that_does_not_exist_has_no_members_and_is_not_made_by_asking(
    classic: Classic, ask: Callable[[Classic], str]
) -> None:
    assert ask(classic) == "UNKNOWN_MEMBER_ID"
    assert classic.coordinator.all() == []


def test_to_a_group_that_does_not_exist_only_non_members_commit(classic: Classic) -> None:
    assert classic.check_commit(-1, "") == ""
    assert classic.check_commit(1, "m-1") == "ILLEGAL_GENERATION"


# JoinGroup


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        pytest.param({"group_id": ""}, InvalidGroupIdError, "needs a name", id="no_group"),
        pytest.param(
            {"session_timeout_ms": 5_999},
            InvalidSessionTimeoutError,
            r"5999 ms is not between group\.min\.session\.timeout\.ms=6000",
            id="session_too_short",
        ),
        pytest.param(
            {"session_timeout_ms": 1_800_001},
            InvalidSessionTimeoutError,
            r"group\.max\.session\.timeout\.ms=1800000",
            id="session_too_long",
        ),
        pytest.param(
            {"protocol_type": ""}, InconsistentGroupProtocolError, "protocol type", id="no_protocol_type"
        ),
        pytest.param({"protocols": ()}, InconsistentGroupProtocolError, "assignor", id="no_assignor"),
    ],
)
def test_a_join_group_that_cannot_be_is_refused_and_makes_no_group(
    classic: Classic, changes: dict[str, object], error: type[QuekkaError], message: str
) -> None:
    with pytest.raises(error, match=message):
        classic.coordinator.join(request(**changes))
    assert classic.coordinator.all() == []


def test_who_comes_without_a_member_id_is_given_one_and_joins_with_it(classic: Classic) -> None:
    with pytest.raises(MemberIdRequiredError, match="come again as client-") as required:
        classic.coordinator.join(request(require_known_member_id=True))
    assert classic.group.state == EMPTY
    joined = classic.join(required.value.member_id, require_known_member_id=True).answer()
    assert joined.member_id == joined.leader == required.value.member_id


def test_a_member_id_that_was_given_out_is_no_member_yet(classic: Classic) -> None:
    member_id = classic.member_id()
    assert not classic.coordinator.has_members(GROUP)
    assert classic.heartbeat(JoinResult(0, "", "", "", member_id, ())) == "UNKNOWN_MEMBER_ID"
    assert classic.leave(member_id) == ""
    assert classic.join(member_id).error() == "UNKNOWN_MEMBER_ID"


def test_a_member_id_that_was_given_out_does_not_become_a_static_member(classic: Classic) -> None:
    classic.joined(ONE)
    member_id = classic.member_id()
    assert classic.join(member_id, **ONE).error() == "FENCED_INSTANCE_ID"
    assert classic.join(member_id, **TWO).error() == "UNKNOWN_MEMBER_ID"


def test_a_rebalance_waits_for_who_was_given_a_member_id_unless_it_leaves(classic: Classic) -> None:
    (a,) = classic.stable({})
    member_id = classic.member_id()
    waits = classic.join(a.member_id)
    assert waits.waits
    classic.leave(member_id)
    assert waits.answer().generation == 2


def test_followers_hear_nothing_of_the_others(classic: Classic) -> None:
    leader, follower = classic.joined({"protocols": (("range", b"a"),)}, {"protocols": (("range", b"b"),)})
    assert [member.metadata for member in leader.members] == [b"a", b"b"]
    assert (follower.members, follower.leader) == ((), leader.member_id)


@pytest.mark.parametrize("state", [COMPLETING_REBALANCE, STABLE])
def test_a_follower_that_joins_again_unchanged_hears_again_what_it_was_told(
    classic: Classic, state: str
) -> None:
    _, follower = leader_and_follower(classic, state)
    assert classic.join(follower.member_id).answer() == follower
    assert classic.group.state == state


def test_the_leader_that_joins_again_hears_again_while_the_group_waits_for_it(classic: Classic) -> None:
    leader, _ = leader_and_follower(classic, COMPLETING_REBALANCE)
    assert classic.join(leader.member_id).answer() == leader


def test_the_leader_of_a_stable_group_that_joins_again_begins_a_rebalance(classic: Classic) -> None:
    leader, follower = leader_and_follower(classic, STABLE)
    waits = classic.join(leader.member_id)
    assert waits.waits
    assert classic.heartbeat(follower) == "REBALANCE_IN_PROGRESS"
    assert classic.join(follower.member_id).answer().generation == 2
    assert waits.answer().generation == 2


def test_a_new_member_ends_the_wait_for_an_assignment(classic: Classic) -> None:
    _, follower = leader_and_follower(classic, COMPLETING_REBALANCE)
    waits = classic.sync(follower)
    classic.join()
    assert waits.error() == "REBALANCE_IN_PROGRESS"


def test_members_must_share_an_assignor_and_the_type(classic: Classic) -> None:
    classic.stable({"protocols": BOTH}, {"protocols": STICKY})
    for changes in ({"protocols": (("range", b""),)}, {"protocol_type": "connect"}):
        with pytest.raises(InconsistentGroupProtocolError, match="group team of type consumer shares no"):
            classic.coordinator.join(request(**changes))
    assert classic.join(protocols=BOTH).waits


def test_the_assignor_is_elected_by_votes(classic: Classic) -> None:
    joined = classic.joined({"protocols": BOTH}, {"protocols": BOTH[::-1]}, {"protocols": BOTH[::-1]})
    assert {one.protocol_name for one in joined} == {"sticky"}


def test_another_type_may_take_a_group_over_that_is_empty(classic: Classic) -> None:
    leader_and_follower(classic, EMPTY)
    joined = classic.join(protocol_type="connect", protocols=(("compatible", b""),)).answer()
    assert (joined.protocol_type, joined.protocol_name) == ("connect", "compatible")
    assert joined.generation == 3, "generations go on counting"


def test_groups_are_bounded(classic: Classic) -> None:
    classic.configure(max_groups=1)
    classic.joined({})
    with pytest.raises(PolicyViolationError, match=r"max\.groups=1"):
        classic.coordinator.join(request(group_id="another"))


# group.max.size


def test_a_full_group_takes_nobody_new(classic: Classic) -> None:
    classic.configure(group_max_size=2)
    leader, _ = leader_and_follower(classic, STABLE)
    with pytest.raises(GroupMaxSizeReachedError, match=r"group\.max\.size=2"):
        classic.coordinator.join(request())
    assert classic.heartbeat(leader) == ""


def test_a_full_group_takes_its_own_static_member_back(classic: Classic) -> None:
    classic.configure(group_max_size=1)
    classic.stable(ONE)
    assert classic.join(**ONE).answer().generation == 1


def test_a_member_id_is_not_a_place_in_the_group(classic: Classic) -> None:
    classic.configure(group_max_size=1)
    member_id = classic.member_id()
    classic.join().answer()
    assert classic.join(member_id).error() == "GROUP_MAX_SIZE_REACHED"
    assert classic.join(member_id).error() == "GROUP_MAX_SIZE_REACHED"
    assert classic.group.pending == {}


def test_member_ids_are_not_given_out_without_bound(classic: Classic) -> None:
    classic.configure(group_max_size=3)
    for _ in range(3):
        classic.member_id()
    with pytest.raises(GroupMaxSizeReachedError, match="waits for 3 members"):
        classic.coordinator.join(request(require_known_member_id=True))


def test_where_the_limit_was_lowered_the_last_to_join_again_is_out(classic: Classic) -> None:
    a, b, c = classic.stable({}, {}, {})
    classic.configure(group_max_size=2)
    first, second = classic.join(a.member_id), classic.join(b.member_id)
    assert classic.join(c.member_id).error() == "GROUP_MAX_SIZE_REACHED"
    assert {first.answer().generation, second.answer().generation} == {2}
    assert list(classic.group.members) == [a.member_id, b.member_id]


# Static members


def test_a_static_member_joins_at_once_under_an_id_made_of_its_instance(classic: Classic) -> None:
    joined = classic.join(require_known_member_id=True, **ONE).answer()
    assert joined.member_id.startswith("one-")
    assert joined.generation == 1


@pytest.mark.parametrize("protocols", [(("range", b""),), NEW_TOPICS], ids=["unchanged", "other_metadata"])
def test_a_static_follower_that_restarts_keeps_its_assignment_without_a_rebalance(
    classic: Classic, protocols
) -> None:
    leader, follower = classic.stable({}, TWO)
    again = classic.join(**TWO, protocols=protocols, supports_skipping_assignment=True).answer()
    assert again.member_id != follower.member_id
    assert again == follower._replace(member_id=again.member_id)
    assert classic.sync(again, instance="two").answer().assignment == follower.member_id.encode()
    assert classic.heartbeat(leader) == ""


@pytest.mark.parametrize("skips", [True, False], ids=["version_9", "before_version_9"])
def test_a_static_leader_that_restarts_does_not_assign_anew(classic: Classic, skips: bool) -> None:
    leader, _ = classic.stable(ONE, {})
    again = classic.join(**ONE, supports_skipping_assignment=skips).answer()
    assert again.skip_assignment is skips
    assert again.generation == 1
    if skips:
        assert again.leader == again.member_id
        assert [member.member_id for member in again.members][:1] == [again.member_id]
    else:
        assert (again.leader, again.members) == (leader.member_id, ())
    assert classic.sync(again, instance="one").answer().assignment == leader.member_id.encode()
    assert classic.group.leader == again.member_id


def test_a_static_leader_that_restarted_may_begin_a_rebalance(classic: Classic) -> None:
    classic.stable(ONE)
    again = classic.join(**ONE).answer()
    assert classic.join(again.member_id, **ONE).answer().generation == 2


def test_a_static_member_that_restarts_with_another_assignor_begins_a_rebalance(classic: Classic) -> None:
    classic.stable({"protocols": BOTH}, TWO | {"protocols": BOTH})
    assert classic.group.protocol_name == "range"
    assert classic.join(**TWO, protocols=STICKY).waits


def test_a_static_member_that_restarts_while_the_leader_assigns_begins_a_rebalance(classic: Classic) -> None:
    leader, follower = classic.joined(ONE, TWO)
    waits = classic.sync(follower, instance="two")
    again = classic.join(**TWO)
    assert waits.error() == "FENCED_INSTANCE_ID"
    assert again.waits
    assert classic.sync(leader).error() == "REBALANCE_IN_PROGRESS"
    assert classic.join(leader.member_id, **ONE).answer().generation == 2
    assert again.answer().generation == 2


def test_a_static_member_that_restarts_while_it_joins_waits_in_its_own_place(classic: Classic) -> None:
    leader, follower = classic.stable(ONE, TWO)
    first = classic.join(leader.member_id, **ONE)
    second = classic.join(**ONE)
    assert first.error() == "FENCED_INSTANCE_ID"
    assert classic.join(follower.member_id, **TWO).answer().generation == 2
    assert second.answer().leader == second.answer().member_id
    assert len(second.answer().members) == 2


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda c, j: c.join(j.member_id, **ONE).error(), id="join_group"),
        pytest.param(lambda c, j: c.sync(j, instance="one").error(), id="sync_group"),
        pytest.param(lambda c, j: c.heartbeat(j, "one"), id="heartbeat"),
        pytest.param(lambda c, j: c.leave(j.member_id, "one"), id="leave_group"),
        pytest.param(lambda c, j: c.check_commit(j.generation, j.member_id, "one"), id="commit"),
    ],
)
def test_the_former_self_of_a_static_member_is_fenced(
    classic: Classic, ask: Callable[[Classic, JoinResult], str]
) -> None:
    former, _ = classic.stable(ONE, {})
    again = classic.join(**ONE).answer()
    assert ask(classic, former) == "FENCED_INSTANCE_ID"
    assert classic.heartbeat(again, "one") == ""
    assert classic.heartbeat(former) == "UNKNOWN_MEMBER_ID"


def test_the_session_of_a_static_member_that_restarts_begins_anew(classic: Classic) -> None:
    classic.stable(ONE)
    classic.advance(9)
    again = classic.join(**ONE).answer()
    classic.advance(9.999)
    assert classic.heartbeat(again, "one") == ""


# SyncGroup


def test_everyone_gets_what_the_leader_assigned(classic: Classic) -> None:
    leader, follower = classic.joined({}, {})
    waits = classic.sync(follower)
    own = classic.sync(leader, {leader.member_id: b"0,1", follower.member_id: b"2", "nobody": b"3"}).answer()
    assert own == ("consumer", "range", b"0,1")
    assert waits.answer() == ("consumer", "range", b"2")


def test_assignments_come_from_the_leader_only(classic: Classic) -> None:
    leader, follower = classic.joined({}, {})
    waits = classic.sync(follower, {follower.member_id: b"mine"})
    assert waits.waits
    classic.sync(leader, {}).answer()
    assert waits.answer().assignment == b""
    assert classic.sync(leader, {leader.member_id: b"second thoughts"}).answer().assignment == b""


def test_another_sync_group_of_a_member_takes_the_place_of_the_first(classic: Classic) -> None:
    leader, follower = classic.joined({}, {})
    first, second = classic.sync(follower), classic.sync(follower)
    assert first.error() == "REBALANCE_IN_PROGRESS"
    classic.sync(leader).answer()
    assert second.answer().assignment == follower.member_id.encode()


@pytest.mark.parametrize(
    ("names", "error"),
    [
        pytest.param({"protocol_type": "consumer", "protocol_name": "range"}, "", id="the_groups"),
        pytest.param({"protocol_type": "connect"}, "INCONSISTENT_GROUP_PROTOCOL", id="other_type"),
        pytest.param({"protocol_name": "sticky"}, "INCONSISTENT_GROUP_PROTOCOL", id="other_name"),
    ],
)
def test_sync_group_must_be_about_the_elected_protocol(
    classic: Classic, names: dict[str, str], error: str
) -> None:
    leader, _ = classic.joined({}, {})
    assert classic.sync(leader, **names).error() == error


# LeaveGroup


def test_the_last_to_leave_leaves_an_empty_group(classic: Classic) -> None:
    leader_and_follower(classic, EMPTY)
    assert (classic.group.generation, classic.group.leader, classic.group.members) == (2, "", {})
    assert classic.coordinator.describe(GROUP) == (EMPTY, "consumer", ())


def test_who_leaves_while_the_others_wait_for_it_lets_them_go(classic: Classic) -> None:
    leader, follower = leader_and_follower(classic, STABLE)
    waits = classic.join(leader.member_id)
    classic.leave(follower.member_id)
    assert waits.answer().generation == 2


def test_who_leaves_is_answered_in_what_it_waits_for(classic: Classic) -> None:
    _, follower = leader_and_follower(classic, COMPLETING_REBALANCE)
    waits = classic.sync(follower)
    classic.leave(follower.member_id)
    assert waits.error() == "UNKNOWN_MEMBER_ID"


@pytest.mark.parametrize(
    ("member_id", "instance", "error"),
    [
        pytest.param("", "one", "", id="instance_alone"),
        pytest.param("", "three", "UNKNOWN_MEMBER_ID", id="no_such_instance"),
        pytest.param("", None, "UNKNOWN_MEMBER_ID", id="nobody"),
        pytest.param("m-1", "one", "FENCED_INSTANCE_ID", id="instance_of_another_member"),
    ],
)
def test_an_administrator_removes_a_static_member_by_its_instance_id(
    classic: Classic, member_id: str, instance: str | None, error: str
) -> None:
    classic.stable(ONE, {})
    assert classic.leave(member_id, instance) == error
    assert ("one" not in classic.group.static_members) is (error == "")


# Members of the text protocol


def test_a_group_with_members_of_the_text_protocol_takes_none_of_kafkas(classic: Classic) -> None:
    classic.text_groups.add(GROUP)
    with pytest.raises(InconsistentGroupProtocolError, match="group team has members of the text protocol"):
        classic.coordinator.join(request())
    assert classic.check_commit(-1, "") == "UNKNOWN_MEMBER_ID"


# The end of groups


@pytest.mark.parametrize(
    ("state", "is_deleted"),
    [(EMPTY, True), (PREPARING_REBALANCE, False), (COMPLETING_REBALANCE, False), (STABLE, False)],
)
def test_only_an_empty_group_can_be_deleted(classic: Classic, state: str, is_deleted: bool) -> None:
    leader_and_follower(classic, state)
    assert classic.coordinator.delete(GROUP) is is_deleted
    assert (classic.coordinator.find(GROUP) is None) is is_deleted
    assert classic.coordinator.describe(GROUP)[0] == (DEAD if is_deleted else state)


def test_a_deleted_group_knows_no_member_id_that_it_gave_out(classic: Classic) -> None:
    member_id = classic.member_id()
    pending = classic.group.pending[member_id]
    assert classic.coordinator.delete(GROUP)
    assert pending.cancelled
    assert classic.join(member_id).error() == "UNKNOWN_MEMBER_ID"


def test_a_group_that_is_empty_is_forgotten_unless_somebody_is_to_come(classic: Classic) -> None:
    classic.coordinator.forget_if_unused("no such group")
    classic.member_id()
    classic.coordinator.forget_if_unused(GROUP)
    assert classic.coordinator.has_members(GROUP) is False
    assert classic.coordinator.find(GROUP) is not None
    classic.advance(10)
    classic.coordinator.forget_if_unused(GROUP)
    assert classic.coordinator.all() == []


def test_a_group_with_members_is_not_forgotten(classic: Classic) -> None:
    leader_and_follower(classic, STABLE)
    classic.coordinator.forget_if_unused(GROUP)
    assert classic.coordinator.has_members(GROUP)


# The end of the broker


def test_a_broker_that_stops_answers_everyone_who_waits(classic: Classic) -> None:
    leader, _ = leader_and_follower(classic, STABLE)
    joins = [classic.join(), classic.join(leader.member_id)]
    other = {"group_id": "another"}
    _, follower = classic.joined(other, other)
    sync = classic.ask(lambda: classic.coordinator.sync("another", 1, follower.member_id, None, {}))
    assert [asked.waits for asked in (*joins, sync)] == [True] * 3
    classic.coordinator.begin_stop()
    assert [asked.error() for asked in (*joins, sync)] == ["COORDINATOR_NOT_AVAILABLE"] * 3


def test_nobody_begins_to_wait_in_a_broker_that_stops(classic: Classic) -> None:
    _, follower = leader_and_follower(classic, COMPLETING_REBALANCE)
    classic.coordinator.begin_stop()
    assert classic.join().error() == "COORDINATOR_NOT_AVAILABLE"
    assert classic.sync(follower).error() == "COORDINATOR_NOT_AVAILABLE"


def test_fencing_names_the_instance(classic: Classic) -> None:
    (former,) = classic.stable(ONE)
    classic.join(**ONE).answer()
    with pytest.raises(FencedInstanceIdError, match="instance one is now member one-"):
        classic.coordinator.heartbeat(GROUP, 1, former.member_id, "one")
