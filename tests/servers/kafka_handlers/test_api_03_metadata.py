"""Metadata: one broker where the client reached it, topics with their leader, made on the way if wanted."""

from collections.abc import Callable
from uuid import UUID

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_03_metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from quekka.protocols.kafka.primitives import ZERO_UUID

METADATA = 3
VERSIONS = [*range(13)]


def ask(wire: KafkaWire, version: int, *names: str, create: bool = True) -> MetadataResponse:
    topics = [MetadataRequestTopic(name=name) for name in names]
    response: MetadataResponse = wire.ask(METADATA, version, MetadataRequest(topics, create))
    return response


def names_of(response: MetadataResponse) -> list[str | None]:
    return [topic.name for topic in response.topics]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_one_broker_leads_every_partition(broker: Broker, wire: KafkaWire, version: int) -> None:
    topic = broker.core.topics.create("orders", 2)
    response = ask(wire, version, "orders")
    (node,) = response.brokers
    assert (node.node_id, node.host, node.port) == (1, broker.host, broker.port)
    assert response.controller_id == (1 if version >= 1 else -1)
    assert response.cluster_id == (broker.core.cluster_id if version >= 2 else None)
    (told,) = response.topics
    assert (told.error_code, told.name, told.is_internal) == (0, "orders", False)
    assert told.topic_id == (topic.topic_id if version >= 10 else ZERO_UUID)
    assert [partition.partition_index for partition in told.partitions] == [0, 1]
    for partition in told.partitions:
        assert (partition.error_code, partition.leader_id) == (0, 1)
        assert partition.leader_epoch == (0 if version >= 7 else -1)
        assert (partition.replica_nodes, partition.isr_nodes, partition.offline_replicas) == ((1,), (1,), ())


@pytest.mark.parametrize(
    ("version", "topics", "expected"),
    [(0, (), ["a", "b"]), (1, None, ["a", "b"]), (1, (), []), (9, None, ["a", "b"]), (12, (), [])],
    ids=["v0_empty", "v1_null", "v1_empty", "v9_null", "v12_empty"],
)
def test_all_topics_or_none(
    broker: Broker, wire: KafkaWire, version: int, topics: tuple[()] | None, expected: list[str]
) -> None:
    for name in ("b", "a"):
        broker.core.topics.create(name)
    assert names_of(wire.ask(METADATA, version, MetadataRequest(topics))) == expected


def test_internal_topics_are_told_as_such(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create_offsets_topic()
    (topic,) = wire.ask(METADATA, 9, MetadataRequest(None)).topics
    assert (topic.name, topic.is_internal) == ("__consumer_offsets", True)


@pytest.mark.parametrize("version", [0, 3, 4, 12])
def test_an_unknown_topic_is_made_and_told_at_once(broker: Broker, wire: KafkaWire, version: int) -> None:
    (topic,) = ask(wire, version, "new").topics
    assert (topic.error_code, len(topic.partitions)) == (0, 1)
    assert broker.core.topics.get("new")


def test_a_topic_is_not_made_for_a_client_that_does_not_want_it(broker: Broker, wire: KafkaWire) -> None:
    (topic,) = ask(wire, 4, "new", create=False).topics
    assert (topic.error_code, topic.partitions) == (3, ())
    assert broker.core.topics.find("new") is None


def test_a_topic_is_not_made_where_the_broker_does_not_allow_it(
    start_broker: Callable[..., Broker], open_wire: Callable[..., KafkaWire]
) -> None:
    broker = start_broker({"auto.create.topics.enable": "false"})
    (topic,) = ask(open_wire(broker), 4, "new").topics
    assert topic.error_code == 3


@pytest.mark.parametrize(
    ("name", "error_code"),
    [("no topic", 17), ("..", 17), ("__consumer_offsets", 3), ("__transaction_state", 3), ("or_ders", 17)],
    ids=["space", "dots", "offsets", "transactions", "collision"],
)
def test_some_topics_are_never_made_on_the_way(
    broker: Broker, wire: KafkaWire, name: str, error_code: int
) -> None:
    broker.core.topics.create("or.ders")
    (topic,) = ask(wire, 9, name).topics
    assert (topic.error_code, topic.name, topic.partitions) == (error_code, name, ())


def test_a_topic_is_found_by_its_id(broker: Broker, wire: KafkaWire) -> None:
    topic_id = broker.core.topics.create("orders").topic_id
    asked = [MetadataRequestTopic(topic_id, None), MetadataRequestTopic(UUID(int=7), None)]
    found, missing = wire.ask(METADATA, 12, MetadataRequest(asked)).topics
    assert (found.error_code, found.name, found.topic_id) == (0, "orders", topic_id)
    assert (missing.error_code, missing.name, missing.topic_id) == (100, None, UUID(int=7))


def test_operations_are_told_to_who_asks(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    asked = MetadataRequest(
        None, include_cluster_authorized_operations=True, include_topic_authorized_operations=True
    )
    response = wire.ask(METADATA, 8, asked)
    assert response.cluster_authorized_operations > 0
    assert response.topics[0].topic_authorized_operations > 0
    unasked = ask(wire, 8, "orders")
    assert unasked.cluster_authorized_operations == -(2**31)
    assert unasked.topics[0].topic_authorized_operations == -(2**31)


def test_the_advertised_address_is_told_instead_of_the_one_that_was_reached(
    start_broker: Callable[..., Broker], open_wire: Callable[..., KafkaWire]
) -> None:
    broker = start_broker({"advertised.listeners": "PLAINTEXT://broker.example.com:9092"})
    (node,) = ask(open_wire(broker), 9).brokers
    assert (node.host, node.port) == ("broker.example.com", 9092)


def test_a_topic_that_is_named_twice_is_told_once(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    assert names_of(ask(wire, 12, "orders", "orders")) == ["orders"]
