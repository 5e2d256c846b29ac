"""Tests of quekka.broker.topic_manager."""

import errno
import logging
import threading
from pathlib import Path

import pytest
from broker_helpers import StartCore, publish, values_of

from quekka.broker.broker import BrokerCore
from quekka.errors import (
    InvalidConfigError,
    InvalidPartitionsError,
    InvalidTopicError,
    KafkaStorageError,
    PolicyViolationError,
    QuekkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from quekka.offset_spec import LATEST
from quekka.storage.faulty_files import FaultyFiles


@pytest.mark.parametrize(
    ("name", "partitions", "settings", "error", "message"),
    [
        pytest.param("a b", None, {}, InvalidTopicError, "'a b' is no topic name", id="space"),
        pytest.param("..", None, {}, InvalidTopicError, "is no topic name", id="dots"),
        pytest.param("x" * 250, None, {}, InvalidTopicError, "is no topic name", id="too_long"),
        pytest.param("__own", None, {}, TopicAuthorizationFailedError, "__own", id="the_brokers_own"),
        pytest.param("there", None, {}, TopicAlreadyExistsError, "there exists already", id="exists"),
        pytest.param("with.dot", None, {}, InvalidTopicError, "collides with topic with_dot", id="collision"),
        pytest.param("t", 0, {}, InvalidPartitionsError, "at least 1 partition, not 0", id="no_partitions"),
        pytest.param("t", 99, {}, PolicyViolationError, r"max\.partitions=10", id="too_many_partitions"),
        pytest.param("t", 1, {"no.such": "1"}, InvalidConfigError, "no.such: no such", id="unknown_setting"),
        pytest.param("t", 1, {"segment.bytes": "x"}, InvalidConfigError, "segment.bytes=x", id="bad_setting"),
    ],
)
def test_what_cannot_be_created_is_refused_and_leaves_nothing(
    start_core: StartCore,
    tmp_path: Path,
    name: str,
    partitions: int | None,
    settings: dict[str, str],
    error: type[QuekkaError],
    message: str,
) -> None:
    core = start_core({"max.partitions": "10"})
    core.topics.create("there")
    core.topics.create("with_dot")
    with pytest.raises(error, match=message):
        core.topics.create(name, partitions, settings)
    assert core.topics.names() == ["there", "with_dot"]
    assert sorted(path.name for path in (tmp_path / "data" / "topics").iterdir()) == ["there", "with_dot"]


def test_topics_with_their_ids_settings_and_records_outlive_the_broker(start_core: StartCore) -> None:
    core = start_core()
    created = core.topics.create("logs", 3, {"retention.ms": "1234"})
    publish(core, "logs", b"kept", partition=2)
    core.stop()
    again = start_core().topics.get("logs")
    assert (again.topic_id, len(again.partitions)) == (created.topic_id, 3)
    assert again.config.retention_ms == 1234
    assert values_of(again.partition(2)) == [b"kept"]


def test_a_topic_is_created_by_publishing_where_that_is_allowed(start_core: StartCore) -> None:
    core = start_core({"auto.create.topics.enable": "false"})
    with pytest.raises(UnknownTopicOrPartitionError, match="there is no topic logs"):
        core.topics.get_or_create("logs")


def test_many_threads_that_create_one_topic_get_the_same(core: BrokerCore) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(core.topics.get_or_create("logs"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_alter_changes_running_logs_and_the_default_comes_back_with_an_empty_text(
    start_core: StartCore,
) -> None:
    core = start_core({"log.retention.ms": "5000"})
    topic = core.topics.create("logs")
    core.topics.alter("logs", {"retention.ms": "70", "segment.bytes": "4096"})
    assert (topic.config.retention_ms, topic.partition(0).log.config.segment_bytes) == (70, 4096)
    core.topics.alter("logs", {"retention.ms": ""})
    assert topic.config.retention_ms == 5000
    assert topic.settings()["segment.bytes"] == "4096"


def test_alter_that_cannot_be_changes_nothing(core: BrokerCore) -> None:
    topic = core.topics.create("logs", settings={"retention.ms": "70"})
    with pytest.raises(InvalidConfigError, match=r"segment.ms=soon"):
        core.topics.alter("logs", {"retention.ms": "80", "segment.ms": "soon"})
    with pytest.raises(InvalidConfigError, match=r"no\.such: no such setting"):
        core.topics.alter("logs", {"no.such": ""})
    assert topic.config.retention_ms == 70


def test_partitions_can_be_added_and_never_taken_away(start_core: StartCore) -> None:
    core = start_core()
    core.topics.create("logs", 2)
    topic = core.topics.create_partitions("logs", 4)
    publish(core, "logs", b"in the new one", partition=3)
    with pytest.raises(InvalidPartitionsError, match="topic logs has 4 partitions: 4 is not more"):
        core.topics.create_partitions("logs", 4)
    assert len(topic.partitions) == 4
    core.stop()
    assert values_of(start_core().topics.get("logs").partition(3)) == [b"in the new one"]


def test_a_deleted_topic_is_gone_with_its_files_and_its_name_is_free(
    core: BrokerCore, tmp_path: Path
) -> None:
    publish(core, "logs", b"old")
    gone = core.topics.get("logs").partition(0)
    core.topics.delete("logs")
    with pytest.raises(UnknownTopicOrPartitionError, match="topic logs was deleted"):
        gone.append([bytearray(100)], 1)
    assert list((tmp_path / "data" / "topics").iterdir()) == []
    publish(core, "logs", b"new")
    assert values_of(core.topics.get("logs").partition(0)) == [b"new"]


@pytest.mark.parametrize("operation", ["fdatasync", "remove_tree"])
def test_a_disk_that_is_slow_to_delete_a_topic_holds_up_no_other_one(
    core: BrokerCore, faulty_files: FaultyFiles, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    publish(core, "slow", b"old")
    publish(core, "other", b"there")
    begun, may_end = threading.Event(), threading.Event()
    at_once = getattr(faulty_files, operation)

    def slowly(*arguments: object) -> object:
        begun.set()
        assert may_end.wait(30)
        return at_once(*arguments)

    with monkeypatch.context() as slow_disk:
        slow_disk.setattr(faulty_files, operation, slowly)
        deleting = threading.Thread(target=core.topics.delete, args=("slow",))
        deleting.start()
        assert begun.wait(30)
        core.topics.create("third")
        core.topics.alter("other", {"retention.ms": "1000"})
        assert core.topics.names() == ["other", "third"]
        creating = threading.Thread(target=publish, args=(core, "slow", b"new"))
        creating.start()
        may_end.set()
        deleting.join()
        creating.join()
    assert values_of(core.topics.get("slow").partition(0)) == [b"new"]


def test_who_reads_a_topic_while_it_is_deleted_reads_on(core: BrokerCore) -> None:
    publish(core, "logs", b"still readable")
    data = core.topics.get("logs").partition(0).view().read(0, 1000)
    core.topics.delete("logs")
    assert b"still readable" in data.read()


def test_the_brokers_own_topics_cannot_be_deleted(core: BrokerCore) -> None:
    with pytest.raises(TopicAuthorizationFailedError, match="__consumer_offsets"):
        core.topics.delete("__consumer_offsets")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("{", "topic.json: not JSON", id="no_json"),
        pytest.param(
            '{"version": 1, "name": "damaged", "topic_id": "5b6f9a3e-8c0f-4a55-9d55-0d3a60b6d8a1",'
            ' "partitions": 1, "settings": {"segment.bytes": "-7"}}',
            "topic.json: segment.bytes=-7: not between",
            id="setting_that_cannot_be",
        ),
    ],
)
def test_a_topic_whose_description_is_damaged_is_left_alone_and_the_others_are_served(
    start_core: StartCore, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str, reason: str
) -> None:
    core = start_core()
    publish(core, "damaged", b"kept on disk")
    publish(core, "whole", b"served")
    core.groups.offsets.commit("g", {("damaged", 0): 1})
    core.stop()
    description = tmp_path / "data" / "topics" / "damaged" / "topic.json"
    description.write_text(content)
    with caplog.at_level(logging.ERROR):
        again = start_core()
    assert again.topics.names() == ["whole"]
    assert f"topic damaged is not served: {description.parent}/{reason}" in caplog.text
    assert again.groups.describe("g").partitions == ()
    for ask in (again.topics.get, again.topics.get_or_create, again.topics.create, again.topics.delete):
        with pytest.raises(KafkaStorageError, match=f"topic damaged is not served: .*{reason}"):
            ask("damaged")
    assert description.read_text() == content


def test_a_topic_whose_logs_cannot_be_made_leaves_its_name_free(
    start_core: StartCore, faulty_files: FaultyFiles, tmp_path: Path
) -> None:
    core = start_core()
    faulty_files.fail("create", path="*.index", error=errno.ENOSPC)
    with pytest.raises(KafkaStorageError, match="No space left"):
        core.topics.create("logs", 2)
    assert list((tmp_path / "data" / "topics").iterdir()) == []
    core.topics.create("logs", 2)
    assert publish(core, "logs", b"0", partition=1) == 0


def test_settings_that_the_brokers_defaults_forbid_change_nothing(start_core: StartCore) -> None:
    defaults = {"log.cleaner.min.compaction.lag.ms": "5000"}
    core = start_core(defaults)
    core.topics.create("logs")
    with pytest.raises(InvalidConfigError, match=r"more than max\.compaction\.lag\.ms=1000"):
        core.topics.alter("logs", {"max.compaction.lag.ms": "1000"})
    core.stop()
    assert start_core(defaults).topics.names() == ["logs"]


def test_topics_that_cannot_be_listed_stop_the_start(
    start_core: StartCore, faulty_files: FaultyFiles
) -> None:
    faulty_files.fail("listdir", path="*/topics", error=errno.EACCES, every=True)
    with pytest.raises(KafkaStorageError, match=r"the topics cannot be read: .*Permission denied"):
        start_core()


def test_a_disk_that_refuses_leaves_no_half_topic(core: BrokerCore, faulty_files: FaultyFiles) -> None:
    faulty_files.fail("mkdir", error=errno.ENOSPC)
    with pytest.raises(KafkaStorageError, match="topic logs could not be made"):
        core.topics.create("logs")
    assert core.topics.names() == []
    core.topics.create("logs")
    assert core.topics.names() == ["logs"]


def test_a_view_of_a_deleted_topic_never_shows_records_of_one_made_again(core: BrokerCore) -> None:
    publish(core, "t", b"of the first")
    view = core.topics.get("t").partition(0).view()
    core.topics.delete("t")
    publish(core, "t", b"of the second")
    with pytest.raises(KafkaStorageError, match="topic was deleted"):
        view.read(0, 1000).read()
    assert values_of(core.topics.get("t").partition(0)) == [b"of the second"]


def test_who_read_a_topic_while_it_was_deleted_moves_no_position_in_one_made_again(core: BrokerCore) -> None:
    groups = core.groups
    publish(core, "t", b"0", b"1", b"2")
    deleted = core.topics.get("t")
    assert groups.positions(deleted, "g", "m") == [(0, 0)]
    core.topics.delete("t")
    assert not groups.advance(deleted, "g", "m", 0, 0, 3)
    with pytest.raises(UnknownTopicOrPartitionError, match="topic t was deleted"):
        groups.seek(deleted, "g", "m", LATEST, 0)
    publish(core, "t", b"of the second")
    assert groups.positions(core.topics.get("t"), "g", "m") == [(0, 0)]


@pytest.mark.parametrize("on_call", [1, 2], ids=["in its directory", "among the topics"])
def test_a_topic_that_could_not_be_made_can_be_made_when_the_disk_is_well(
    core: BrokerCore, faulty_files: FaultyFiles, on_call: int
) -> None:
    faulty_files.fail("fsync_directory", on_call=on_call)
    with pytest.raises(KafkaStorageError, match="topic logs could not be made"):
        core.topics.create("logs")
    assert core.topics.names() == []
    assert core.topics.create("logs", partitions=2).partitions
    assert core.topics.names() == ["logs"]


@pytest.mark.parametrize(
    ("operation", "path"), [("replace", "*.deleted"), ("fsync_directory", "*/topics"), ("rmdir", "*")]
)
def test_a_topic_that_could_not_be_deleted_can_be_made_anew(
    core: BrokerCore, faulty_files: FaultyFiles, operation: str, path: str
) -> None:
    publish(core, "logs", b"old")
    faulty_files.fail(operation, path=path)
    with pytest.raises(KafkaStorageError, match="topic logs is gone, but not all of its files"):
        core.topics.delete("logs")
    core.topics.create("logs")
    assert core.topics.get("logs").partition(0).view().log_end_offset == 0
