"""Where an OffsetSpec lies in several partitions at once."""

import pytest

import quekka
from quekka.cli.positions import find_offsets
from quekka.client import TopicPartition
from quekka.errors import OffsetOutOfRangeError
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec

PARTITIONS = [TopicPartition("t", 0), TopicPartition("t", 1)]


@pytest.fixture
def filled(broker: quekka.Broker) -> quekka.Broker:
    """Three records in t/0, none in t/1."""
    with quekka.Admin(broker.address) as admin:
        admin.create_topic("t", partitions=2)
    with quekka.Producer(broker.address) as producer:
        for _ in range(3):
            producer.send("t", b"v", partition=0)
    return broker


@pytest.mark.parametrize(
    ("where", "offsets"), [(EARLIEST, [0, 0]), (LATEST, [3, 0]), (OffsetSpec("timestamp", 1), [0, 0])]
)
def test_each_partition_has_its_own_place(
    filled: quekka.Broker, where: OffsetSpec, offsets: list[int]
) -> None:
    with quekka.Admin(filled.address) as admin:
        assert find_offsets(admin, PARTITIONS, where) == dict(zip(PARTITIONS, offsets, strict=True))


def test_an_offset_that_is_not_there_is_refused_with_its_partition(filled: quekka.Broker) -> None:
    with quekka.Admin(filled.address) as admin, pytest.raises(OffsetOutOfRangeError, match="t/1: offset 2"):
        find_offsets(admin, PARTITIONS, OffsetSpec("offset", 2))
