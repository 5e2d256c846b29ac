"""Tests of quekka.broker.classic_rebalancer: what time does to a group."""

import pytest
from classic_groups import Classic

from quekka.broker.classic_group import COMPLETING_REBALANCE, EMPTY, PREPARING_REBALANCE, STABLE
from quekka.broker.classic_rebalancer import NEW_MEMBER_JOIN_TIMEOUT_S

SESSION_S = 10.0
REBALANCE_S = 60.0

STATIC_A = {"group_instance_id": "one"}
STATIC_B = {"group_instance_id": "two"}


def keep_alive(classic: Classic, joined, seconds: float) -> None:
    """Let time go on while one member sends heartbeats."""
    for _ in range(int(seconds // 5)):
        classic.advance(5)
        classic.heartbeat(joined)


# The first generation


def test_without_a_delay_the_first_member_is_a_generation_at_once(classic: Classic) -> None:
    joined = classic.join().answer()
    assert (joined.generation, joined.leader) == (1, joined.member_id)


def test_the_first_rebalance_gathers_those_who_come_during_the_delay(classic: Classic) -> None:
    classic.configure(group_initial_rebalance_delay_ms=3000)
    first, second = classic.join(), classic.join()
    classic.advance(2.999)
    assert first.waits
    assert second.waits
    classic.advance(0.001)
    assert first.waits, "a member came during the delay, which begins anew"
    classic.advance(3)
    assert (first.answer().generation, second.answer().generation) == (1, 1)


def test_gathering_ends_when_nobody_came_since_it_was_prolonged(classic: Classic) -> None:
    classic.configure(group_initial_rebalance_delay_ms=3000)
    first = classic.join()
    classic.advance(3)
    assert first.answer().generation == 1


def test_gathering_is_prolonged_up_to_the_rebalance_timeout(classic: Classic) -> None:
    classic.configure(group_initial_rebalance_delay_ms=3000)
    members = [classic.join(rebalance_timeout_ms=7000)]
    for _ in range(2):
        members.append(classic.join(rebalance_timeout_ms=7000))
        classic.advance(3)
    members.append(classic.join())
    classic.advance(0.999)
    assert all(member.waits for member in members)
    classic.advance(0.001)
    assert {member.answer().generation for member in members} == {1}


def test_gathering_does_not_wait_for_member_ids_that_were_given_out(classic: Classic) -> None:
    classic.configure(group_initial_rebalance_delay_ms=3000)
    classic.member_id()
    joined = classic.join()
    classic.advance(3)
    assert joined.answer().generation == 1


def test_who_leaves_while_the_group_gathers_is_not_in_the_generation(classic: Classic) -> None:
    classic.configure(group_initial_rebalance_delay_ms=3000)
    first, second = classic.join(), classic.join()
    assert classic.leave(next(iter(classic.group.members))) == ""
    assert first.error() == "UNKNOWN_MEMBER_ID"
    classic.advance(3)
    classic.advance(3)
    assert second.answer().leader == second.answer().member_id


def test_a_group_that_all_left_while_it_gathered_is_empty(classic: Classic) -> None:
    classic.configure(group_initial_rebalance_delay_ms=3000)
    classic.join()
    classic.leave(next(iter(classic.group.members)))
    classic.advance(3)
    assert classic.group.state == EMPTY


# Later rebalances


def test_a_rebalance_waits_until_all_have_joined_again(classic: Classic) -> None:
    a, b = classic.stable({}, {})
    third = classic.join()
    again = classic.join(b.member_id)
    assert third.waits
    assert again.waits
    leader = classic.join(a.member_id).answer()
    assert (leader.generation, leader.leader, len(leader.members)) == (2, a.member_id, 3)
    assert {third.answer().generation, again.answer().generation} == {2}


def test_who_does_not_join_before_the_rebalance_timeout_is_out(classic: Classic) -> None:
    a, b = classic.stable({"session_timeout_ms": 100_000}, {"session_timeout_ms": 100_000})
    third = classic.join()
    again = classic.join(b.member_id)
    classic.advance(REBALANCE_S - 0.001)
    assert third.waits
    classic.advance(0.001)
    assert {third.answer().leader, again.answer().leader} == {b.member_id}
    assert classic.heartbeat(a) == "UNKNOWN_MEMBER_ID"


def test_the_longest_rebalance_timeout_of_all_members_counts(classic: Classic) -> None:
    slow = {"session_timeout_ms": 100_000, "rebalance_timeout_ms": 90_000}
    classic.stable({"session_timeout_ms": 100_000}, slow)
    third = classic.join(rebalance_timeout_ms=1_000)
    classic.advance(89.999)
    assert third.waits
    classic.advance(0.001)
    assert third.answer().generation == 2


def test_a_leader_that_does_not_join_again_in_time_is_replaced(classic: Classic) -> None:
    a, b = classic.stable(STATIC_A | {"session_timeout_ms": 100_000}, {})
    classic.join()
    again = classic.join(b.member_id)
    classic.advance(REBALANCE_S)
    assert again.answer().leader == b.member_id
    assert [member.member_id for member in again.answer().members][:2] == [a.member_id, b.member_id]


def test_a_static_member_that_does_not_join_stays_until_its_session_ends(classic: Classic) -> None:
    a, _ = classic.stable(STATIC_A | {"session_timeout_ms": 100_000}, {})
    third = classic.join()
    classic.advance(REBALANCE_S)
    assert third.answer().generation == 2
    assert a.member_id in classic.group.members
    assert classic.heartbeat(a, "one") == "ILLEGAL_GENERATION"


def test_while_only_silent_static_members_are_left_there_is_no_new_generation(classic: Classic) -> None:
    a, b = classic.stable(STATIC_A | {"session_timeout_ms": 130_000}, STATIC_B)
    assert classic.leave(b.member_id) == ""
    for _ in range(2):
        classic.advance(REBALANCE_S)
        assert (classic.group.state, classic.group.generation) == (PREPARING_REBALANCE, 1)
    assert classic.heartbeat(a, "one") == "REBALANCE_IN_PROGRESS"
    assert classic.join(a.member_id, group_instance_id="one").answer().generation == 2


def test_a_short_rebalance_timeout_does_not_busy_the_timers_while_static_members_are_silent(
    classic: Classic,
) -> None:
    _, b = classic.stable(STATIC_A | {"rebalance_timeout_ms": 1}, STATIC_B | {"rebalance_timeout_ms": 1})
    classic.leave(b.member_id)
    classic.advance(SESSION_S - 1)
    assert classic.group.state == PREPARING_REBALANCE
    classic.advance(1)
    assert classic.group.state == EMPTY


def test_another_join_group_of_a_member_that_waits_takes_the_place_of_the_first(classic: Classic) -> None:
    _, b = classic.stable({}, {})
    classic.join()
    first = classic.join(b.member_id)
    second = classic.join(b.member_id)
    assert first.error() == "REBALANCE_IN_PROGRESS"
    assert second.waits


def test_timers_of_rebalances_that_are_over_change_nothing(classic: Classic) -> None:
    patient = {"session_timeout_ms": 600_000}
    a, b = classic.stable(patient, patient)
    for _ in range(3):
        classic.advance(REBALANCE_S / 2)
        leader = classic.join(a.member_id, **patient)
        follower = classic.join(b.member_id, **patient)
        a, b = leader.answer(), follower.answer()
        classic.synced([a, b])
    classic.advance(4 * REBALANCE_S)
    assert (classic.group.state, classic.group.generation) == (STABLE, 4)


@pytest.mark.parametrize(
    ("syncs", "assignments"), [(True, [b"1", b"2"]), (False, [b"", b""])], ids=["stable", "completing"]
)
def test_a_rebalance_leaves_assignments_to_be_seen_unless_they_are_of_a_generation_before(
    classic: Classic, syncs: bool, assignments: list[bytes]
) -> None:
    a, b = classic.joined({}, {})
    if syncs:
        classic.sync(a, {a.member_id: b"1", b.member_id: b"2"})
    classic.join()
    assert classic.group.state == PREPARING_REBALANCE
    assert [member.assignment for member in classic.group.members.values()][:2] == assignments


# Fetching the assignment


@pytest.mark.parametrize("leader_syncs", [True, False], ids=["stable", "completing"])
def test_who_does_not_fetch_its_assignment_before_the_rebalance_timeout_is_out(
    classic: Classic, leader_syncs: bool
) -> None:
    a, b, c = classic.joined(*[{"session_timeout_ms": 100_000}] * 3)
    syncing = classic.sync(a if leader_syncs else b)
    assert syncing.waits is not leader_syncs
    classic.advance(REBALANCE_S - 0.001)
    assert len(classic.group.members) == 3
    classic.advance(0.001)
    assert syncing.error() == ("" if leader_syncs else "REBALANCE_IN_PROGRESS")
    assert list(classic.group.members) == [a.member_id if leader_syncs else b.member_id]
    assert classic.group.state == PREPARING_REBALANCE
    assert classic.heartbeat(c) == "UNKNOWN_MEMBER_ID"


def test_where_nobody_fetches_an_assignment_the_group_becomes_empty(classic: Classic) -> None:
    classic.joined(*[{"session_timeout_ms": 100_000}] * 2)
    classic.advance(REBALANCE_S)
    assert (classic.group.state, classic.group.leader) == (EMPTY, "")


def test_where_all_have_fetched_their_assignment_the_timeout_is_over(classic: Classic) -> None:
    classic.stable(*[{"session_timeout_ms": 100_000}] * 2)
    classic.advance(REBALANCE_S)
    assert classic.group.state == STABLE


# Sessions


def test_a_member_that_falls_silent_is_out_when_its_session_ends(classic: Classic) -> None:
    a, b = classic.stable({}, {})
    keep_alive(classic, a, 5)
    classic.advance(SESSION_S - 5 - 0.001)
    assert b.member_id in classic.group.members
    classic.advance(0.001)
    assert list(classic.group.members) == [a.member_id]
    assert classic.group.state == PREPARING_REBALANCE


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(lambda classic, j: classic.heartbeat(j), id="heartbeat"),
        pytest.param(lambda classic, j: classic.sync(j).error(), id="sync_group"),
        pytest.param(lambda classic, j: classic.check_commit(j.generation, j.member_id), id="offset_commit"),
    ],
)
def test_signs_of_life_prolong_a_session(classic: Classic, sign) -> None:
    (a,) = classic.stable({})
    for _ in range(3):
        classic.advance(SESSION_S - 0.001)
        assert sign(classic, a) == ""
    classic.advance(SESSION_S)
    assert classic.group.state == EMPTY


def test_a_heartbeat_during_a_rebalance_prolongs_the_session(classic: Classic) -> None:
    a, _ = classic.stable({}, {})
    classic.join()
    for _ in range(3):
        classic.advance(SESSION_S - 1)
        assert classic.heartbeat(a) == "REBALANCE_IN_PROGRESS"


def test_sessions_do_not_end_while_join_group_waits(classic: Classic) -> None:
    a, b = classic.stable({}, {})
    waits = classic.join(a.member_id)
    keep_alive(classic, b, 5 * SESSION_S)
    assert waits.waits
    follower = classic.join(b.member_id)
    assert waits.answer().generation == follower.answer().generation == 2


def test_sessions_do_not_end_while_sync_group_waits_and_begin_anew_with_its_answer(classic: Classic) -> None:
    a, b = classic.joined({}, {})
    waits = classic.sync(b)
    keep_alive(classic, a, 3 * SESSION_S)
    assert waits.waits
    classic.sync(a).answer()
    assert waits.answer().assignment == b.member_id.encode()
    classic.advance(SESSION_S - 0.001)
    assert b.member_id in classic.group.members


def test_sessions_begin_anew_when_a_rebalance_ends_the_wait_for_an_assignment(classic: Classic) -> None:
    a, b = classic.joined({}, {})
    waits = classic.sync(b)
    keep_alive(classic, a, 3 * SESSION_S)
    classic.leave(a.member_id)
    assert waits.error() == "REBALANCE_IN_PROGRESS"
    classic.advance(SESSION_S - 0.001)
    assert b.member_id in classic.group.members


def test_a_shorter_session_timeout_holds_from_the_next_generation_on(classic: Classic) -> None:
    (a,) = classic.stable({"session_timeout_ms": 600_000})
    a = classic.join(a.member_id, session_timeout_ms=6_000).answer()
    classic.sync(a).answer()
    classic.advance(6)
    assert classic.group.state == EMPTY


def test_a_new_member_that_waits_too_long_for_its_first_generation_is_out(classic: Classic) -> None:
    patient = {"rebalance_timeout_ms": 900_000}
    a, _ = classic.stable(patient, patient)
    new = classic.join(**patient)
    keep_alive(classic, a, NEW_MEMBER_JOIN_TIMEOUT_S - 5)
    assert new.waits
    keep_alive(classic, a, 5)
    assert new.error() == "UNKNOWN_MEMBER_ID"


def test_the_end_of_a_session_lets_those_go_who_waited_for_the_member(classic: Classic) -> None:
    a, _ = classic.stable({}, {})
    waits = classic.join(a.member_id)
    classic.advance(SESSION_S)
    assert waits.answer().generation == 2
    assert classic.group.state == COMPLETING_REBALANCE


# Member ids that were given out


def test_a_member_id_that_nobody_comes_back_with_lapses(classic: Classic) -> None:
    member_id = classic.member_id()
    classic.advance(SESSION_S)
    assert classic.join(member_id).error() == "UNKNOWN_MEMBER_ID"


def test_a_rebalance_waits_for_a_member_id_that_was_given_out_until_it_lapses(classic: Classic) -> None:
    (a,) = classic.stable({"session_timeout_ms": 100_000})
    classic.member_id()
    waits = classic.join(a.member_id)
    classic.advance(SESSION_S - 0.001)
    assert waits.waits
    classic.advance(0.001)
    assert waits.answer().generation == 2


def test_a_member_id_that_was_used_does_not_lapse(classic: Classic) -> None:
    a = classic.join(classic.member_id(), session_timeout_ms=100_000).answer()
    classic.sync(a).answer()
    classic.advance(2 * SESSION_S)
    assert classic.heartbeat(a) == ""


# When a group became empty


def test_a_group_remembers_when_it_became_empty(classic: Classic) -> None:
    (a,) = classic.stable({})
    classic.advance(5)
    classic.leave(a.member_id)
    assert classic.group.emptied_ms == classic.clock.wall_ms()
    classic.advance(5)
    assert classic.group.emptied_ms == classic.clock.wall_ms() - 5000
