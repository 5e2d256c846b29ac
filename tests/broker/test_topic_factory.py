"""Tests of quekka.broker.topic_factory."""

import errno
import logging
import queue
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from broker_helpers import StartCore, publish, values_of

from quekka.broker.broker import BrokerCore
from quekka.broker.topic_factory import Checkpoints
from quekka.clock import ManualClock
from quekka.errors import KafkaStorageError
from quekka.storage.checkpoint_file import CheckpointFile
from quekka.storage.faulty_files import FaultyFiles

POINT = "recovery-point-offset-checkpoint"
START = "log-start-offset-checkpoint"


def test_a_clean_stop_writes_how_far_every_partition_is_on_disk(
    start_core: StartCore, tmp_path: Path
) -> None:
    core = start_core()
    core.topics.create("logs", partitions=2)
    publish(core, "logs", b"0", b"1", partition=1)
    core.stop()
    directory = tmp_path / "data" / "topics" / "logs"
    assert (directory / POINT).read_text() == "0\n2\nlogs 0 0\nlogs 1 2\n"


def test_a_log_start_offset_is_written_at_once(core: BrokerCore, tmp_path: Path) -> None:
    publish(core, "logs", b"0", b"1")
    core.topics.get("logs").partition(0).delete_records(1)
    assert (tmp_path / "data" / "topics" / "logs" / START).read_text() == "0\n1\nlogs 0 1\n"


def test_a_log_start_offset_that_cannot_be_written_is_no_success(
    core: BrokerCore, faulty_files: FaultyFiles, caplog: pytest.LogCaptureFixture
) -> None:
    publish(core, "logs", b"0", b"1")
    faulty_files.fail("replace", path=f"*{START}", error=errno.ENOSPC)
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(KafkaStorageError, match="logs/0: a crash may bring back the records before 1"),
    ):
        core.topics.get("logs").partition(0).delete_records(1)
    assert START in caplog.text
    assert publish(core, "logs", b"2") == 2
    assert core.topics.get("logs").partition(0).delete_records(1) == 1


def test_a_recovery_point_is_written_also_where_every_append_is_synced(
    core: BrokerCore, manual_clock: ManualClock, tmp_path: Path
) -> None:
    core.topics.create("logs", settings={"flush.messages": "1"})
    publish(core, "logs", b"0", b"1")
    wait_for_flush(core, manual_clock, lambda: manual_clock.advance(1))
    assert (tmp_path / "data" / "topics" / "logs" / POINT).read_text() == "0\n1\nlogs 0 2\n"


def test_a_shorter_flush_ms_holds_for_what_waits_already(core: BrokerCore, manual_clock: ManualClock) -> None:
    core.topics.create("logs", settings={"flush.ms": "100000000"})
    publish(core, "logs", b"0")
    wait_for_flush(core, manual_clock, lambda: core.topics.alter("logs", {"flush.ms": "10"}))
    assert core.topics.get("logs").partition(0).log.recovery_point == 1


class FlushedPartition:
    """As much of a partition as goes into checkpoints."""

    index = 0

    def __init__(self, recovery_point: int) -> None:
        self.log = SimpleNamespace(recovery_point=recovery_point)

    def view(self) -> SimpleNamespace:
        return SimpleNamespace(log_start_offset=1)


@pytest.mark.parametrize("appends", [0, 1])
def test_a_clean_stop_after_a_kill_brings_to_disk_what_the_one_before_had_written(
    tmp_path: Path, appends: int
) -> None:
    """Also when nothing was appended: that a file says so already does not mean that the disk does."""
    files = FaultyFiles()
    files.makedirs(tmp_path / "logs")
    files.fsync_directory(tmp_path)
    killed = Checkpoints(tmp_path / "logs", files, {}, was_clean_stop=True)
    assert killed.write((FlushedPartition(1),), at_stop=True)
    assert killed.write((FlushedPartition(2),))
    known = {name: CheckpointFile(tmp_path / "logs", name, files).read() or {} for name in (POINT, START)}
    assert known[POINT] == {0: 2}
    stopped = Checkpoints(tmp_path / "logs", files, known, was_clean_stop=False)
    assert stopped.write((FlushedPartition(2 + appends),), at_stop=True)
    files.lose_unsynced()
    assert CheckpointFile(tmp_path / "logs", POINT, files).read() == {0: 2 + appends}


def test_after_a_clean_stop_without_appends_no_checkpoint_is_written_again(tmp_path: Path) -> None:
    files = FaultyFiles()
    known = {POINT: {0: 2}, START: {0: 1}}
    checkpoints = Checkpoints(tmp_path, files, known, was_clean_stop=True)
    assert checkpoints.write((FlushedPartition(2),), at_stop=True)
    assert not list(tmp_path.iterdir())


def wait_for_flush(core: BrokerCore, clock: ManualClock, begin: Callable[[], object]) -> None:
    """Call `begin`, which has the writer flush in the background; return when checkpoints are written."""
    writer = core.topics.get("logs").writer
    written: queue.Queue[None] = queue.Queue()
    write_checkpoints = writer._write_checkpoints

    def write_and_tell() -> None:
        write_checkpoints()
        written.put(None)

    writer._write_checkpoints = write_and_tell
    begin()
    written.get(timeout=10)


def test_files_that_are_gone_after_a_clean_stop_are_an_error_in_the_log(
    start_core: StartCore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    core = start_core()
    publish(core, "logs", b"0", b"1")
    core.stop()
    directory = tmp_path / "data" / "topics" / "logs" / "0"
    shutil.rmtree(directory)
    directory.mkdir()
    with caplog.at_level(logging.ERROR):
        again = start_core()
    assert "logs/0 ends at offset 0, but at the last stop it ended at 2: records are gone" in caplog.text
    assert publish(again, "logs", b"2") == 2
    assert values_of(again.topics.get("logs").partition(0)) == [b"2"]
    again.stop()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert values_of(start_core().topics.get("logs").partition(0)) == [b"2"]
    assert not caplog.text, "nothing is missing any more"


def test_a_log_start_beyond_the_end_of_a_clean_stop_is_not_believed(
    start_core: StartCore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Else a flipped digit would hide all records, and retention would delete them."""
    core = start_core()
    publish(core, "logs", b"0", b"1")
    core.stop()
    checkpoint = tmp_path / "data" / "topics" / "logs" / "log-start-offset-checkpoint"
    checkpoint.write_text("0\n1\nlogs 0 90\n")
    again = start_core()
    assert values_of(again.topics.get("logs").partition(0)) == [b"0", b"1"]
    assert f"{checkpoint}: partition 0: log start offset 90 is not used" in caplog.text
