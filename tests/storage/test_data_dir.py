"""The data directory: one holder, one identity, and an honest answer about the last stop."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from quekka.errors import CorruptMessageError, DataDirInUseError, KafkaStorageError, UnsupportedVersionError
from quekka.storage.data_dir import META_NAME, DataDir, MetaProperties, new_cluster_id
from quekka.storage.files import Files

LOCK_AND_WAIT = """
import sys
from quekka.storage.data_dir import DataDir
DataDir(sys.argv[1]).open()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_new_directory_gets_an_identity_that_stays(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "some" / "data")
    data_dir.open()
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", data_dir.cluster_id)
    assert data_dir.broker_id == 1
    assert data_dir.was_clean_stop
    assert data_dir.topic_names() == []
    data_dir.close(clean=True)

    again = DataDir(tmp_path / "some" / "data")
    again.open()
    assert again.cluster_id == data_dir.cluster_id
    again.close(clean=True)


def test_cluster_ids_differ() -> None:
    assert new_cluster_id() != new_cluster_id()


@pytest.mark.parametrize("clean", [True, False])
def test_the_next_start_knows_how_the_last_one_stopped(tmp_path: Path, clean: bool) -> None:
    for _ in range(2):
        data_dir = DataDir(tmp_path)
        data_dir.open()
        data_dir.close(clean=clean)
    last = DataDir(tmp_path)
    last.open()
    assert last.was_clean_stop == clean
    last.close(clean=False)


def test_a_crash_after_a_clean_stop_is_noticed(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    data_dir.open()
    data_dir.close(clean=True)
    crashing = DataDir(tmp_path)
    crashing.open()
    crashing.unlock()
    last = DataDir(tmp_path)
    last.open()
    assert not last.was_clean_stop
    last.close(clean=True)


def test_a_second_holder_in_the_same_process_is_refused_with_path_and_pid(tmp_path: Path) -> None:
    first = DataDir(tmp_path)
    first.open()
    second = DataDir(tmp_path)
    with pytest.raises(DataDirInUseError) as refused:
        second.open()
    assert str(tmp_path) in refused.value.message
    assert f"process {os.getpid()}" in refused.value.message
    second.close(clean=True)  # has no right to say so
    first.close(clean=False)
    second.open()
    assert not second.was_clean_stop
    second.close(clean=True)


def test_another_process_keeps_us_out_until_it_dies(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK_AND_WAIT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DataDirInUseError, match=f"process {holder.pid}"):
            DataDir(tmp_path).open()
        holder.kill()
    data_dir = DataDir(tmp_path)
    data_dir.open()
    assert not data_dir.was_clean_stop
    data_dir.close(clean=True)


def test_a_tool_locks_without_leaving_a_mark(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    data_dir.open()
    data_dir.close(clean=True)
    tool = DataDir(tmp_path)
    tool.lock()
    with pytest.raises(DataDirInUseError):
        data_dir.open()
    tool.unlock()
    data_dir.open()
    assert data_dir.was_clean_stop
    data_dir.close(clean=True)


@pytest.mark.parametrize(
    ("contents", "error", "message"),
    [
        ("", CorruptMessageError, "version='' is not a number"),
        ("version=1\nbroker.id=1\n", CorruptMessageError, "no cluster.id"),
        ("version=1\ncluster.id=x\nbroker.id=one\n", CorruptMessageError, "broker.id='one' is not a number"),
        ("version=1\nnode.id=1\ncluster.id=x\n", CorruptMessageError, "broker.id='' is not a number"),
        ("version=2\n", UnsupportedVersionError, "version=2 is newer than this program, which knows up to 1"),
        ("\x00\xff", CorruptMessageError, "version"),
    ],
    ids=["empty", "no cluster id", "no number", "kafka's own", "newer", "garbage"],
)
def test_foreign_meta_properties_are_refused_and_the_lock_given_back(
    tmp_path: Path, contents: str, error: type[Exception], message: str
) -> None:
    (tmp_path / META_NAME).write_text(contents, encoding="latin-1")
    for _ in range(2):
        with pytest.raises(error) as refused:
            DataDir(tmp_path).open()
        assert message in str(refused.value)
        assert META_NAME in str(refused.value)


def test_meta_properties_written_by_hand_are_read() -> None:
    text = b"# a comment\n\nversion = 1\nbroker.id = 7\ncluster.id = abc=\nmore=x\n"
    meta = MetaProperties.parse(text, "here")
    assert (meta.broker_id, meta.cluster_id) == (7, "abc=")
    assert MetaProperties.parse(meta.format(), "here") == meta


def test_lost_meta_properties_do_not_become_a_new_identity(tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    with pytest.raises(CorruptMessageError, match=r"there is topics, but meta\.properties is missing"):
        DataDir(tmp_path).open()


@pytest.mark.parametrize("below", ["", "deeper"], ids=["file", "below a file"])
def test_a_path_that_is_no_directory_is_one_clear_error(tmp_path: Path, below: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(KafkaStorageError) as refused:
        DataDir(path / below).open()
    assert str(path) in refused.value.message
    assert "cannot be used as a data directory" in refused.value.message


class ReadOnly(Files):
    """A read-only file system."""

    def open_append(self, path: object) -> int:
        raise OSError(30, "Read-only file system", str(path))


class ReadOnlyAfterLock(Files):
    """One that refuses only what comes after the lock."""

    def create(self, path: object) -> int:
        raise OSError(30, "Read-only file system", str(path))


@pytest.mark.parametrize("files", [ReadOnly(), ReadOnlyAfterLock()], ids=["lock", "later"])
def test_a_read_only_directory_is_one_clear_error(tmp_path: Path, files: Files) -> None:
    with pytest.raises(KafkaStorageError, match="Read-only file system"):
        DataDir(tmp_path, files).open()


def test_only_whole_topics_are_listed(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    data_dir.open()
    for name in ("b", "a.deleted", "~1.new", "~2.deleted"):
        data_dir.topic_directory(name).mkdir()
    (data_dir.topics_path / "file").write_bytes(b"")
    assert data_dir.topic_names() == ["a.deleted", "b"]
    assert data_dir.topic_directory("b") == tmp_path / "topics" / "b"
    data_dir.close(clean=True)
