"""LogVerifier: a whole data directory, locked while it is verified, and left as it was."""

import errno
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from quekka.errors import DataDirInUseError
from quekka.formats.producer_snapshot import ProducerSnapshotEntry, encode_producer_snapshot
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.checkpoint_file import CheckpointFile
from quekka.storage.data_dir import DataDir
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.file_cache import FileCache
from quekka.storage.files import FILES
from quekka.storage.log_config import LogConfig
from quekka.storage.log_verifier import LogVerifier
from quekka.storage.partition_log import PartitionLog
from quekka.storage.partition_verifier import Problem
from quekka.storage.producer_ids import ProducerIds
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
        ("topics/a/topic.json", "not JSON"),
    ],
)
def test_files_only_a_person_can_restore_are_reported(data: Path, name: str, what: str) -> None:
    (data / name).write_bytes(b"\x00")
    (problem,) = verify(data)
    assert (problem.path, problem.remedy, problem.repair) == (data / name, "none", None)
    assert problem.what.startswith(what)


def test_a_missing_partition_is_reported(data: Path) -> None:
    shutil.rmtree(data / "topics" / "a" / "0")
    problems = verify(data)
    assert [(problem.path, problem.remedy) for problem in problems] == [(data / "topics" / "a" / "0", "none")]


def test_a_missing_last_partition_is_reported_as_the_number_that_is_not_true(data: Path) -> None:
    shutil.rmtree(data / "topics" / "a" / "1")
    problems = verify(data)
    assert [problem.path.name for problem in problems] == ["topic.json"]
    assert problems[0].what == "2 partitions, but there is no directory 1"


@pytest.mark.parametrize(
    "make", [Path.unlink, lambda path: path.write_bytes(b"\0" * 50)], ids=["gone", "zeros"]
)
def test_meta_properties_is_made_anew(data: Path, make: Callable[[Path], object]) -> None:
    path = data / "meta.properties"
    make(path)
    (problem,) = verify(data)
    assert (problem.path, problem.remedy) == (path, "safe")
    assert problem.repair is not None
    assert "made anew with the cluster id" in problem.repair()
    assert verify(data) == []
    data_dir = DataDir(data)
    data_dir.open()
    data_dir.close(clean=True)


def test_what_a_newer_version_wrote_is_not_made_anew(data: Path) -> None:
    (data / "meta.properties").write_bytes(b"version=2\n")
    (data / "producer-ids").write_bytes(b"version=2\nnext.producer.id=1\n")
    assert [(problem.path.name, problem.remedy) for problem in verify(data)] == [
        ("meta.properties", "none"),
        ("producer-ids", "none"),
    ]


def test_producer_ids_are_made_anew_beyond_all_that_were_met(data: Path) -> None:
    entry = ProducerSnapshotEntry(5000, 0, 0, 0, 0, 1)
    snapshot = data / "topics" / "a" / "0" / f"{3:020d}.snapshot"
    snapshot.write_bytes(encode_producer_snapshot([entry]))
    (data / "producer-ids").write_bytes(b"version=1\nnext.producer")
    (problem,) = verify(data)
    assert (problem.path, problem.remedy) == (data / "producer-ids", "safe")
    assert problem.repair is not None
    assert problem.repair() == "renamed to producer-ids.broken, the next producer id is 1005001"
    assert verify(data) == []
    assert ProducerIds(data).next_id() == 1_005_001


def test_a_first_segment_that_is_gone_is_noticed_after_a_clean_stop(data: Path) -> None:
    directory = data / "topics" / "a" / "0"
    for path in directory.glob("0*.*"):
        path.rename(path.with_name(f"{7:020d}{path.suffix}"))
    log = directory / f"{7:020d}.log"
    log.write_bytes(b"")
    CheckpointFile(data / "topics" / "a", RECOVERY_POINT).write({0: 7, 1: 3})
    CheckpointFile(data / "topics" / "a", "log-start-offset-checkpoint").write({0: 5, 1: 0})
    problems = verify(data)
    assert (directory, "offsets 5 to 6 are missing", "destructive") in [
        (problem.path, problem.what, problem.remedy) for problem in problems
    ]
    for problem in reversed(problems):
        assert problem.repair is not None
        problem.repair()
    assert verify(data) == []
    (data / ".clean_shutdown").unlink()
    CheckpointFile(data / "topics" / "a", "log-start-offset-checkpoint").write({0: 5, 1: 0})
    assert verify(data) == []  # a crash between a deletion and its checkpoint leaves this


@pytest.mark.parametrize(
    ("damage", "what", "done"),
    [
        (
            lambda path: path.write_bytes(b"0\n5\n"), "",
            "renamed to log-start-offset-checkpoint.broken, made anew",
        ),
        (Path.unlink, "offsets 0 to 6 are missing", "offset raised to 7"),
    ],
    ids=["unreadable", "gone"],
)  # fmt: skip
def test_log_start_offsets_that_cannot_be_known_become_those_of_the_first_segments(
    data: Path, damage: Callable[[Path], object], what: str, done: str
) -> None:
    directory = data / "topics" / "a" / "0"
    for path in directory.glob("0*.*"):
        path.rename(path.with_name(f"{7:020d}{path.suffix}"))
    (directory / f"{7:020d}.log").write_bytes(b"")
    for path in directory.glob("*index"):
        path.write_bytes(b"")
    CheckpointFile(data / "topics" / "a", RECOVERY_POINT).write({0: 7, 1: 3})
    start = CheckpointFile(data / "topics" / "a", "log-start-offset-checkpoint")
    start.write({0: 7, 1: 0})
    assert verify(data) == []
    damage(start.path)
    (problem,) = verify(data)
    assert what in problem.what
    assert problem.repair is not None
    assert problem.repair() == done
    assert (start.read() or {})[0] == 7
    assert verify(data) == []


def test_a_directory_that_cannot_be_written_is_locked_all_the_same(data: Path) -> None:
    files = FaultyFiles()
    files.fail("open_append", path="*.lock", error=errno.EROFS, every=True)
    with LogVerifier(data, files) as verifier:
        assert list(verifier.verify(lambda _: None)) == []
        with pytest.raises(DataDirInUseError):
            DataDir(data).open()
    data_dir = DataDir(data)
    data_dir.open()
    with pytest.raises(DataDirInUseError, match="in use"), LogVerifier(data, files):
        pass
    data_dir.close(clean=True)


def test_a_directory_that_cannot_be_written_and_was_never_locked_is_verified(data: Path) -> None:
    (data / ".lock").unlink()
    files = FaultyFiles()
    files.fail("open_append", path="*.lock", error=errno.EROFS, every=True)
    with LogVerifier(data, files) as verifier:
        assert list(verifier.verify(lambda _: None)) == []


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
