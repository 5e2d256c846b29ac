"""Producer ids are never given twice, whatever happens between two of them."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quekka.errors import CorruptMessageError, KafkaStorageError, UnsupportedVersionError
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.producer_ids import BLOCK_IDS, PRODUCER_IDS_NAME, ProducerIds, format_block, parse_block


def test_ids_begin_with_0_and_follow_each_other(tmp_path: Path) -> None:
    ids = ProducerIds(tmp_path)
    assert [ids.next_id() for _ in range(3)] == [0, 1, 2]


def test_a_new_start_goes_on_with_the_next_block(tmp_path: Path) -> None:
    assert ProducerIds(tmp_path).next_id() == 0
    assert ProducerIds(tmp_path).next_id() == BLOCK_IDS


def test_a_full_block_is_followed_by_the_next_one_without_a_gap(tmp_path: Path) -> None:
    ids = ProducerIds(tmp_path)
    assert [ids.next_id() for _ in range(BLOCK_IDS + 1)] == [*range(BLOCK_IDS + 1)]


def test_nothing_is_written_before_an_id_is_wanted(tmp_path: Path) -> None:
    ProducerIds(tmp_path)
    assert not (tmp_path / PRODUCER_IDS_NAME).exists()


def test_threads_never_get_the_same_id(tmp_path: Path) -> None:
    ids = ProducerIds(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        given = [*pool.map(lambda _: ids.next_id(), range(3 * BLOCK_IDS))]
    assert sorted(given) == [*range(3 * BLOCK_IDS)]


def test_an_id_is_given_only_when_its_block_is_on_disk(tmp_path: Path) -> None:
    files = FaultyFiles()
    assert ProducerIds(tmp_path, files).next_id() == 0
    files.lose_unsynced()
    assert ProducerIds(tmp_path).next_id() == BLOCK_IDS


@pytest.mark.parametrize("operation", ["fsync", "replace", "fsync_directory"])
def test_a_disk_that_refuses_is_told_and_the_block_is_reserved_later(tmp_path: Path, operation: str) -> None:
    files = FaultyFiles()
    files.fail(operation, error=errno.ENOSPC)
    ids = ProducerIds(tmp_path, files)
    with pytest.raises(KafkaStorageError, match=PRODUCER_IDS_NAME):
        ids.next_id()
    files.heal()
    assert ids.next_id() % BLOCK_IDS == 0


@pytest.mark.parametrize(
    "data",
    [b"", b"version=1\n", b"version=1\nnext.producer.id=-5\n", b"version=1\nnext.producer.id=9e3\n",
     b"next.producer.id=1000\n", b"version=1\nnext.producer.id=9223372036854775808\n", b"\xff\x00\xfe"],
    ids=["empty", "no_id", "negative", "no_number", "no_version", "too_large", "binary"],
)  # fmt: skip
def test_a_damaged_file_gives_no_ids(tmp_path: Path, data: bytes) -> None:
    (tmp_path / PRODUCER_IDS_NAME).write_bytes(data)
    with pytest.raises(CorruptMessageError, match=PRODUCER_IDS_NAME):
        ProducerIds(tmp_path).next_id()


def test_a_newer_file_gives_no_ids(tmp_path: Path) -> None:
    (tmp_path / PRODUCER_IDS_NAME).write_bytes(b"version=2\nnext.producer.id=1\n")
    with pytest.raises(UnsupportedVersionError, match="version=2"):
        ProducerIds(tmp_path).next_id()


def test_what_is_formatted_is_parsed() -> None:
    assert parse_block(format_block(7000), "here") == 7000
