"""LogVerifier: a whole data directory, locked while it is verified, and left as it was."""

import shutil
import uuid
from pathlib import Path

import pytest

from quekka.errors import DataDirInUseError
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.checkpoint_file import CheckpointFile
from quekka.storage.data_dir import DataDir
from quekka.storage.file_cache import FileCache
from quekka.storage.files import FILES
from quekka.storage.log_config import LogConfig
from quekka.storage.log_verifier import LogVerifier
from quekka.storage.partition_log import PartitionLog
from quekka.storage.partition_verifier import Problem
from quekka.storage.topic_file import TopicFile

RECOVERY_POINT = "recovery-point-offset-checkpoint"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Topics a (two partitions) and b (one), three records in each partition."""
    data_dir = DataDir(tmp_path / "data")
    data_dir.open()
    cache = FileCache(FILES, 10)
    for name, partitions in (("a", 2), ("b", 1)):
        directory = TopicFile(name, uuid.uuid4(), partitions).create_directory(data_dir.topics_path)
        for partition in range(partitions):
            log = PartitionLog.open(
                directory / str(partition), config=LogConfig.from_settings({}), files=FILES, file_cache=cache
            )
            for _ in range(3):
                builder = BatchBuilder(1)
                builder.append(None, b"value")
                log.writer.append([builder.build()])
            log.close()
        CheckpointFile(directory, RECOVERY_POINT).write(dict.fromkeys(range(partitions), 3))
    cache.close_all()
    data_dir.close(clean=True)
    return tmp_path / "data"


def verify(path: Path, *topics: str) -> list[Problem]:
    with LogVerifier(path, topics=topics) as verifier:
        return list(verifier.verify(lambda _: None))


def log_path(data: Path, topic: str, partition: int = 0) -> Path:
    return data / "topics" / topic / str(partition) / "00000000000000000000.log"


def contents(path: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file() and p.name != ".lock"
    }


def test_a_good_directory_has_no_problems_and_stays_as_it_was(data: Path) -> None:
    before = contents(data)
    advanced: list[int] = []
    with LogVerifier(data) as verifier:
        assert list(verifier.verify(advanced.append)) == []
        assert sum(advanced) == verifier.total_bytes() > 0
        assert verifier.segments == 3
    assert contents(data) == before


def test_a_directory_in_use_is_refused(data: Path) -> None:
    data_dir = DataDir(data)
    data_dir.open()
    with pytest.raises(DataDirInUseError, match=str(data)), LogVerifier(data):
        pass
    data_dir.close(clean=True)


def test_the_lock_is_given_back(data: Path) -> None:
    verify(data)
    data_dir = DataDir(data)
    data_dir.open()
    assert data_dir.was_clean_stop
    data_dir.close(clean=True)


def test_what_is_no_data_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no data directory"), LogVerifier(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_topics_can_be_chosen(data: Path) -> None:
    log_path(data, "a").write_bytes(b"rubbish")
    assert verify(data, "b") == []
    assert len(verify(data, "a")) > 0
    with pytest.raises(FileNotFoundError, match="no such topic"):
        verify(data, "c")


def test_each_partition_is_checked(data: Path) -> None:
    for topic, partition in (("a", 1), ("b", 0)):
        path = log_path(data, topic, partition)
        path.write_bytes(path.read_bytes()[:-1])
    torn = [problem.path for problem in verify(data) if problem.what.startswith("torn tail")]
    assert torn == [log_path(data, "a", 1), log_path(data, "b")]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("meta.properties", "version='' is not a number"),
        ("topics/a/topic.json", "not JSON"),
    ],
)
def test_files_only_a_person_can_restore_are_reported(data: Path, name: str, what: str) -> None:
    (data / name).write_bytes(b"\x00")
    (problem,) = verify(data)
    assert (problem.path, problem.remedy, problem.repair) == (data / name, "none", None)
    assert problem.what.startswith(what)


def test_a_missing_partition_is_reported(data: Path) -> None:
    shutil.rmtree(data / "topics" / "a" / "1")
    problems = verify(data)
    assert [(problem.path, problem.remedy) for problem in problems] == [(data / "topics" / "a" / "1", "none")]


def test_an_unreadable_checkpoint_is_set_aside(data: Path) -> None:
    checkpoint = data / "topics" / "a" / RECOVERY_POINT
    checkpoint.write_bytes(b"0\n5\n")
    (problem,) = verify(data)
    assert problem.path == checkpoint
    assert problem.repair is not None
    assert problem.repair() == f"renamed to {RECOVERY_POINT}.broken"
    assert verify(data) == []


def test_a_checkpoint_beyond_the_log_is_lowered(data: Path) -> None:
    checkpoint = CheckpointFile(data / "topics" / "a", RECOVERY_POINT)
    checkpoint.write({0: 3, 1: 4})
    (problem,) = verify(data)
    assert problem.what == "partition 1: offset 4 is beyond the log's end, 3"
    assert problem.repair is not None
    problem.repair()
    assert checkpoint.read() == {0: 3, 1: 3}
    assert verify(data) == []


def test_leftovers_of_deleted_topics_are_no_problem(data: Path) -> None:
    (data / "topics" / "~0.deleted").mkdir()
    assert verify(data) == []
