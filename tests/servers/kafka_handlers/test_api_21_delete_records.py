"""DeleteRecords: the log start offset moves forward."""

import pytest
from broker_helpers import publish
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)

DELETE_RECORDS = 21


def request_of(topic: str, *offsets: int) -> DeleteRecordsRequest:
    """Before an offset in partition 0, one in partition 1 and so on."""
    rows = [DeleteRecordsPartition(*row) for row in enumerate(offsets)]
    return DeleteRecordsRequest([DeleteRecordsTopic(topic, rows)], 30_000)


@pytest.fixture
def orders(broker: Broker) -> Broker:
    """The broker with a topic of two partitions, four records in each."""
    broker.core.topics.create("orders", 2)
    for partition in (0, 1):
        publish(broker.core, "orders", b"0", b"1", b"2", b"3", partition=partition)
    return broker


@pytest.mark.parametrize("version", range(3))
def test_records_before_an_offset_or_all_of_them_go(orders: Broker, wire: KafkaWire, version: int) -> None:
    (topic,) = wire.ask(DELETE_RECORDS, version, request_of("orders", 3, -1)).topics
    assert [(row.partition_index, row.low_watermark, row.error_code) for row in topic.partitions] == [
        (0, 3, 0),
        (1, 4, 0),
    ]
    views = [partition.view() for partition in orders.core.topics.get("orders").partitions]
    assert [view.log_start_offset for view in views] == [3, 4]


def test_an_offset_that_is_gone_already_changes_nothing(orders: Broker, wire: KafkaWire) -> None:
    wire.ask(DELETE_RECORDS, 2, request_of("orders", 3))
    (topic,) = wire.ask(DELETE_RECORDS, 2, request_of("orders", 1)).topics
    assert (topic.partitions[0].low_watermark, topic.partitions[0].error_code) == (3, 0)


@pytest.mark.parametrize(
    ("asked", "error_code"),
    [
        (request_of("orders", 5), 1),
        (request_of("orders", -2), 1),
        (request_of("nowhere", 1), 3),
        (request_of("__consumer_offsets", 1), 29),
        (request_of("table", 1), 44),
    ],
    ids=["after_the_end", "no_offset", "unknown_topic", "internal_topic", "compacted_topic"],
)
def test_nothing_is_deleted(
    orders: Broker, wire: KafkaWire, asked: DeleteRecordsRequest, error_code: int
) -> None:
    orders.core.topics.create("table", 1, {"cleanup.policy": "compact"})
    (topic,) = wire.ask(DELETE_RECORDS, 2, asked).topics
    (result,) = topic.partitions
    assert (result.error_code, result.low_watermark) == (error_code, -1)
