"""DescribeProducers: partitions that are there, and those that are not."""

from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_61_describe_producers import DescribeProducersRequest, TopicRequest


def test_a_partition_without_producers_has_none(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    (topic,) = wire.ask(61, 0, DescribeProducersRequest([TopicRequest("orders", [0, 1])])).topics
    told = [(row.partition_index, row.error_code, row.active_producers) for row in topic.partitions]
    assert told == [(0, 0, ()), (1, 3, ())]
