"""Tests of quekka.broker.classic_member."""

import pytest
from classic_groups import request

from quekka.broker.classic_member import ClassicMember
from quekka.broker.completion import Completion


def test_a_member_is_what_its_join_group_says_and_then_what_the_next_one_says() -> None:
    member = ClassicMember.of("m-1", request(group_instance_id="one"))
    assert (member.member_id, member.group_instance_id, member.client_id) == ("m-1", "one", "client")
    assert (member.session_timeout_ms, member.rebalance_timeout_ms) == (10_000, 60_000)
    sticky = (("sticky", b"s"),)
    member.update(request(client_id="later", session_timeout_ms=7, protocols=sticky))
    assert (member.client_id, member.session_timeout_ms, member.protocols) == ("later", 7, sticky)


def test_without_a_rebalance_timeout_it_is_waited_for_as_long_as_a_session() -> None:
    member = ClassicMember.of("m-1", request(session_timeout_ms=7_000, rebalance_timeout_ms=-1))
    assert member.rebalance_timeout_ms == 7_000


@pytest.mark.parametrize(
    ("candidates", "vote"),
    [
        pytest.param({"range", "sticky"}, "sticky", id="its_favourite"),
        pytest.param({"range"}, "range", id="what_is_left"),
    ],
)
def test_a_member_votes_for_the_first_of_its_assignors_that_all_support(candidates, vote) -> None:
    member = ClassicMember.of("m-1", request(protocols=(("sticky", b""), ("range", b""))))
    assert member.vote(candidates) == vote


def test_metadata_is_that_of_the_assignor_asked_for() -> None:
    member = ClassicMember.of("m-1", request(protocols=(("sticky", b"s"), ("range", b"r"))))
    assert [member.metadata(name) for name in ("range", "sticky", "other")] == [b"r", b"s", b""]


@pytest.mark.parametrize(
    ("is_new", "waits_in", "is_alive"),
    [
        pytest.param(False, None, False, id="known_and_silent"),
        pytest.param(False, "awaiting_join", True, id="known_and_in_join_group"),
        pytest.param(False, "awaiting_sync", True, id="known_and_in_sync_group"),
        pytest.param(True, "awaiting_join", False, id="new_and_in_its_first_join_group"),
    ],
)
def test_who_waits_for_the_broker_needs_no_heartbeat_unless_it_is_new(is_new, waits_in, is_alive) -> None:
    member = ClassicMember.of("m-1", request())
    member.is_new = is_new
    if waits_in is not None:
        setattr(member, waits_in, Completion())
    assert member.is_alive_without_heartbeat is is_alive
