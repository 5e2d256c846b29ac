"""Tests of quekka.broker.classic_group: what a group is, without time and without waiting."""

import struct
from collections.abc import Iterator

import pytest
from classic_groups import request

from quekka.broker.classic_group import (
    COMPLETING_REBALANCE,
    EMPTY,
    PREPARING_REBALANCE,
    STABLE,
    ClassicGroup,
)
from quekka.broker.classic_member import ClassicMember, JoinResult, SyncResult
from quekka.broker.completion import Completion
from quekka.broker.timers import Timer
from quekka.errors import (
    FencedInstanceIdError,
    IllegalGenerationError,
    InconsistentGroupProtocolError,
    QuekkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)


@pytest.fixture
def group() -> Iterator[ClassicGroup]:
    """An empty group whose mutex this test holds."""
    made = ClassicGroup("team", now_ms=5)
    with made.mutex:
        yield made


def protocols(*names: str) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, name.encode()) for name in names)


def add(group: ClassicGroup, member_id: str, *names: str, instance: str | None = None) -> ClassicMember:
    """Add a member that waits in its JoinGroup."""
    asked = request(group_instance_id=instance, protocols=protocols(*(names or ("range",))))
    member = ClassicMember.of(member_id, asked)
    group.protocol_type = asked.protocol_type
    group.add_member_locked(member)
    group.state = PREPARING_REBALANCE
    member.awaiting_join = Completion()
    return member


def subscription(*topics: str) -> bytes:
    names = b"".join(struct.pack(">h", len(topic)) + topic.encode() for topic in topics)
    return struct.pack(">hi", 0, len(topics)) + names


# Members


def test_the_first_member_leads_and_the_next_takes_over_when_it_goes(group: ClassicGroup) -> None:
    first, second = add(group, "a"), add(group, "b")
    assert group.leader == "a"
    group.remove_member_locked(first)
    assert group.leader == "b"
    group.remove_member_locked(second)
    assert (group.leader, group.members) == ("", {})


def test_a_member_that_goes_is_awaited_no_more(group: ClassicGroup) -> None:
    member = add(group, "a", instance="one")
    member.session_timer = Timer(lambda: None, None)
    group.pending_sync = {"a"}
    group.remove_member_locked(member)
    assert (group.pending_sync, group.static_members) == (set(), {})
    assert member.session_timer.cancelled


def test_a_pending_member_id_is_used_once_and_its_timer_ends(group: ClassicGroup) -> None:
    timer = group.pending["a"] = Timer(lambda: None, None)
    add(group, "a")
    assert timer.cancelled
    assert not group.forget_pending_locked("a")


def test_a_static_member_that_comes_back_takes_its_own_place(group: ClassicGroup) -> None:
    add(group, "a", instance="one")
    add(group, "b")
    group.pending_sync = {"a", "b"}
    member = group.replace_static_member_locked("a", "a2")
    assert list(group.members) == ["a2", "b"]
    assert (member.member_id, group.leader, group.static_members) == ("a2", "a2", {"one": "a2"})
    assert group.pending_sync == {"a2", "b"}


@pytest.mark.parametrize(
    ("member_id", "instance", "generation", "error"),
    [
        pytest.param("a", "one", 3, None, id="static"),
        pytest.param("a", None, 3, None, id="static_that_does_not_say_so"),
        pytest.param("b", None, 3, None, id="dynamic"),
        pytest.param("x", None, 3, UnknownMemberIdError, id="no_such_member"),
        pytest.param("", None, 3, UnknownMemberIdError, id="no_member_id"),
        pytest.param("b", "two", 3, UnknownMemberIdError, id="no_such_instance"),
        pytest.param("a-before", "one", 3, FencedInstanceIdError, id="instance_with_a_newer_member_id"),
        pytest.param("", "one", 3, FencedInstanceIdError, id="instance_without_member_id"),
        pytest.param("b", None, 2, IllegalGenerationError, id="generation_before"),
        pytest.param("b", None, -1, IllegalGenerationError, id="no_generation"),
        pytest.param("x", None, 2, UnknownMemberIdError, id="member_before_generation"),
    ],
)
def test_who_speaks_is_checked(
    group: ClassicGroup,
    member_id: str,
    instance: str | None,
    generation: int,
    error: type[QuekkaError] | None,
) -> None:
    add(group, "a", instance="one")
    add(group, "b")
    group.generation = 3
    if error is None:
        assert group.present_member_locked(generation, member_id, instance) is group.members[member_id]
    else:
        with pytest.raises(error):
            group.present_member_locked(generation, member_id, instance)


@pytest.mark.parametrize(
    ("protocol_type", "protocol_name", "fits"),
    [
        pytest.param(None, None, True, id="unsaid"),
        pytest.param("consumer", "range", True, id="same"),
        pytest.param("connect", "range", False, id="other_type"),
        pytest.param("consumer", "sticky", False, id="other_name"),
        pytest.param(None, "sticky", False, id="other_name_alone"),
    ],
)
def test_the_protocol_that_a_client_names_must_be_the_groups(
    group: ClassicGroup, protocol_type: str | None, protocol_name: str | None, fits: bool
) -> None:
    group.protocol_type, group.protocol_name = "consumer", "range"
    if fits:
        group.check_protocol_locked(protocol_type, protocol_name)
    else:
        with pytest.raises(InconsistentGroupProtocolError, match="protocol consumer:range, not"):
            group.check_protocol_locked(protocol_type, protocol_name)


# Who may join


@pytest.mark.parametrize(
    ("state", "member_id", "size_max", "has_room"),
    [
        pytest.param(EMPTY, "", 1, True, id="empty"),
        pytest.param(PREPARING_REBALANCE, "", 2, True, id="new_while_others_are_to_come"),
        pytest.param(PREPARING_REBALANCE, "", 1, False, id="new_after_as_many_have_joined"),
        pytest.param(PREPARING_REBALANCE, "joined", 1, True, id="joined_again"),
        pytest.param(PREPARING_REBALANCE, "late", 2, True, id="back_in_time"),
        pytest.param(PREPARING_REBALANCE, "late", 1, False, id="back_too_late"),
        pytest.param(COMPLETING_REBALANCE, "late", 1, True, id="known_while_completing"),
        pytest.param(COMPLETING_REBALANCE, "", 2, False, id="new_in_a_full_group_while_completing"),
        pytest.param(STABLE, "late", 1, True, id="known"),
        pytest.param(STABLE, "", 2, False, id="new_in_a_full_group"),
        pytest.param(STABLE, "", 3, True, id="new"),
    ],
)
def test_a_group_takes_members_up_to_its_size(
    group: ClassicGroup, state: str, member_id: str, size_max: int, has_room: bool
) -> None:
    add(group, "joined")
    add(group, "late").awaiting_join = None
    group.state = state
    assert group.has_room_locked(member_id, size_max) is has_room


@pytest.mark.parametrize(
    ("state", "offered", "accepted"),
    [
        pytest.param(EMPTY, ("connect", "any"), True, id="first_member"),
        pytest.param(EMPTY, ("", "range"), False, id="no_type"),
        pytest.param(EMPTY, ("consumer",), False, id="no_assignor"),
        pytest.param(STABLE, ("consumer", "range", "own"), True, id="common_assignor"),
        pytest.param(STABLE, ("consumer", "own"), False, id="no_common_assignor"),
        pytest.param(STABLE, ("consumer", "sticky"), False, id="not_supported_by_all"),
        pytest.param(STABLE, ("connect", "range"), False, id="other_type"),
    ],
)
def test_who_joins_must_find_an_assignor_with_all_others(
    group: ClassicGroup, state: str, offered: tuple[str, ...], accepted: bool
) -> None:
    add(group, "a", "range", "sticky")
    add(group, "b", "range")
    group.state = state
    asked = request(protocol_type=offered[0], protocols=protocols(*offered[1:]))
    assert group.accepts_locked(asked) is accepted


@pytest.mark.parametrize(
    ("members", "elected"),
    [
        pytest.param([("range",)], "range", id="one"),
        pytest.param([("a", "b"), ("b", "a"), ("b", "a")], "b", id="most_votes"),
        pytest.param([("x", "a", "b"), ("y", "a", "b"), ("b", "a")], "a", id="votes_for_what_all_support"),
        pytest.param([("a", "b"), ("a", "b"), ("b",)], "b", id="favourite_that_one_cannot"),
    ],
)
def test_the_assignor_with_most_votes_of_those_that_all_support_is_elected(
    group: ClassicGroup, members: list[tuple[str, ...]], elected: str
) -> None:
    for number, names in enumerate(members):
        add(group, f"m{number}", *names)
    assert group.elect_protocol_locked() == elected


# From one generation to the next


def test_everyone_who_waits_hears_the_same_and_the_leader_hears_of_all(group: ClassicGroup) -> None:
    waits = [add(group, member_id).awaiting_join for member_id in "ab"]
    group.begin_generation_locked()
    answers = [wait.wait() for wait in waits if wait is not None]
    assert answers == [
        JoinResult(1, "consumer", "range", "a", "a", (("a", None, b"range"), ("b", None, b"range"))),
        JoinResult(1, "consumer", "range", "a", "b", ()),
    ]
    assert (group.state, group.pending_sync) == (COMPLETING_REBALANCE, {"a", "b"})
    assert not any(member.is_new or member.awaiting_join for member in group.members.values())


def test_a_leader_that_did_not_come_back_makes_way_for_the_first_that_did(group: ClassicGroup) -> None:
    add(group, "a", instance="one").awaiting_join = None
    add(group, "b", instance="two").awaiting_join = None
    waits = add(group, "c").awaiting_join
    add(group, "d")
    group.begin_generation_locked()
    assert group.leader == "c"
    assert waits is not None
    assert [member.member_id for member in waits.wait().members] == ["a", "b", "c", "d"]


def test_a_generation_without_members_is_empty_and_counts(group: ClassicGroup) -> None:
    group.remove_member_locked(add(group, "a"))
    group.begin_generation_locked()
    assert (group.state, group.generation, group.protocol_name) == (EMPTY, 1, "")
    assert group.protocol_type == "consumer"


def test_assignments_reach_those_who_wait_and_are_kept_for_the_others(group: ClassicGroup) -> None:
    first, second, third = add(group, "a"), add(group, "b"), add(group, "c")
    group.begin_generation_locked()
    waits = first.awaiting_sync = Completion()
    group.assign_locked({"a": b"1", "b": b"2", "stranger": b"3"})
    assert group.state == STABLE
    assert waits.wait() == SyncResult("consumer", "range", b"1")
    assert group.sync_result_locked(second).assignment == b"2"
    assert group.sync_result_locked(third).assignment == b""


def test_errors_reach_those_who_wait_and_nobody_else(group: ClassicGroup) -> None:
    first, second = add(group, "a"), add(group, "b")
    joining, syncing = first.awaiting_join, Completion[SyncResult]()
    first.awaiting_sync = syncing
    error = RebalanceInProgressError("again")
    group.fail_joins_locked([first], error)
    assert first.awaiting_sync is syncing
    group.fail_syncs_locked([first, second], error)
    for waits in (joining, syncing):
        assert waits is not None
        with pytest.raises(RebalanceInProgressError, match="again"):
            waits.wait()
    assert second.awaiting_join is not None


# For the expiry of offsets


@pytest.mark.parametrize(
    ("state", "protocol_type", "metadata", "topics"),
    [
        pytest.param(STABLE, "consumer", subscription("a", "b"), {"a", "b", "c"}, id="stable"),
        pytest.param(STABLE, "consumer", b"no subscription", None, id="unreadable"),
        pytest.param(STABLE, "connect", subscription("a"), None, id="not_consumers"),
        pytest.param(PREPARING_REBALANCE, "consumer", subscription("a"), None, id="preparing"),
        pytest.param(COMPLETING_REBALANCE, "consumer", subscription("a"), None, id="completing"),
        pytest.param(EMPTY, "consumer", subscription("a"), set(), id="empty"),
    ],
)
def test_topics_in_use_are_those_that_members_read_where_that_is_known(
    group: ClassicGroup, state: str, protocol_type: str, metadata: bytes, topics: set[str] | None
) -> None:
    add(group, "m1").protocols = (("range", metadata),)
    add(group, "m2").protocols = (("range", subscription("c")),)
    group.state, group.protocol_type, group.protocol_name = state, protocol_type, "range"
    assert group.topics_in_use_locked() == topics
