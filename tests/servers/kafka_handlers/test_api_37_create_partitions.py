"""CreatePartitions: more partitions, never fewer."""

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_37_create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)


def more(name: str, count: int, *brokers: list[int]) -> CreatePartitionsTopic:
    assignments = [CreatePartitionsAssignment(row) for row in brokers] or None
    return CreatePartitionsTopic(name, count, assignments)


@pytest.mark.parametrize("version", range(4))
@pytest.mark.parametrize("asked", [more("orders", 4), more("orders", 4, [1], [1])], ids=["plain", "assigned"])
def test_a_topic_gets_more(
    broker: Broker, wire: KafkaWire, version: int, asked: CreatePartitionsTopic
) -> None:
    broker.core.topics.create("orders", 2)
    (result,) = wire.ask(37, version, CreatePartitionsRequest([asked], 1000)).results
    assert (result.name, result.error_code, result.error_message) == ("orders", 0, None)
    assert len(broker.core.topics.get("orders").partitions) == 4


@pytest.mark.parametrize("validate_only", [False, True], ids=["for_real", "validate_only"])
@pytest.mark.parametrize(
    ("asked", "error_code"),
    [
        (more("orders", 2), 37),
        (more("orders", 1), 37),
        (more("orders", 1_000_000), 44),
        (more("nowhere", 2), 3),
        (more("no topic", 2), 3),
        (more("__consumer_offsets", 2), 29),
        (more("orders", 4, [1]), 39),
        (more("orders", 3, [2]), 39),
    ],
    ids=["as_many", "fewer", "too_many", "unknown", "illegal", "internal", "short", "elsewhere"],
)
def test_a_topic_stays_as_it_is_and_the_next_one_gets_more(
    broker: Broker, wire: KafkaWire, asked: CreatePartitionsTopic, error_code: int, validate_only: bool
) -> None:
    broker.core.topics.create("orders", 2)
    broker.core.topics.create("next", 1)
    request = CreatePartitionsRequest([asked, more("next", 2)], 1000, validate_only)
    refused, made = wire.ask(37, 3, request).results
    assert refused.error_code == error_code
    assert refused.error_message
    assert made.error_code == 0
    assert len(broker.core.topics.get("orders").partitions) == 2
    assert len(broker.core.topics.get("next").partitions) == (1 if validate_only else 2)


def test_a_topic_that_is_named_twice_stays_and_is_answered_once(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders", 2)
    asked = CreatePartitionsRequest([more("orders", 3), more("orders", 4)], 1000)
    (result,) = wire.ask(37, 3, asked).results
    assert result.error_code == 42
    assert len(broker.core.topics.get("orders").partitions) == 2
