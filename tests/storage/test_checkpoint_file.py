"""Checkpoint files: read when whole, else said so and done without."""

import logging
from pathlib import Path

import pytest

from quekka.errors import CorruptMessageError
from quekka.storage.checkpoint_file import CHECKPOINT_NAMES, CheckpointFile


@pytest.fixture
def topic_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "orders"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("name", CHECKPOINT_NAMES)
@pytest.mark.parametrize("durable", [True, False])
def test_offsets_come_back_by_partition(topic_directory: Path, name: str, durable: bool) -> None:
    CheckpointFile(topic_directory, name).write({1: 840, 0: 1200}, durable=durable)
    assert CheckpointFile(topic_directory, name).read() == {0: 1200, 1: 840}
    assert (topic_directory / name).read_bytes() == b"0\n2\norders 0 1200\norders 1 840\n"


def test_a_missing_checkpoint_is_none(topic_directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint = CheckpointFile(topic_directory, CHECKPOINT_NAMES[0])
    assert checkpoint.read() is None
    assert caplog.records == []
    with pytest.raises(FileNotFoundError):
        checkpoint.read_strictly()


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "cut"),
        (b"0\n2\norders 0 1200\n", "tells of 2 lines"),
        (b"\x00" * 40, "cut"),
        (b"0\n1\npayments 0 1200\n", "of topic 'payments', not 'orders'"),
    ],
    ids=["empty", "a line missing", "zeros", "another topic's"],
)
def test_a_damaged_checkpoint_is_not_used_and_the_log_says_so(
    topic_directory: Path, caplog: pytest.LogCaptureFixture, contents: bytes, message: str
) -> None:
    checkpoint = CheckpointFile(topic_directory, CHECKPOINT_NAMES[0])
    checkpoint.path.write_bytes(contents)
    with caplog.at_level(logging.WARNING):
        assert checkpoint.read() is None
    assert str(checkpoint.path) in caplog.text
    assert message in caplog.text
    with pytest.raises(CorruptMessageError, match=message):
        checkpoint.read_strictly()


def test_an_unreadable_checkpoint_is_not_used(
    topic_directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = CheckpointFile(topic_directory, CHECKPOINT_NAMES[0])
    checkpoint.path.mkdir()
    assert checkpoint.read() is None
    assert "directory" in caplog.text


def test_an_offset_that_no_log_can_have_reached_is_damage(
    topic_directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = topic_directory / CHECKPOINT_NAMES[0]
    path.write_text(f"0\n1\norders 0 {2**63 - 1}\n")
    assert CheckpointFile(topic_directory, path.name).read() is None
    assert f"{path} is not used: checkpoint: offset 9223372036854775807 is none" in caplog.text
