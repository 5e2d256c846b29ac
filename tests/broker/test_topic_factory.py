"""Tests of quekka.broker.topic_factory."""

import errno
import logging
from pathlib import Path

import pytest
from broker_helpers import StartCore, publish

from quekka.broker.broker import BrokerCore
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


def test_a_checkpoint_that_cannot_be_written_is_an_error_in_the_log_and_no_more(
    core: BrokerCore, faulty_files: FaultyFiles, caplog: pytest.LogCaptureFixture
) -> None:
    publish(core, "logs", b"0", b"1")
    faulty_files.fail("replace", path=f"*{START}", error=errno.ENOSPC)
    with caplog.at_level(logging.ERROR):
        assert core.topics.get("logs").partition(0).delete_records(1) == 1
    assert START in caplog.text
    assert publish(core, "logs", b"2") == 2
