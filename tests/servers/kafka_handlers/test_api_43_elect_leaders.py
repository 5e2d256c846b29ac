"""ElectLeaders: the one replica leads already."""

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_43_elect_leaders import ElectLeadersRequest, TopicPartitions


@pytest.mark.parametrize("version", [0, 1, 2])
def test_no_election_is_needed(broker: Broker, wire: KafkaWire, version: int) -> None:
    broker.core.topics.create("orders")
    response = wire.ask(43, version, ElectLeadersRequest(0, [TopicPartitions("orders", [0, 1])]))
    (topic,) = response.replica_election_results
    assert response.error_code == 0
    assert [(row.partition_id, row.error_code) for row in topic.partition_result] == [(0, 84), (1, 3)]


def test_of_all_partitions_none_had_an_election(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    assert wire.ask(43, 2, ElectLeadersRequest(0, None)).replica_election_results == ()


@pytest.mark.parametrize("version", [1, 2])
def test_a_type_of_election_that_is_none_is_refused(broker: Broker, wire: KafkaWire, version: int) -> None:
    broker.core.topics.create("orders")
    response = wire.ask(43, version, ElectLeadersRequest(7, [TopicPartitions("orders", [0])]))
    (topic,) = response.replica_election_results
    assert response.error_code == 42
    assert [(row.partition_id, row.error_code) for row in topic.partition_result] == [(0, 42)]
