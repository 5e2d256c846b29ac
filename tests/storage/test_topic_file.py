"""topic.json and the directory it is in: whole or not there, whatever fails in between."""

import json
import uuid
from pathlib import Path

import pytest

from quekka.errors import CorruptMessageError, UnsupportedVersionError
from quekka.storage.files import Files, StrPath
from quekka.storage.topic_file import TOPIC_FILE_NAME, TopicFile, is_leftover, remove_leftovers

TOPIC_ID = uuid.UUID("0b5c9c5e-7d2f-4d38-9bb1-0c2f4d9e6a11")
ORDERS = TopicFile("orders", TOPIC_ID, 2, {"retention.ms": "1000"})
DOCUMENT = {"version": 1, "name": "orders", "topic_id": str(TOPIC_ID), "partitions": 2, "settings": {}}


def test_a_topic_comes_back_as_it_was_made(tmp_path: Path) -> None:
    directory = ORDERS.create_directory(tmp_path)
    assert directory == tmp_path / "orders"
    assert sorted(path.name for path in directory.iterdir()) == ["0", "1", TOPIC_FILE_NAME]
    assert TopicFile.load(directory) == ORDERS
    assert [path.name for path in tmp_path.iterdir()] == ["orders"]


def test_saving_again_replaces_the_settings(tmp_path: Path) -> None:
    directory = ORDERS.create_directory(tmp_path)
    (directory / "2").mkdir()
    changed = TopicFile("orders", TOPIC_ID, 3, {"retention.ms": "5"})
    changed.save(directory)
    assert TopicFile.load(directory) == changed


def test_more_partitions_than_directories_are_not_believed(tmp_path: Path) -> None:
    """A flipped bit must not make a million directories."""
    directory = ORDERS.create_directory(tmp_path)
    TopicFile("orders", TOPIC_ID, 1_000_000).save(directory)
    with pytest.raises(CorruptMessageError, match=r"topic\.json: 1000000 partitions, but there is no "):
        TopicFile.load(directory)


def test_fewer_partitions_than_directories_with_logs_are_not_believed(tmp_path: Path) -> None:
    directory = ORDERS.create_directory(tmp_path)
    TopicFile("orders", TOPIC_ID, 1).save(directory)
    assert TopicFile.load(directory).partitions == 1  # a crash while partitions were added leaves this
    (directory / "1" / "00000000000000000000.log").touch()
    with pytest.raises(CorruptMessageError, match="1 partitions, but there are logs in directory 1"):
        TopicFile.load(directory)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    directory = ORDERS.create_directory(tmp_path)
    (directory / "topic.json").unlink()
    (directory / "topic.json").mkdir()
    with pytest.raises(OSError, match=r"orders/topic\.json"):
        TopicFile.load(directory)


def test_a_topic_is_not_made_over_another(tmp_path: Path) -> None:
    ORDERS.create_directory(tmp_path)
    with pytest.raises(FileExistsError, match="orders"):
        TopicFile("orders", uuid.uuid4(), 1).create_directory(tmp_path)
    assert TopicFile.load(tmp_path / "orders") == ORDERS


def test_deleting_removes_the_directory(tmp_path: Path) -> None:
    directory = ORDERS.create_directory(tmp_path)
    (directory / "0" / "00000000000000000000.log").write_bytes(b"x")
    ORDERS.delete_directory(tmp_path)
    assert list(tmp_path.iterdir()) == []


class FailingFiles(Files):
    """Fails at one operation."""

    def __init__(self, failing: str) -> None:
        self.failing = failing

    def unlink(self, path: StrPath) -> None:
        if self.failing == "unlink":
            raise OSError(5, "Input/output error", str(path))
        super().unlink(path)

    def fsync(self, fd: int) -> None:
        if self.failing == "fsync":
            raise OSError(5, "Input/output error")
        super().fsync(fd)


def test_a_delete_cut_short_leaves_no_topic_and_boot_removes_the_rest(tmp_path: Path) -> None:
    ORDERS.create_directory(tmp_path)
    with pytest.raises(OSError, match="Input/output"):
        ORDERS.delete_directory(tmp_path, FailingFiles("unlink"))
    assert not (tmp_path / "orders").exists()
    ORDERS.create_directory(tmp_path)
    assert remove_leftovers(tmp_path) == [f"~{TOPIC_ID}.deleted"]
    assert [path.name for path in tmp_path.iterdir()] == ["orders"]


def test_a_creation_cut_short_leaves_no_topic_and_boot_removes_the_rest(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output"):
        ORDERS.create_directory(tmp_path, FailingFiles("fsync"))
    assert not (tmp_path / "orders").exists()
    assert remove_leftovers(tmp_path) == [f"~{TOPIC_ID}.new"]
    assert list(tmp_path.iterdir()) == []


def test_the_longest_topic_name_fits(tmp_path: Path) -> None:
    topic = TopicFile("n" * 249, TOPIC_ID, 1)
    topic.create_directory(tmp_path)
    topic.delete_directory(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_legal_topic_name_is_a_leftover() -> None:
    assert is_leftover("~x.deleted")
    assert not any(is_leftover(name) for name in ("x.deleted", "x.new", "_x", "-x", ".x"))


@pytest.mark.parametrize(
    ("contents", "error", "message"),
    [
        (b"", CorruptMessageError, "not JSON"),
        (b"\xff\xfe{}", CorruptMessageError, "not JSON"),
        (b"[" * 100_000, CorruptMessageError, "not JSON"),
        (b"[]", CorruptMessageError, "not an object"),
        (b"{}", CorruptMessageError, "version is missing"),
        ({"version": 2}, UnsupportedVersionError, "version 2 is newer than 1"),
        ({"partitions": True}, CorruptMessageError, "partitions is malformed"),
        ({"partitions": 0}, CorruptMessageError, "0 partitions"),
        ({"topic_id": "x"}, CorruptMessageError, "topic_id is no UUID"),
        ({"settings": {"a": 1}}, CorruptMessageError, "setting a is not text"),
        ({"settings": None}, CorruptMessageError, "settings is missing"),
        ({"name": "other"}, CorruptMessageError, "name is 'other', unlike its directory"),
        ({"name": 5}, CorruptMessageError, "name is malformed"),
    ],
    ids=[
        "empty", "no text", "deep", "list", "no fields", "newer", "partitions type", "partitions", "id",
        "setting", "settings", "another topic's", "name",
    ],
)  # fmt: skip
def test_a_damaged_topic_file_is_refused_with_its_path(
    tmp_path: Path, contents: bytes | dict[str, object], error: type[Exception], message: str
) -> None:
    directory = ORDERS.create_directory(tmp_path)
    data = contents if isinstance(contents, bytes) else json.dumps({**DOCUMENT, **contents}).encode()
    (directory / TOPIC_FILE_NAME).write_bytes(data)
    with pytest.raises(error) as refused:
        TopicFile.load(directory)
    assert message in str(refused.value)
    assert str(directory / TOPIC_FILE_NAME) in str(refused.value)
