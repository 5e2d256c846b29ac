"""quekka-verify-log as it is called: what it finds, what it repairs, and how it ends."""

import json
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quekka.cli.verify_log import main
from quekka.formats.record_batch import read_header
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.data_dir import DataDir
from quekka.storage.file_cache import FileCache
from quekka.storage.files import FILES
from quekka.storage.log_config import LogConfig
from quekka.storage.partition_log import PartitionLog
from quekka.storage.topic_file import TopicFile

LOG = "topics/orders/0/00000000000000000000.log"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One topic of one partition with five records."""
    data_dir = DataDir(tmp_path / "data")
    data_dir.open()
    cache = FileCache(FILES, 10)
    directory = TopicFile("orders", uuid.uuid4(), 1).create_directory(data_dir.topics_path)
    log = PartitionLog.open(
        directory / "0", config=LogConfig.from_settings({}), files=FILES, file_cache=cache
    )
    for number in range(5):
        builder = BatchBuilder(number)
        builder.append(None, b"value %d" % number)
        log.writer.append([builder.build()])
    log.close()
    cache.close_all()
    data_dir.close(clean=True)
    return tmp_path / "data"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def damage_middle(data: Path) -> bytes:
    path = data / LOG
    before = path.read_bytes()
    path.write_bytes(before[:70] + b"?" + before[71:])
    return before


def test_a_good_directory_ends_with_0(data: Path) -> None:
    result = run(data)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "1 segments" in result.stderr
    assert "no problem" in result.stderr


def test_a_torn_tail_is_reported_and_repaired_when_asked(data: Path) -> None:
    path = data / LOG
    before = path.read_bytes()
    path.write_bytes(before[:-2])
    result = run(data)
    assert result.exit_code == 6
    assert result.stdout.startswith(f"{LOG}: byte ")
    assert "torn tail" in result.stdout
    assert "1 problem; --repair can put some right" in result.stderr
    assert path.read_bytes() == before[:-2]

    result = run("--repair", data)
    assert result.exit_code == 0
    assert "bytes moved to 00000000000000000000.log.broken" in result.stdout
    assert "no problem" in result.stderr
    assert before.startswith(path.read_bytes())


def test_damage_in_the_middle_is_cut_only_when_asked_for_by_name(data: Path) -> None:
    before = damage_middle(data)
    damaged = (data / LOG).read_bytes()
    result = run("--repair", data)
    assert result.exit_code == 6
    assert "bytes damaged" in result.stdout
    assert "--repair --cut-damage can put some right" in result.stderr
    assert (data / LOG).read_bytes() == damaged

    result = run("--repair", "--cut-damage", data)
    assert result.exit_code == 0
    left = (data / LOG).read_bytes()
    lost_bytes = len(before) // 5
    assert left[61:] == before[lost_bytes:]
    assert read_header(left).records_count == 0
    assert "offsets 0 to 0 are left out" in result.stdout


def test_cut_damage_alone_is_a_wrong_call(data: Path) -> None:
    result = run("--cut-damage", data)
    assert result.exit_code == 2
    assert "--cut-damage goes with --repair." in result.output


def test_what_only_a_person_can_restore_stays_a_problem(data: Path) -> None:
    (data / "topics" / "orders" / "topic.json").write_bytes(b"")
    result = run("--repair", "--cut-damage", data)
    assert result.exit_code == 6
    assert result.stdout.startswith("topics/orders/topic.json: not JSON")
    assert "can put" not in result.stderr


def test_json_tells_place_remedy_and_what_was_done(data: Path) -> None:
    damage_middle(data)
    (problem,) = map(json.loads, run("--format", "json", data).stdout.splitlines())
    assert (problem["file"], problem["position"], problem["remedy"]) == (LOG, 0, "destructive")
    assert problem["done"] is None
    (done,) = map(json.loads, run("--format", "json", "--repair", "--cut-damage", data).stdout.splitlines())
    assert done["done"].endswith(
        " bytes moved to 00000000000000000000.log.broken, offsets 0 to 0 are left out"
    )


def test_a_directory_in_use_ends_with_7(data: Path) -> None:
    data_dir = DataDir(data)
    data_dir.open()
    result = run(data)
    data_dir.close(clean=True)
    assert result.exit_code == 7
    assert "in use by process" in result.output


@pytest.mark.parametrize("below", ["", "nowhere"])
def test_no_data_directory_ends_with_5(tmp_path: Path, below: str) -> None:
    result = run(tmp_path / below)
    assert result.exit_code == 5
    assert "no data directory" in result.output


def test_an_unknown_topic_ends_with_5(data: Path) -> None:
    result = run("--topic", "payments", data)
    assert result.exit_code == 5
    assert "payments: no such topic" in result.output


def test_one_topic_can_be_checked(data: Path) -> None:
    damage_middle(data)
    TopicFile("payments", uuid.uuid4(), 1).create_directory(data / "topics")
    assert run("--topic", "payments", data).exit_code == 0
    assert run("--topic", "orders", data).exit_code == 6
