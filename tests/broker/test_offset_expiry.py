"""Tests of quekka.broker.offset_expiry: which committed offsets go, when, and which stay."""

import queue
import struct
from collections.abc import Callable, Iterator

import pytest
from broker_helpers import StartCore, commit, publish
from classic_groups import request

from quekka.broker.broker import BrokerCore
from quekka.broker.offset_expiry import Idleness, expired
from quekka.broker.offset_store import CommittedOffset
from quekka.clock import ManualClock
from quekka.errors import KafkaStorageError, MemberIdRequiredError
from quekka.offset_spec import EARLIEST
from quekka.topic_name import OFFSETS_TOPIC

WAIT_S = 10
DAY_S = 24 * 3600
RETENTION_S = 7 * DAY_S
CHECK_S = 600

Pass = Callable[[float], None]


@pytest.fixture
def after(core: BrokerCore, manual_clock: ManualClock) -> Iterator[Pass]:
    """Let time pass; returns when the check that is due then is through."""
    through: queue.Queue[None] = queue.Queue()
    expire_all = core._housekeeping._expire_offsets
    assert expire_all is not None

    def expire_all_and_tell(is_stopping: Callable[[], bool]) -> None:
        expire_all(is_stopping)
        through.put(None)

    core._housekeeping._expire_offsets = expire_all_and_tell

    def let_pass(seconds: float) -> None:
        assert seconds >= CHECK_S
        manual_clock.advance(seconds)
        through.get(timeout=WAIT_S)

    yield let_pass
    assert through.empty()


def committed(core: BrokerCore, group: str = "g") -> dict[str, int]:
    """What a group has committed in partition 0 of each topic."""
    return {topic: value.offset for (topic, _), value in core.groups.offsets.committed_by(group).items()}


def subscribed(core: BrokerCore, *topics: str, **changes) -> str:
    """Make a consumer of topics the only member of group g, with its assignment; its member id."""
    names = b"".join(struct.pack(">h", len(topic)) + topic.encode() for topic in topics)
    protocols = (("range", struct.pack(">hi", 0, len(topics)) + names),)
    asked = request(group_id="g", protocols=protocols, session_timeout_ms=1_800_000)
    joined = core.groups.classic.join(asked._replace(**changes))
    core.groups.classic.sync("g", joined.generation, joined.member_id, None, {})
    return joined.member_id


def stay(core: BrokerCore, member_id: str, after: Pass, seconds: float) -> None:
    """Let time pass while the member of group g sends heartbeats."""
    for _ in range(int(seconds // CHECK_S)):
        after(CHECK_S)
        core.groups.classic.heartbeat("g", 1, member_id, None)


# The decision


@pytest.mark.parametrize(
    ("committed_ms", "since_ms", "in_use", "goes"),
    [
        pytest.param(100, 0, set(), True, id="committed_long_ago"),
        pytest.param(101, 0, set(), False, id="committed_lately"),
        pytest.param(0, 100, set(), True, id="empty_for_long"),
        pytest.param(0, 101, set(), False, id="empty_since_lately"),
        pytest.param(0, 0, {"logs"}, False, id="topic_in_use"),
        pytest.param(0, 0, {"other"}, True, id="other_topic_in_use"),
    ],
)
def test_an_offset_expires_when_neither_it_nor_its_group_was_used(
    committed_ms: int, since_ms: int, in_use: set[str], goes: bool
) -> None:
    offsets = {("logs", 0): CommittedOffset(7, -1, "", committed_ms, 0)}
    chosen = expired(offsets, Idleness(since_ms, frozenset(in_use)), before_ms=100)
    assert chosen == ([("logs", 0)] if goes else [])


# By the clock


def test_who_only_commits_is_forgotten_so_long_after_each_commit(core: BrokerCore, after: Pass) -> None:
    commit(core, "g", {("early", 0): 1})
    after(CHECK_S)
    commit(core, "g", {("late", 0): 2})
    after(RETENTION_S - CHECK_S)
    assert committed(core) == {"late": 2}
    after(CHECK_S)
    assert committed(core) == {}
    assert core.groups.names() == []


def test_expired_offsets_do_not_come_back_with_a_restart(
    start_core: StartCore, core: BrokerCore, after: Pass
) -> None:
    commit(core, "g", {("logs", 0): 1})
    after(RETENTION_S)
    assert committed(core) == {}
    assert core.topics.get(OFFSETS_TOPIC).partition(0).view().log_end_offset == 2, "a tombstone was written"
    core.stop()
    assert committed(start_core()) == {}


def test_what_is_committed_again_stays(core: BrokerCore, after: Pass) -> None:
    for offset in range(3):
        commit(core, "g", {("logs", 0): offset})
        after(RETENTION_S - CHECK_S)
    assert committed(core) == {"logs": 2}


def test_a_group_is_forgotten_so_long_after_it_became_empty(core: BrokerCore, after: Pass) -> None:
    member_id = subscribed(core, "logs")
    commit(core, "g", {("logs", 0): 1})
    stay(core, member_id, after, DAY_S)
    core.groups.classic.leave("g", member_id, None)
    after(RETENTION_S - CHECK_S)
    assert committed(core) == {"logs": 1}
    assert core.groups.describe("g").state == "Empty"
    after(CHECK_S)
    assert committed(core) == {}
    assert core.groups.describe("g").state == "Dead"


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        pytest.param({}, {"logs": 1}, id="consumer"),
        pytest.param({"protocol_type": "connect"}, {"logs": 1, "other": 2}, id="no_consumer"),
        pytest.param(
            {"protocols": (("range", b"?"),)}, {"logs": 1, "other": 2}, id="unreadable_subscription"
        ),
    ],
)
def test_offsets_of_topics_that_members_read_stay_and_those_of_others_go(
    core: BrokerCore, after: Pass, manual_clock: ManualClock, changes, left: dict[str, int]
) -> None:
    commit(core, "g", {("logs", 0): 1, ("other", 0): 2})
    after(RETENTION_S - CHECK_S)
    subscribed(core, "logs", **changes)
    after(CHECK_S)
    assert committed(core) == left


def test_nothing_expires_while_the_group_rebalances(core: BrokerCore, after: Pass) -> None:
    commit(core, "g", {("other", 0): 2})
    after(RETENTION_S - CHECK_S)
    core.groups.classic.join(request(group_id="g", session_timeout_ms=1_800_000))
    after(CHECK_S)
    assert committed(core) == {"other": 2}


def test_members_of_the_text_protocol_keep_what_they_read(core: BrokerCore, after: Pass) -> None:
    publish(core, "logs", b"0")
    topic = core.topics.get("logs")
    commit(core, "g", {("other", 0): 2})
    core.groups.subscribe(topic, "g", "a", EARLIEST)
    after(RETENTION_S)
    assert committed(core) == {"logs": 0}
    core.groups.disconnect("a")
    after(RETENTION_S - CHECK_S)
    assert committed(core) == {"logs": 0}
    after(CHECK_S)
    assert committed(core) == {}


def test_after_a_restart_the_time_counts_from_the_start(
    start_core: StartCore, manual_clock: ManualClock
) -> None:
    core = start_core()
    commit(core, "g", {("logs", 0): 1})
    core.stop()
    manual_clock.advance(RETENTION_S)
    core = start_core()
    core._offset_expiry.expire_all(lambda: False)
    assert committed(core) == {"logs": 1}
    core.stop()


def test_a_group_that_never_committed_is_forgotten_when_it_is_empty(core: BrokerCore, after: Pass) -> None:
    member_id = subscribed(core, "logs")
    after(CHECK_S)
    assert core.groups.names() == ["g"]
    core.groups.classic.leave("g", member_id, None)
    assert core.groups.describe("g").state == "Empty"
    after(CHECK_S)
    assert core.groups.names() == []


def test_a_group_is_not_forgotten_while_somebody_is_to_come_back_to_it(core: BrokerCore, after: Pass) -> None:
    asked = request(group_id="g", require_known_member_id=True, session_timeout_ms=1_800_000)
    with pytest.raises(MemberIdRequiredError):
        core.groups.classic.join(asked)
    after(CHECK_S)
    assert core.groups.names() == ["g"]


def test_retention_is_a_setting(start_core: StartCore, manual_clock: ManualClock) -> None:
    core = start_core({"offsets.retention.minutes": "1"})
    commit(core, "g", {("logs", 0): 1})
    for seconds, left in ((59, {"logs": 1}), (1, {})):
        manual_clock.advance(seconds)
        core._offset_expiry.expire_all(lambda: False)
        assert committed(core) == left


def test_a_broker_that_stops_looks_at_no_further_group(core: BrokerCore, manual_clock: ManualClock) -> None:
    for group in ("g1", "g2", "g3"):
        commit(core, group, {("logs", 0): 1})
    manual_clock.advance(CHECK_S - 1)
    core._offset_expiry._started_ms -= RETENTION_S * 1000
    for group in ("g1", "g2", "g3"):
        core.groups.offsets._groups[group][("logs", 0)] = CommittedOffset(1, -1, "", 0, 0)
    answers = iter((False, True))
    core._offset_expiry.expire_all(lambda: next(answers))
    assert core.groups.offsets.group_names() == ["g2", "g3"]


def test_what_cannot_be_deleted_now_is_tried_again_and_the_next_group_has_its_turn(
    core: BrokerCore, after: Pass, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(core, "g1", {("logs", 0): 1})
    commit(core, "g2", {("logs", 0): 1})
    expire = core.groups.offsets.expire

    def expire_but_g1(group: str, choose) -> int:
        if group == "g1":
            raise KafkaStorageError("no space left")
        return expire(group, choose)

    with monkeypatch.context() as patched:
        patched.setattr(core.groups.offsets, "expire", expire_but_g1)
        after(RETENTION_S)
    assert "group g1: offsets will expire later: no space left" in caplog.text
    assert core.groups.offsets.group_names() == ["g1"]
    after(CHECK_S)
    assert core.groups.offsets.group_names() == []
