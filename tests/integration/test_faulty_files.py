"""The example of storage/faulty_files.py does what it says."""

import errno
from pathlib import Path

import pytest

import quekka
from quekka.errors import KafkaStorageError
from quekka.storage.faulty_files import FaultyFiles


def test_the_example_of_faulty_files(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    files = FaultyFiles()
    with (
        quekka.Broker(data_dir, files=files) as broker,
        quekka.Producer(broker.address, retries=0) as producer,
    ):
        producer.send("orders", b"first").result(timeout=10)
        files.fail("writev", path="*.log", error=errno.ENOSPC, every=True)
        with pytest.raises(KafkaStorageError):
            producer.send("orders", b"second").result(timeout=10)
        files.heal()
        assert producer.send("orders", b"third").result(timeout=10).offset == 1


def test_without_a_sync_a_power_cut_takes_what_the_broker_did_not_flush(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    files = FaultyFiles()
    with quekka.Broker(data_dir, files=files) as broker:
        with quekka.Admin(broker.address) as admin:
            admin.create_topic("orders", configs={"flush.messages": "1"})
        with quekka.Producer(broker.address) as producer:
            producer.send("orders", b"synced").result(timeout=10)
    files.lose_unsynced()
    with quekka.Broker(data_dir) as broker:
        assert broker.core.topics.get("orders").partition(0).view().log_end_offset == 1
