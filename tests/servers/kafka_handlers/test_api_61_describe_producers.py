"""DescribeProducers: who wrote to a partition, with the last sequence."""

from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.api_61_describe_producers import (
    DescribeProducersRequest,
    ProducerState,
    TopicRequest,
)

NOW_MS = 1_700_000_000_000
ASKED = DescribeProducersRequest([TopicRequest("orders", [0, 1])])


def test_a_partition_that_is_not_there_is_told(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    (topic,) = wire.ask(61, 0, ASKED).topics
    told = [(row.partition_index, row.error_code, row.active_producers) for row in topic.partitions]
    assert told == [(0, 0, ()), (1, 3, ())]


def test_a_producer_is_told_with_its_last_sequence(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders", 2)
    builder = BatchBuilder(NOW_MS)
    builder.append_values([b"a", b"b", b"c"])
    builder.set_producer(77, 3, 0)
    data = PartitionProduceData(0, memoryview(builder.build()))
    produced = wire.ask(0, 9, ProduceRequest(None, -1, 1000, [TopicProduceData("orders", [data])]))
    assert produced.responses[0].partition_responses[0].error_code == 0
    (topic,) = wire.ask(61, 0, ASKED).topics
    first, second = topic.partitions
    assert first.active_producers == (ProducerState(77, 3, 2, NOW_MS, -1, -1),)
    assert second.active_producers == ()


def test_a_name_that_no_topic_can_have_is_told(broker: Broker, wire: KafkaWire) -> None:
    (topic,) = wire.ask(61, 0, DescribeProducersRequest([TopicRequest("no topic", [0])])).topics
    assert [row.error_code for row in topic.partitions] == [17]
