"""Tests of quekka.broker.broker."""

import errno
import threading
from pathlib import Path

import pytest
from broker_helpers import StartCore, publish, values_of

from quekka.broker.broker import BrokerCore
from quekka.broker.config import BrokerConfig
from quekka.errors import DataDirInUseError, KafkaStorageError
from quekka.storage.faulty_files import FaultyFiles


def test_a_data_directory_serves_one_broker_at_a_time(core: BrokerCore, tmp_path: Path) -> None:
    second = BrokerCore(tmp_path / "data", BrokerConfig())
    with pytest.raises(DataDirInUseError, match=str(tmp_path / "data")):
        second.start()
    publish(core, "logs", b"the first is not disturbed")


def test_the_cluster_id_stays(start_core: StartCore) -> None:
    core = start_core()
    cluster_id = core.cluster_id
    core.stop()
    assert start_core().cluster_id == cluster_id


def test_a_clean_stop_leaves_its_marker_and_a_start_takes_it(start_core: StartCore, tmp_path: Path) -> None:
    marker = tmp_path / "data" / ".clean_shutdown"
    core = start_core()
    assert not marker.exists()
    core.stop()
    assert marker.exists()
    start_core()
    assert not marker.exists()


def test_what_could_not_be_brought_to_disk_leaves_no_marker(
    start_core: StartCore, faulty_files: FaultyFiles, tmp_path: Path
) -> None:
    core = start_core()
    publish(core, "logs", b"0")
    faulty_files.fail("fdatasync", path="*.log", error=errno.EIO)
    core.stop()
    assert not (tmp_path / "data" / ".clean_shutdown").exists()
    assert values_of(start_core().topics.get("logs").partition(0)) == [b"0"]


def test_a_sync_that_failed_long_before_the_stop_leaves_no_marker(
    start_core: StartCore, faulty_files: FaultyFiles, tmp_path: Path
) -> None:
    core = start_core()
    publish(core, "logs", b"0")
    log = core.topics.get("logs").partition(0).log
    ticket = log.writer.begin_flush()
    with pytest.raises(KafkaStorageError):
        log.writer.finish_flush(ticket, OSError(errno.EIO, "lost"))
    core.topics.get("logs").writer._dirty.clear()  # as the flusher's ticket leaves it
    core.stop()
    assert not (tmp_path / "data" / ".clean_shutdown").exists()


def test_a_topic_that_is_not_served_leaves_no_marker(start_core: StartCore, tmp_path: Path) -> None:
    core = start_core()
    core.topics.create("logs")
    core.stop()
    (tmp_path / "data" / "topics" / "logs" / "topic.json").write_text("{")
    start_core().stop()
    assert not (tmp_path / "data" / ".clean_shutdown").exists()


def test_stop_ends_every_thread(start_core: StartCore) -> None:
    before = threading.active_count()
    core = start_core()
    for number in range(5):
        publish(core, f"topic-{number}", b"x")
    core.stop()
    assert threading.active_count() == before


def test_a_failing_start_gives_the_directory_back(
    start_core: StartCore, faulty_files: FaultyFiles, tmp_path: Path
) -> None:
    core = start_core()
    core.topics.create("logs")
    core.groups.offsets.commit("g", {("logs", 0): 1})
    core.stop()
    faulty_files.fail("listdir", path="*/topics", error=errno.EIO)
    with pytest.raises(KafkaStorageError, match="Input/output error"):
        start_core()
    assert start_core().groups.names() == ["g"]


def test_stats_count_what_is_there(core: BrokerCore) -> None:
    publish(core, "logs", b"0")
    core.topics.create("more", partitions=3)
    core.groups.offsets.commit("g", {("logs", 0): 1})
    stats = core.stats()
    assert (stats["topics"], stats["partitions"], stats["groups"]) == (3, 5, 1)
    assert stats["crc32c"] in ("crc32c", "crcmod")
    assert {"version", "uptime_s", "pid", "rss_bytes", "cpu_s", "threads", "fds"} <= set(stats)
    assert {"records_in", "records_out", "bytes_in", "bytes_out", "append_groups", "fsyncs", "errors"} <= set(
        stats
    )
