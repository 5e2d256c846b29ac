"""kafka-python as people use it: produce, consume, administer, without a warning."""

import itertools
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from quekka.embedded import Broker

kafka = pytest.importorskip("kafka")
admin = pytest.importorskip("kafka.admin")

TIMEOUT_S = 30
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
WITHOUT_A_GROUP = "group_id is None: disabling auto-commit."
"""What kafka-python always says to a consumer without a group."""


@pytest.fixture(autouse=True)
def no_warning(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client may log a warning."""
    caplog.set_level(logging.INFO)
    yield
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [text for text in warnings if text != WITHOUT_A_GROUP] == []


def produce(broker: Broker, values: list[bytes], **settings: Any) -> list[int]:
    """Produce to partition 0 of `orders`; the offsets."""
    producer = kafka.KafkaProducer(bootstrap_servers=broker.address, **settings)
    try:
        futures = [producer.send("orders", value, partition=0, headers=[("h", b"1")]) for value in values]
        return [future.get(TIMEOUT_S).offset for future in futures]
    finally:
        producer.close()


def consume(broker: Broker, count: int, **settings: Any) -> list[Any]:
    """The next records of partition 0 of `orders`."""
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=broker.address, group_id=None, consumer_timeout_ms=TIMEOUT_S * 1000, **settings
    )
    try:
        consumer.assign([kafka.TopicPartition("orders", 0)])
        return [*itertools.islice(consumer, count)]
    finally:
        consumer.close()


@pytest.mark.parametrize("codec", CODECS)
def test_records_go_in_with_every_codec_and_come_out_the_same(broker: Broker, codec: str | None) -> None:
    if codec == "lz4":
        pytest.importorskip("lz4")
    if codec == "snappy":
        pytest.importorskip("snappy")
    if codec == "zstd":
        pytest.importorskip("zstandard")
    sent = [b"%d " % number * 20 for number in range(100)]
    assert produce(broker, sent, compression_type=codec, linger_ms=20) == [*range(100)]
    records = consume(broker, 100, auto_offset_reset="earliest")
    assert [record.value for record in records] == sent
    assert records[0].headers == [("h", b"1")]


@pytest.mark.parametrize("acks", [1, "all"])
def test_acks_without_idempotence(broker: Broker, acks: int | str) -> None:
    assert produce(broker, [b"a", b"b"], acks=acks, enable_idempotence=False) == [0, 1]


def test_acks_0(broker: Broker) -> None:
    broker.core.topics.create("orders")
    produce(broker, [b"a", b"b"], acks=0, enable_idempotence=False)
    assert [record.value for record in consume(broker, 2, auto_offset_reset="earliest")] == [b"a", b"b"]


def test_offsets_are_found(broker: Broker) -> None:
    broker.core.topics.create("orders")
    produce(broker, [b"a", b"b"])
    place = kafka.TopicPartition("orders", 0)
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker.address, group_id=None)
    try:
        assert consumer.beginning_offsets([place]) == {place: 0}
        assert consumer.end_offsets([place]) == {place: 2}
        assert consumer.offsets_for_times({place: 1})[place].offset == 0
    finally:
        consumer.close()


def test_topics_are_administered(broker: Broker) -> None:
    client = admin.KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        client.create_topics([admin.NewTopic("orders", 2, 1)])
        assert client.list_topics() == ["orders"]
        (described,) = client.describe_topics(["orders"])
        assert [row["leader_id"] for row in described["partitions"]] == [1, 1]
        assert client.describe_cluster()["cluster_id"] == broker.core.cluster_id
        (node,) = client.describe_log_dirs()
        (directory,) = node["log_dirs"]
        assert directory["log_dir"] == str(broker.core.data_dir.path)
        assert client.list_partition_reassignments() == {}
        client.delete_topics(["orders"])
        assert client.list_topics() == []
    finally:
        client.close()
