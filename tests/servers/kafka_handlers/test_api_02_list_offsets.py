"""ListOffsets: times and special timestamps become offsets."""

from typing import Any

import pytest
from broker_helpers import batch_of
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)

LIST_OFFSETS = 2
VERSIONS = [*range(1, 10)]


@pytest.fixture
def orders(broker: Broker) -> Broker:
    """The broker with a topic of two partitions: records of the times 1000, 3000 and 2000 in 0, none in 1."""
    topic = broker.core.topics.create("orders", 2)
    for timestamp_ms in (1000, 3000, 2000):
        topic.partition(0).append([batch_of([b"x"], timestamp_ms)], 1).wait()
    return broker


def ask(wire: KafkaWire, version: int, timestamp: int, partition: int = 0, epoch: int = -1) -> Any:
    asked = ListOffsetsPartition(partition, epoch, timestamp)
    response = wire.ask(
        LIST_OFFSETS, version, ListOffsetsRequest(-1, 0, [ListOffsetsTopic("orders", [asked])])
    )
    (topic,) = response.topics
    (answer,) = topic.partitions
    assert (topic.name, answer.partition_index) == ("orders", partition)
    return answer


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("timestamp", "offset", "found_ms"),
    [(-1, 3, -1), (-2, 0, -1), (0, 0, 1000), (1500, 1, 3000), (3000, 1, 3000), (3001, -1, -1)],
    ids=["latest", "earliest", "before_all", "between", "exact", "after_all"],
)
def test_a_time_is_found(
    orders: Broker, wire: KafkaWire, version: int, timestamp: int, offset: int, found_ms: int
) -> None:
    answer = ask(wire, version, timestamp)
    assert (answer.error_code, answer.offset, answer.timestamp) == (0, offset, found_ms)
    assert answer.leader_epoch == (0 if version >= 4 and offset >= 0 else -1)


@pytest.mark.parametrize(
    ("timestamp", "since", "offset", "found_ms"),
    [(-3, 7, 1, 3000), (-4, 8, 0, -1), (-5, 9, -1, -1)],
    ids=["max_timestamp", "earliest_local", "latest_tiered"],
)
def test_a_special_timestamp_has_its_meaning_since_its_version(
    orders: Broker, wire: KafkaWire, timestamp: int, since: int, offset: int, found_ms: int
) -> None:
    assert ask(wire, since - 1, timestamp).error_code == 35
    answer = ask(wire, since, timestamp)
    assert (answer.error_code, answer.offset, answer.timestamp) == (0, offset, found_ms)


@pytest.mark.parametrize("timestamp", [-1, -2, -3, 0])
def test_an_empty_partition_has_no_records_at_any_time(
    orders: Broker, wire: KafkaWire, timestamp: int
) -> None:
    answer = ask(wire, 7, timestamp, partition=1)
    assert (answer.error_code, answer.offset) == (0, 0 if timestamp in (-1, -2) else -1)


def test_deleted_records_are_not_found(orders: Broker, wire: KafkaWire) -> None:
    orders.core.topics.get("orders").partition(0).delete_records(2)
    assert ask(wire, 7, -2).offset == 2
    assert ask(wire, 7, 0).offset == 2


@pytest.mark.parametrize(
    ("partition", "epoch", "timestamp", "error_code"),
    [(2, -1, -1, 3), (0, 1, -1, 75), (0, -2, -1, 74), (0, -1, -6, 35)],
    ids=["no_such_partition", "newer_epoch", "older_epoch", "no_such_meaning"],
)
def test_what_cannot_be_told_is_an_error_of_the_partition(
    orders: Broker, wire: KafkaWire, partition: int, epoch: int, timestamp: int, error_code: int
) -> None:
    answer = ask(wire, 9, timestamp, partition, epoch)
    assert (answer.error_code, answer.offset, answer.timestamp) == (error_code, -1, -1)


def test_a_partition_that_is_named_twice_is_answered_once(orders: Broker, wire: KafkaWire) -> None:
    asked = [ListOffsetsPartition(index, -1, -1) for index in (0, 1, 0)]
    (topic,) = wire.ask(
        LIST_OFFSETS, 9, ListOffsetsRequest(-1, 0, [ListOffsetsTopic("orders", asked)])
    ).topics
    assert [(row.partition_index, row.error_code) for row in topic.partitions] == [(0, 42), (1, 0)]
