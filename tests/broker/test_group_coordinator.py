"""Tests of quekka.broker.group_coordinator."""

import pytest
from broker_helpers import StartCore, publish
from classic_groups import Asked, request, watch_completions

from quekka.broker.broker import BrokerCore
from quekka.broker.topic import Topic
from quekka.errors import (
    BadRequestError,
    GroupIdNotFoundError,
    InconsistentGroupProtocolError,
    NonEmptyGroupError,
    OffsetOutOfRangeError,
    PolicyViolationError,
    QuekkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec


@pytest.fixture
def logs(core: BrokerCore) -> Topic:
    """A topic of four partitions with three records in each."""
    topic = core.topics.create("logs", partitions=4)
    for number in range(4):
        publish(core, "logs", b"0", b"1", b"2", partition=number)
    return topic


@pytest.fixture
def single(core: BrokerCore) -> Topic:
    """A topic of one partition with ten records."""
    publish(core, "single", *[b"%d" % number for number in range(10)])
    return core.topics.get("single")


# Members and shares


def test_the_only_member_gets_all_partitions(core: BrokerCore, logs: Topic) -> None:
    assert core.groups.subscribe(logs, "g", "a", EARLIEST) == (0, 1, 2, 3)


def test_members_share_the_partitions_and_each_has_one_owner(core: BrokerCore, logs: Topic) -> None:
    core.groups.subscribe(logs, "g", "a", EARLIEST)
    share_b = core.groups.subscribe(logs, "g", "b", EARLIEST)
    share_a = tuple(number for number, _ in core.groups.positions(logs, "g", "a"))
    assert len(share_a) == len(share_b) == 2
    assert sorted(share_a + share_b) == [0, 1, 2, 3]


def test_a_member_that_is_gone_leaves_its_share_to_the_others(core: BrokerCore, logs: Topic) -> None:
    core.groups.subscribe(logs, "g", "a", EARLIEST)
    core.groups.subscribe(logs, "g", "b", EARLIEST)
    core.groups.disconnect("a")
    assert [number for number, _ in core.groups.positions(logs, "g", "b")] == [0, 1, 2, 3]


def test_subscribing_again_answers_the_present_share(core: BrokerCore, logs: Topic) -> None:
    core.groups.subscribe(logs, "g", "a", EARLIEST)
    core.groups.subscribe(logs, "g", "b", EARLIEST)
    assert len(core.groups.subscribe(logs, "g", "a", EARLIEST)) == 2


def test_new_partitions_are_shared_out_at_the_next_poll(core: BrokerCore, logs: Topic) -> None:
    core.groups.subscribe(logs, "g", "a", EARLIEST)
    core.topics.create_partitions("logs", 6)
    assert [number for number, _ in core.groups.positions(logs, "g", "a")] == [0, 1, 2, 3, 4, 5]


def test_who_did_not_subscribe_reads_all_while_there_is_no_member(core: BrokerCore, logs: Topic) -> None:
    assert core.groups.positions(logs, "g", "nobody") == [(0, 0), (1, 0), (2, 0), (3, 0)]


def test_who_did_not_subscribe_is_refused_while_there_are_members(core: BrokerCore, logs: Topic) -> None:
    core.groups.subscribe(logs, "g", "a", EARLIEST)
    for attempt in (
        lambda: core.groups.positions(logs, "g", "stranger"),
        lambda: core.groups.commit(logs, "g", "stranger", None, None),
        lambda: core.groups.seek(logs, "g", "stranger", EARLIEST, 0),
    ):
        with pytest.raises(UnknownMemberIdError, match="group g has 1 members for topic logs"):
            attempt()


# Positions


def test_what_was_polled_and_not_committed_is_read_again_by_the_next_owner(
    core: BrokerCore, single: Topic
) -> None:
    core.groups.subscribe(single, "g", "a", EARLIEST)
    assert core.groups.advance(single, "g", "a", 0, 0, 5)
    core.groups.commit(single, "g", "a", 3, None)
    core.groups.disconnect("a")
    core.groups.subscribe(single, "g", "b", EARLIEST)
    assert core.groups.positions(single, "g", "b") == [(0, 3)]


def test_without_members_positions_stay_until_the_next_subscribe(core: BrokerCore, single: Topic) -> None:
    core.groups.subscribe(single, "g", "a", EARLIEST)
    core.groups.disconnect("a")
    assert core.groups.advance(single, "g", "first nc", 0, 0, 4)
    assert core.groups.positions(single, "g", "second nc") == [(0, 4)]
    core.groups.subscribe(single, "g", "b", EARLIEST)
    assert core.groups.positions(single, "g", "b") == [(0, 0)]


def test_a_position_moves_only_from_where_the_reader_found_it(core: BrokerCore, single: Topic) -> None:
    assert core.groups.advance(single, "g", "one", 0, 0, 4)
    assert not core.groups.advance(single, "g", "two", 0, 0, 4)
    assert core.groups.positions(single, "g", "two") == [(0, 4)]


def test_who_lost_a_partition_meanwhile_cannot_move_its_position(core: BrokerCore, logs: Topic) -> None:
    core.groups.subscribe(logs, "g", "a", EARLIEST)
    share_b = core.groups.subscribe(logs, "g", "b", EARLIEST)
    assert not core.groups.advance(logs, "g", "a", share_b[0], 0, 3)


def test_a_position_that_retention_overtook_moves_to_the_log_start(core: BrokerCore, single: Topic) -> None:
    core.groups.subscribe(single, "g", "a", EARLIEST)
    single.partition(0).delete_records(6)
    assert core.groups.positions(single, "g", "a") == [(0, 6)]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param("earliest", 0, id="earliest"),
        pytest.param("latest", 10, id="latest"),
        pytest.param("7", 7, id="offset"),
        pytest.param("timestamp:0", 0, id="before_all"),
        pytest.param("timestamp:9999999999999", 10, id="after_all"),
    ],
)
def test_seek_sets_the_position(core: BrokerCore, single: Topic, where: str, expected: int) -> None:
    assert core.groups.seek(single, "g", "a", OffsetSpec.parse(where), None) == expected
    assert core.groups.positions(single, "g", "a") == [(0, expected)]


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        pytest.param(
            lambda core, topic: core.groups.seek(topic, "g", "a", OffsetSpec("offset", 4), 0),
            OffsetOutOfRangeError,
            "offset 4 is not in partition 0 of topic logs, which holds 0 to 3",
            id="seek_after_the_end",
        ),
        pytest.param(
            lambda core, topic: core.groups.subscribe(topic, "new", "a", OffsetSpec("offset", 4)),
            OffsetOutOfRangeError,
            "offset 4 is not in partition 0 of topic logs, which holds 0 to 3",
            id="subscribe_from_after_the_end",
        ),
        pytest.param(
            lambda core, topic: core.groups.commit(topic, "g", "a", 4, 0),
            OffsetOutOfRangeError,
            "offset 4 is after the end of partition 0 of topic logs, 3",
            id="commit_after_the_end",
        ),
        pytest.param(
            lambda core, topic: core.groups.seek(topic, "g", "a", OffsetSpec("offset", 1), None),
            BadRequestError,
            "say which with partition=<p>",
            id="seek_to_an_offset_in_several_partitions",
        ),
        pytest.param(
            lambda core, topic: core.groups.commit(topic, "g", "a", 1, None),
            BadRequestError,
            "say which with partition=<p>",
            id="commit_an_offset_in_several_partitions",
        ),
        pytest.param(
            lambda core, topic: core.groups.commit(topic, "g", "a", 1, 9),
            QuekkaError,
            "topic logs has no partition 9",
            id="no_such_partition",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_wrong(
    core: BrokerCore, logs: Topic, attempt, error: type[QuekkaError], message: str
) -> None:
    with pytest.raises(error, match=message):
        attempt(core, logs)


# Commits


def test_a_new_group_starts_where_it_says_and_that_is_committed_at_once(
    core: BrokerCore, single: Topic
) -> None:
    core.groups.subscribe(single, "g", "a", LATEST)
    core.groups.disconnect("a")
    publish(core, "single", b"later")
    core.groups.subscribe(single, "g", "b", EARLIEST)
    assert core.groups.positions(single, "g", "b") == [(0, 10)]


def test_commit_without_an_offset_stores_the_positions_of_all_partitions(
    core: BrokerCore, logs: Topic
) -> None:
    core.groups.advance(logs, "g", "a", 1, 0, 2)
    assert core.groups.commit(logs, "g", "a", None, None) == 0
    committed = core.groups.offsets.committed_by("g")
    assert {place: value.offset for place, value in committed.items()} == {
        ("logs", 0): 0,
        ("logs", 1): 2,
        ("logs", 2): 0,
        ("logs", 3): 0,
    }


def test_a_member_cannot_commit_what_is_anothers(core: BrokerCore, logs: Topic) -> None:
    core.groups.subscribe(logs, "g", "a", EARLIEST)
    share_b = core.groups.subscribe(logs, "g", "b", EARLIEST)
    with pytest.raises(RebalanceInProgressError, match=f"partition {share_b[0]} of topic logs"):
        core.groups.commit(logs, "g", "a", 1, share_b[0])


def test_committed_offsets_outlive_the_broker(start_core: StartCore) -> None:
    core = start_core()
    publish(core, "single", b"0", b"1", b"2")
    core.groups.commit(core.topics.get("single"), "g", "a", 2, None)
    core.groups.commit(core.topics.get("single"), "g", "a", 1, None)
    core.stop()
    again = start_core()
    assert again.groups.positions(again.topics.get("single"), "g", "a") == [(0, 1)]
    assert again.groups.names() == ["g"]


# Looking at groups, and their end


def test_describe_shows_members_positions_and_lag(core: BrokerCore, single: Topic) -> None:
    core.groups.subscribe(single, "g", "a", EARLIEST)
    core.groups.advance(single, "g", "a", 0, 0, 6)
    core.groups.commit(single, "g", "a", 4, None)
    described = core.groups.describe("g")
    assert (described.state, described.protocol_type) == ("Stable", "quekka-text")
    assert [(member.member_id, member.partitions) for member in described.members] == [
        ("a", (("single", 0),))
    ]
    assert described.partitions == (("single", 0, 4, 6, 10, 6),)


@pytest.mark.parametrize(
    ("prepare", "state"),
    [
        pytest.param(lambda core, topic: None, "Dead", id="unknown"),
        pytest.param(
            lambda core, topic: core.groups.commit(topic, "g", "a", 1, None), "Empty", id="committed"
        ),
        pytest.param(
            lambda core, topic: core.groups.subscribe(topic, "g", "a", EARLIEST), "Stable", id="member"
        ),
    ],
)
def test_state_has_kafkas_word(core: BrokerCore, single: Topic, prepare, state: str) -> None:
    prepare(core, single)
    assert core.groups.describe("g").state == state


def test_a_group_with_members_cannot_be_deleted_and_one_without_can(core: BrokerCore, single: Topic) -> None:
    core.groups.subscribe(single, "g", "a", EARLIEST)
    with pytest.raises(NonEmptyGroupError, match="group g has members"):
        core.groups.delete("g")
    core.groups.disconnect("a")
    core.groups.delete("g")
    assert core.groups.names() == []
    with pytest.raises(GroupIdNotFoundError, match="there is no group g"):
        core.groups.delete("g")


def test_a_deleted_group_does_not_come_back_with_a_restart(start_core: StartCore) -> None:
    core = start_core()
    publish(core, "single", b"0")
    core.groups.commit(core.topics.get("single"), "g", "a", 1, None)
    core.groups.delete("g")
    core.stop()
    assert start_core().groups.names() == []


def test_a_deleted_topic_is_forgotten_by_its_groups(core: BrokerCore, single: Topic) -> None:
    core.groups.commit(single, "g", "a", 5, None)
    core.topics.delete("single")
    publish(core, "single", b"of another life")
    assert core.groups.positions(core.topics.get("single"), "g", "a") == [(0, 0)]


def test_groups_are_bounded(start_core: StartCore) -> None:
    core = start_core({"max.groups": "2"})
    publish(core, "single", b"0")
    topic = core.topics.get("single")
    core.groups.positions(topic, "one", "a")
    core.groups.positions(topic, "two", "a")
    with pytest.raises(PolicyViolationError, match=r"max\.groups=2"):
        core.groups.positions(topic, "three", "a")


# Groups of Kafka's protocol beside those of the text protocol


def classic_member(core: BrokerCore, group: str = "g") -> str:
    """Make a Kafka consumer the only member of a group; its member id."""
    return core.groups.classic.join(request(group_id=group)).member_id


def test_a_group_with_members_of_kafkas_protocol_takes_none_of_the_text_protocol(
    core: BrokerCore, single: Topic
) -> None:
    member_id = classic_member(core)
    for attempt in (
        lambda: core.groups.subscribe(single, "g", "a", EARLIEST),
        lambda: core.groups.positions(single, "g", "a"),
        lambda: core.groups.commit(single, "g", "a", 1, None),
        lambda: core.groups.seek(single, "g", "a", EARLIEST, None),
    ):
        with pytest.raises(InconsistentGroupProtocolError, match="group g has members of the Kafka protocol"):
            attempt()
    assert core.groups.offsets.committed_by("g") == {}
    core.groups.classic.leave("g", member_id, None)
    assert core.groups.subscribe(single, "g", "a", EARLIEST) == (0,)


def test_a_group_with_members_of_the_text_protocol_takes_none_of_kafkas(
    core: BrokerCore, single: Topic
) -> None:
    core.groups.subscribe(single, "g", "a", EARLIEST)
    with pytest.raises(InconsistentGroupProtocolError, match="group g has members of the text protocol"):
        classic_member(core)
    with pytest.raises(UnknownMemberIdError, match="group g has members of the text protocol"):
        core.groups.classic.check_commit("g", -1, "", None)
    core.groups.disconnect("a")
    core.groups.classic.check_commit("g", -1, "", None)
    assert classic_member(core)


def test_who_reads_without_being_a_member_keeps_no_kafka_consumer_out(
    core: BrokerCore, single: Topic
) -> None:
    core.groups.positions(single, "g", "nobody")
    assert classic_member(core)


def test_a_group_of_kafkas_protocol_is_described_in_each_state(core: BrokerCore) -> None:
    member_id = classic_member(core)
    described = core.groups.describe("g")
    assert (described.state, described.protocol_type) == ("CompletingRebalance", "consumer")
    assert [member.member_id for member in described.members] == [member_id]
    assert core.groups.names() == ["g"]
    core.groups.classic.leave("g", member_id, None)
    described = core.groups.describe("g")
    assert (described.state, described.protocol_type, described.members) == ("Empty", "consumer", ())


def test_a_group_of_kafkas_protocol_is_deleted_when_it_is_empty(core: BrokerCore) -> None:
    member_id = classic_member(core)
    core.topics.create("logs")
    core.groups.offsets.commit("g", {("logs", 0): 1})
    with pytest.raises(NonEmptyGroupError, match="group g has members"):
        core.groups.delete("g")
    core.groups.classic.leave("g", member_id, None)
    core.groups.delete("g")
    assert (core.groups.names(), core.groups.describe("g").state) == ([], "Dead")


@pytest.mark.parametrize(
    ("members", "topics", "is_since_now"),
    [
        pytest.param((), set(), False, id="none"),
        pytest.param(("text",), {"single"}, False, id="text"),
        pytest.param(("text", "left"), set(), True, id="text_that_left"),
        pytest.param(("kafka",), None, False, id="kafka_in_a_rebalance"),
        pytest.param(("kafka", "left"), set(), True, id="kafka_that_left"),
    ],
)
def test_the_expiry_of_offsets_is_told_what_is_in_use_and_since_when_nothing_is(
    core: BrokerCore, single: Topic, members: tuple[str, ...], topics: set[str] | None, is_since_now: bool
) -> None:
    if "text" in members:
        core.groups.subscribe(single, "g", "a", EARLIEST)
    member_id = classic_member(core) if "kafka" in members else ""
    if "left" in members:
        core.groups.disconnect("a")
        if member_id:
            core.groups.classic.leave("g", member_id, None)
    assert core.groups.topics_in_use("g") == topics
    assert core.groups.emptied_ms("g") == (core.clock.wall_ms() if is_since_now else 0)


def test_a_broker_that_stops_lets_kafka_members_go_that_wait(
    core: BrokerCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_completions(monkeypatch)
    classic_member(core)
    waits = Asked(lambda: core.groups.classic.join(request(group_id="g")))
    assert waits.waits
    core.begin_stop()
    assert waits.error() == "COORDINATOR_NOT_AVAILABLE"
    core.stop()
