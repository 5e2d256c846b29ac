"""Tests of quekka.broker.offset_store."""

import logging
import threading
from pathlib import Path

import pytest
from broker_helpers import StartCore, batch_of, commit

from quekka.broker.broker import BrokerCore
from quekka.broker.offset_store import OffsetAndMetadata
from quekka.errors import OffsetMetadataTooLargeError, UnknownTopicOrPartitionError
from quekka.topic_name import OFFSETS_TOPIC

WAIT_S = 10


def test_no_topic_is_made_before_the_first_commit(core: BrokerCore) -> None:
    assert core.groups.offsets.committed("g", "logs", 0) is None
    assert core.topics.names(internal=True) == []


def test_a_commit_is_a_record_of_a_compacted_topic_of_the_brokers_own(core: BrokerCore) -> None:
    commit(core, "g", {("logs", 0): 5, ("logs", 1): 6})
    topic = core.topics.get(OFFSETS_TOPIC)
    assert topic.config.cleanup_compact
    assert topic.is_internal
    assert core.topics.names() == ["logs"]
    assert sum(partition.view().log_end_offset for partition in topic.partitions) == 2
    committed = core.groups.offsets.committed("g", "logs", 1)
    assert committed is not None
    assert (committed.offset, committed.commit_timestamp_ms) == (6, core.clock.wall_ms())


def test_each_partition_has_a_leader_epoch_and_metadata_of_its_own_also_after_a_restart(
    start_core: StartCore,
) -> None:
    core = start_core()
    commits = {
        ("logs", 0): OffsetAndMetadata(5, 0, "a note"),
        ("logs", 1): OffsetAndMetadata(6, 3, "ein Vermerk: \N{SNOWMAN}"),
        ("other", 0): OffsetAndMetadata(7),
    }
    for topic in ("logs", "other"):
        core.topics.create(topic)
    core.groups.offsets.commit_with_metadata("g", commits)
    before = core.groups.offsets.committed_by("g")
    core.stop()
    after = start_core().groups.offsets.committed_by("g")
    assert after == before
    assert {place: OffsetAndMetadata(*kept[:3]) for place, kept in after.items()} == commits


def test_a_commit_of_nothing_makes_no_topic(core: BrokerCore) -> None:
    commit(core, "g", {})
    assert core.topics.names(internal=True) == []
    assert core.groups.offsets.group_names() == []


def test_the_last_commit_counts_also_after_a_restart(start_core: StartCore) -> None:
    core = start_core({"offsets.topic.num.partitions": "3"})
    for group in ("g1", "g2", "g3", "g4"):
        for offset in (1, 9, 4):
            commit(core, group, {("logs", 0): offset})
    core.stop()
    offsets = start_core().groups.offsets
    assert offsets.group_names() == ["g1", "g2", "g3", "g4"] or sorted(offsets.group_names()) == [
        "g1",
        "g2",
        "g3",
        "g4",
    ]
    for group in ("g1", "g2", "g3", "g4"):
        committed = offsets.committed(group, "logs", 0)
        assert committed is not None
        assert committed.offset == 4


def test_forgotten_offsets_do_not_come_back(start_core: StartCore) -> None:
    core = start_core()
    commit(core, "g", {("logs", 0): 1, ("other", 0): 2})
    core.groups.offsets.forget_topic("logs")
    core.stop()
    offsets = start_core().groups.offsets
    assert set(offsets.committed_by("g")) == {("other", 0)}


@pytest.mark.parametrize(
    ("setting", "metadata", "message"),
    [
        pytest.param("3", "four", r"4 bytes, more than offset\.metadata\.max\.bytes=3", id="by-setting"),
        pytest.param("3", "\N{SNOWMAN}!", "4 bytes", id="bytes-not-characters"),
        pytest.param("65536", "x" * 32768, "32768 bytes, more than .*=32767", id="by-format"),
    ],
)
def test_metadata_is_bounded_and_nothing_is_stored_with_too_much(
    start_core: StartCore, setting: str, metadata: str, message: str
) -> None:
    core = start_core({"offset.metadata.max.bytes": setting})
    with pytest.raises(OffsetMetadataTooLargeError, match=message):
        core.groups.offsets.commit_with_metadata(
            "g", {("logs", 0): OffsetAndMetadata(1), ("logs", 1): OffsetAndMetadata(1, -1, metadata)}
        )
    assert core.groups.offsets.committed_by("g") == {}


def test_a_record_that_is_no_commit_is_skipped_with_a_line_in_the_log(
    start_core: StartCore, caplog: pytest.LogCaptureFixture
) -> None:
    core = start_core()
    commit(core, "g", {("logs", 0): 7})
    partition = core.topics.get(OFFSETS_TOPIC).partition(0)
    partition.append([batch_of([b"no value"], 1, [b"no key"])], 1).wait()
    core.stop()
    with caplog.at_level(logging.WARNING):
        again = start_core()
    assert f"{OFFSETS_TOPIC}, offset 1 is skipped" in caplog.text
    committed = again.groups.offsets.committed("g", "logs", 0)
    assert committed is not None
    assert committed.offset == 7


@pytest.mark.parametrize("damaged_byte", [61, -1], ids=["first_record", "last_byte"])
def test_damaged_commits_are_passed_over_and_the_log_says_where_and_what_helps(
    start_core: StartCore, tmp_path: Path, damaged_byte: int, caplog: pytest.LogCaptureFixture
) -> None:
    core = start_core()
    commit(core, "g", {("logs", 0): 7})
    size_bytes = core.topics.get(OFFSETS_TOPIC).partition(0).view().size_bytes
    commit(core, "g", {("logs", 1): 8})
    core.stop()
    log = tmp_path / "data" / "topics" / OFFSETS_TOPIC / "0" / "00000000000000000000.log"
    content = bytearray(log.read_bytes())
    content[damaged_byte % size_bytes] ^= 0x40
    log.write_bytes(content)
    offsets = start_core().groups.offsets
    assert offsets.committed("g", "logs", 0) is None
    committed = offsets.committed("g", "logs", 1)
    assert committed is not None
    assert committed.offset == 8
    assert f"topic {OFFSETS_TOPIC} partition 0 offset 0: {log}: byte 0: " in caplog.text
    assert "quekka-verify-log --repair --cut-damage takes the damage out" in caplog.text
    assert log.read_bytes() == content


def test_of_two_commits_that_cross_the_later_in_the_log_counts(core: BrokerCore) -> None:
    store = core.groups.offsets
    commit(core, "g", {("logs", 0): 1})
    commit(core, "g", {("logs", 0): 2})
    first = store.committed("g", "logs", 0)
    assert first is not None
    from quekka.formats.offset_commit import OffsetCommitValue

    store._apply("g", ("logs", 0), OffsetCommitValue(1, -1, "", 0), first.log_offset - 1)
    assert store.committed("g", "logs", 0) == first


def test_a_commit_for_a_topic_that_is_gone_is_refused(core: BrokerCore) -> None:
    commit(core, "g", {("logs", 0): 1})
    core.topics.delete("logs")
    with pytest.raises(UnknownTopicOrPartitionError, match="there is no topic logs"):
        core.groups.offsets.commit("g", {("logs", 0): 2})
    assert core.groups.names() == []


def test_a_deletion_waits_for_commits_under_way_and_takes_them_along(
    start_core: StartCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = start_core()
    store = core.groups.offsets
    commit(core, "g", {("logs", 0): 1})
    is_inside, may_go_on = threading.Event(), threading.Event()
    append = store._append

    def append_later(log, group, values) -> None:
        if group == "late":
            is_inside.set()
            assert may_go_on.wait(WAIT_S)
        append(log, group, values)

    monkeypatch.setattr(store, "_append", append_later)
    committer = threading.Thread(target=store.commit, args=("late", {("logs", 0): 7}))
    deleter = threading.Thread(target=core.topics.delete, args=("logs",))
    committer.start()
    assert is_inside.wait(WAIT_S)
    deleter.start()
    while core.topics.find("logs") is not None:
        deleter.join(0.001)
    may_go_on.set()
    for thread in (committer, deleter):
        thread.join(WAIT_S)
    core.topics.create("logs")
    assert store.committed("late", "logs", 0) is None
    core.stop()
    assert start_core().groups.offsets.group_names() == []


def test_a_topic_made_again_has_no_commits_of_one_whose_deletion_a_crash_cut_off(
    start_core: StartCore,
) -> None:
    core = start_core()
    commit(core, "g", {("logs", 0): 7, ("other", 0): 8})
    core.topics.on_delete = lambda _name: None  # the crash comes before it
    core.topics.delete("logs")
    core.stop()
    again = start_core()
    assert ("logs", 0) in again.groups.offsets.committed_by("g")
    again.topics.create("logs")
    assert set(again.groups.offsets.committed_by("g")) == {("other", 0)}
    again.stop()
    assert set(start_core().groups.offsets.committed_by("g")) == {("other", 0)}
