"""confluent-kafka, and so librdkafka, as people use it: produce, consume, administer, without a warning."""

import gc
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from quekka.embedded import Broker
from quekka.formats.compression import codec_number
from quekka.formats.record_batch import iter_batches

confluent_kafka = pytest.importorskip("confluent_kafka")
admin = pytest.importorskip("confluent_kafka.admin")

TIMEOUT_S = 30
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
OFFSET_BEGINNING, OFFSET_END = -2, -1

MakeClient = Callable[..., Any]


@pytest.fixture
def client(broker: Broker, caplog: pytest.LogCaptureFixture) -> Iterator[MakeClient]:
    """Make a client of the broker: `client(Producer, {"acks": "all"})`. None may have logged a warning."""
    caplog.set_level(logging.INFO)
    logger = logging.getLogger("librdkafka")
    clients: list[Any] = []

    def make(kind: type, settings: dict[str, Any] | None = None) -> Any:
        clients.append(kind({"bootstrap.servers": broker.address, **(settings or {})}, logger=logger))
        return clients[-1]

    yield make
    while clients:
        made = clients.pop()
        if isinstance(made, confluent_kafka.Consumer):
            made.close()
        del made
    gc.collect()  # librdkafka ends its threads when the object goes
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in warnings] == []


def produce(producer: Any, topic: str, values: list[bytes], **more: Any) -> list[int]:
    """Produce and wait; the offsets in the order of the reports."""
    offsets: list[int] = []

    def report(error: Any, message: Any) -> None:
        assert error is None, error
        offsets.append(message.offset())

    for value in values:
        producer.produce(topic, value, on_delivery=report, **more)
    assert producer.flush(TIMEOUT_S) == 0
    assert len(offsets) == len(values)
    return offsets


def consume(consumer: Any, count: int) -> list[Any]:
    messages: list[Any] = []
    while len(messages) < count:
        got = consumer.consume(count - len(messages), TIMEOUT_S)
        assert got, f"{len(messages)} of {count} messages"
        for message in got:
            assert message.error() is None, message.error()
        messages += got
    return messages


def reader(client: MakeClient, topic: str, offset: int, partition: int = 0) -> Any:
    """A consumer without a group's coordination, from an offset on."""
    consumer = client(confluent_kafka.Consumer, {"group.id": "readers", "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(topic, partition, offset)])
    return consumer


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_records_go_in_with_every_codec_and_acks_and_come_out_the_same(
    broker: Broker, client: MakeClient, codec: str, acks: str
) -> None:
    broker.core.topics.create("orders")
    settings = {"acks": acks, "compression.type": codec, "linger.ms": 20, "enable.idempotence": False}
    sent = [b"%d " % number * 20 for number in range(200)]
    headers = [("h", b"1"), ("none", None)]
    produce(client(confluent_kafka.Producer, settings), "orders", sent, key=b"k", headers=headers)
    messages = consume(reader(client, "orders", OFFSET_BEGINNING), len(sent))
    assert [message.value() for message in messages] == sent
    assert [message.offset() for message in messages] == [*range(len(sent))]
    assert {message.key() for message in messages} == {b"k"}
    assert messages[0].headers() == headers
    view = broker.core.topics.get("orders").partition(0).view()
    codecs = {header.codec for _, header in iter_batches(view.read(0, 1 << 20).read())}
    assert codecs == {codec_number(codec)}


def test_an_idempotent_producer_gets_its_id_and_keeps_the_order(broker: Broker, client: MakeClient) -> None:
    producer = client(confluent_kafka.Producer, {"enable.idempotence": True, "linger.ms": 0})
    sent = [b"%d" % number for number in range(500)]
    assert produce(producer, "orders", sent, partition=0) == [*range(500)]
    view = broker.core.topics.get("orders").partition(0).view()
    headers = [header for _, header in iter_batches(view.read(0, 1 << 20).read())]
    assert {(header.producer_id, header.producer_epoch) for header in headers} == {(0, 0)}
    assert [message.value() for message in consume(reader(client, "orders", OFFSET_BEGINNING), 500)] == sent


def test_a_transaction_is_refused_at_its_first_step(broker: Broker) -> None:
    logger = logging.getLogger("refused")
    settings = {"bootstrap.servers": broker.address, "transactional.id": "mover"}
    producer = confluent_kafka.Producer(settings, logger=logger)
    with pytest.raises(confluent_kafka.KafkaException) as refusal:
        producer.init_transactions(TIMEOUT_S)
    assert refusal.value.args[0].name() == "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"


def test_consuming_begins_where_it_is_told_to(broker: Broker, client: MakeClient) -> None:
    producer = client(confluent_kafka.Producer)
    for number, timestamp_ms in enumerate((1000, 2000, 3000)):
        produce(producer, "orders", [b"%d" % number], partition=0, timestamp=timestamp_ms)
    consumer = reader(client, "orders", OFFSET_END)
    assert consumer.get_watermark_offsets(confluent_kafka.TopicPartition("orders", 0), TIMEOUT_S) == (0, 3)
    (found,) = consumer.offsets_for_times(
        [confluent_kafka.TopicPartition("orders", 0, 1500)], timeout=TIMEOUT_S
    )
    assert found.offset == 1
    for offset, expected in (
        (found.offset, [b"1", b"2"]),
        (OFFSET_BEGINNING, [b"0", b"1", b"2"]),
        (2, [b"2"]),
    ):
        consumer.assign([confluent_kafka.TopicPartition("orders", 0, offset)])
        assert [message.value() for message in consume(consumer, len(expected))] == expected


def test_a_consumer_at_the_end_gets_what_comes_later(broker: Broker, client: MakeClient) -> None:
    broker.core.topics.create("orders")
    consumer = client(
        confluent_kafka.Consumer,
        {"group.id": "readers", "enable.partition.eof": True},
    )
    consumer.assign([confluent_kafka.TopicPartition("orders", 0, OFFSET_END)])
    end = consumer.poll(TIMEOUT_S)
    assert end.error().name() == "_PARTITION_EOF"
    produce(client(confluent_kafka.Producer), "orders", [b"late"])
    assert consumer.poll(TIMEOUT_S).value() == b"late"


def test_an_offset_that_is_gone_is_reset_as_the_client_wants(broker: Broker, client: MakeClient) -> None:
    produce(client(confluent_kafka.Producer), "orders", [b"0", b"1", b"2"], partition=0)
    broker.core.topics.get("orders").partition(0).delete_records(2)
    settings = {"group.id": "readers", "auto.offset.reset": "earliest"}
    consumer = client(confluent_kafka.Consumer, settings)
    consumer.assign([confluent_kafka.TopicPartition("orders", 0, 0)])
    assert [message.offset() for message in consume(consumer, 1)] == [2]


def test_many_partitions_and_large_records_come_through_one_connection(
    broker: Broker, client: MakeClient
) -> None:
    broker.core.topics.create("orders", 20)
    producer = client(confluent_kafka.Producer, {"message.max.bytes": 1_000_000})
    sent = {partition: [bytes([partition]) * 900_000, b"small"] for partition in range(20)}
    for partition, values in sent.items():
        produce(producer, "orders", values, partition=partition)
    settings = {"group.id": "readers", "fetch.max.bytes": 4_000_000}
    consumer = client(confluent_kafka.Consumer, settings)
    consumer.assign([confluent_kafka.TopicPartition("orders", partition, 0) for partition in sent])
    got: dict[int, list[bytes]] = {}
    for message in consume(consumer, 40):
        got.setdefault(message.partition(), []).append(message.value())
    assert got == sent


def results(futures: dict[Any, Any]) -> dict[str, Any]:
    """What became of each: the result, or the name of the error."""
    found: dict[str, Any] = {}
    for key, future in futures.items():
        name = key if isinstance(key, str) else getattr(key, "name", str(key))
        try:
            found[name] = future.result(TIMEOUT_S)
        except confluent_kafka.KafkaException as error:
            found[name] = error.args[0].name()
    return found


def test_topics_are_administered(broker: Broker, client: MakeClient) -> None:
    manager = client(admin.AdminClient)
    wanted = [
        admin.NewTopic("orders", 2, 1, config={"retention.ms": "5000"}),
        admin.NewTopic("threefold", 1, 3),
        admin.NewTopic("odd", 1, 1, config={"no.such": "1"}),
    ]
    assert results(manager.create_topics(wanted)) == {
        "orders": None,
        "threefold": "INVALID_REPLICATION_FACTOR",
        "odd": "INVALID_CONFIG",
    }
    assert {
        name: len(topic.partitions) for name, topic in manager.list_topics(timeout=TIMEOUT_S).topics.items()
    } == {"orders": 2}
    more = [admin.NewPartitions("orders", 5), admin.NewPartitions("nowhere", 5)]
    assert results(manager.create_partitions(more)) == {"orders": None, "nowhere": "UNKNOWN_TOPIC_OR_PART"}
    assert len(broker.core.topics.get("orders").partitions) == 5
    assert results(manager.delete_topics(["orders", "nowhere"])) == {
        "orders": None,
        "nowhere": "UNKNOWN_TOPIC_OR_PART",
    }


def test_settings_are_described_and_changed(broker: Broker, client: MakeClient) -> None:
    broker.core.topics.create("orders", 1, {"retention.ms": "5000"})
    manager = client(admin.AdminClient)
    topic = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, "orders")
    node = admin.ConfigResource(admin.ConfigResource.Type.BROKER, "1")
    found = results(manager.describe_configs([topic, node]))
    assert found["orders"]["retention.ms"].value == "5000"
    assert found["orders"]["segment.ms"].is_default
    assert found["1"]["num.partitions"].is_read_only
    topic.add_incremental_config(
        admin.ConfigEntry("flush.ms", "7", incremental_operation=admin.AlterConfigOpType.SET)
    )
    assert results(manager.incremental_alter_configs([topic])) == {"orders": None}
    assert broker.core.topics.get("orders").own_settings == {"retention.ms": "5000", "flush.ms": "7"}


def test_offsets_are_listed_and_records_deleted(broker: Broker, client: MakeClient) -> None:
    produce(client(confluent_kafka.Producer), "orders", [b"0", b"1", b"2"], partition=0)
    manager = client(admin.AdminClient)
    place = confluent_kafka.TopicPartition("orders", 0)
    for spec, offset in ((admin.OffsetSpec.earliest(), 0), (admin.OffsetSpec.latest(), 3)):
        (answer,) = manager.list_offsets({place: spec}).values()
        assert answer.result(TIMEOUT_S).offset == offset
    wanted = confluent_kafka.TopicPartition("orders", 0, 2)
    (deleted,) = manager.delete_records([wanted]).values()
    assert deleted.result(TIMEOUT_S).low_watermark == 2


def test_the_cluster_is_described(broker: Broker, client: MakeClient) -> None:
    cluster = client(admin.AdminClient).describe_cluster().result(TIMEOUT_S)
    assert cluster.cluster_id == broker.core.cluster_id
    assert [(node.id, node.host, node.port) for node in cluster.nodes] == [(1, broker.host, broker.port)]
