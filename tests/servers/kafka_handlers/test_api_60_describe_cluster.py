"""DescribeCluster: one broker, its own controller."""

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_60_describe_cluster import DescribeClusterRequest


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("asks", [False, True], ids=["plain", "with_operations"])
def test_the_cluster_is_one_broker(broker: Broker, wire: KafkaWire, version: int, asks: bool) -> None:
    response = wire.ask(60, version, DescribeClusterRequest(asks))
    (node,) = response.brokers
    assert (response.error_code, response.error_message) == (0, None)
    assert (response.cluster_id, response.controller_id) == (broker.core.cluster_id, 1)
    assert (node.broker_id, node.host, node.port, node.is_fenced) == (1, broker.host, broker.port, False)
    assert (response.cluster_authorized_operations == -(2**31)) != asks


@pytest.mark.parametrize(
    ("endpoint_type", "error_code"), [(2, 114), (0, 115), (3, 115), (-1, 115)], ids=str
)
def test_a_broker_knows_brokers_only(wire: KafkaWire, endpoint_type: int, error_code: int) -> None:
    response = wire.ask(60, 1, DescribeClusterRequest(endpoint_type=endpoint_type))
    assert (response.error_code, response.brokers) == (error_code, ())
