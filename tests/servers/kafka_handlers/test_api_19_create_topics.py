"""CreateTopics: each topic made or refused by itself, with all that a client may ask for."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_19_create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from quekka.protocols.kafka.primitives import ZERO_UUID

CREATE_TOPICS = 19
VERSIONS = [*range(2, 8)]


def topic_of(
    name: str = "orders", partitions: int = 2, replicas: int = 1, **configs: str | None
) -> CreatableTopic:
    settings = [CreatableTopicConfig(key.replace("_", "."), value) for key, value in configs.items()]
    return CreatableTopic(name, partitions, replicas, configs=settings)


def assigned(*assignments: tuple[int, list[int]], partitions: int = -1, replicas: int = -1) -> CreatableTopic:
    rows = [CreatableReplicaAssignment(*assignment) for assignment in assignments]
    return CreatableTopic("orders", partitions, replicas, rows)


def ask(wire: KafkaWire, version: int, *topics: CreatableTopic, validate_only: bool = False) -> Any:
    return wire.ask(CREATE_TOPICS, version, CreateTopicsRequest(topics, 1000, validate_only)).topics


@pytest.mark.parametrize("version", VERSIONS)
def test_a_topic_is_made_and_described(broker: Broker, wire: KafkaWire, version: int) -> None:
    (result,) = ask(wire, version, topic_of(retention_ms="1234"))
    topic = broker.core.topics.get("orders")
    assert (result.name, result.error_code, result.error_message) == ("orders", 0, None)
    assert len(topic.partitions) == 2
    assert topic.config.retention_ms == 1234
    assert result.topic_id == (topic.topic_id if version >= 7 else ZERO_UUID)
    if version >= 5:
        assert (result.num_partitions, result.replication_factor) == (2, 1)
        told = {config.name: (config.value, config.config_source) for config in result.configs}
        assert told["retention.ms"] == ("1234", 1)
        assert told["segment.ms"] == (topic.settings()["segment.ms"], 5)
        assert told.keys() == topic.settings().keys()


def test_minus_one_is_the_brokers_default(
    start_broker: Callable[..., Broker], open_wire: Callable[..., KafkaWire]
) -> None:
    broker = start_broker({"num.partitions": "3"})
    (result,) = ask(open_wire(broker), 7, topic_of(partitions=-1, replicas=-1))
    assert (result.error_code, result.num_partitions, result.replication_factor) == (0, 3, 1)


REFUSED = {
    "exists": (topic_of("taken"), 36),
    "collision": (topic_of("ta_ken.x"), 17),
    "illegal_name": (topic_of("no topic"), 17),
    "internal_name": (topic_of("__mine"), 29),
    "no_partitions": (topic_of(partitions=0), 37),
    "negative_partitions": (topic_of(partitions=-2), 37),
    "three_replicas": (topic_of(replicas=3), 38),
    "no_replicas": (topic_of(replicas=0), 38),
    "unknown_setting": (topic_of(no_such="1"), 40),
    "bad_value": (topic_of(retention_ms="long"), 40),
    "null_value": (topic_of(retention_ms=None), 40),
    "assignment_and_numbers": (assigned((0, [1]), partitions=1), 42),
    "assignment_elsewhere": (assigned((0, [2])), 39),
    "assignment_to_two": (assigned((0, [1, 2])), 39),
    "assignment_with_a_gap": (assigned((0, [1]), (2, [1])), 39),
}


@pytest.mark.parametrize(("asked", "error_code"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("validate_only", [False, True], ids=["for_real", "validate_only"])
def test_a_topic_is_refused_and_the_next_one_is_not(
    broker: Broker, wire: KafkaWire, asked: CreatableTopic, error_code: int, validate_only: bool
) -> None:
    broker.core.topics.create("taken")
    broker.core.topics.create("ta.ken_x")
    refused, made = ask(wire, 7, asked, topic_of("next"), validate_only=validate_only)
    assert refused.error_code == error_code
    assert refused.error_message
    assert made.error_code == 0
    assert (broker.core.topics.find("next") is None) == validate_only


def test_validating_makes_nothing_and_tells_what_would_be(broker: Broker, wire: KafkaWire) -> None:
    (result,) = ask(wire, 7, topic_of(), validate_only=True)
    (again,) = ask(wire, 7, topic_of(), validate_only=True)
    assert (result.error_code, result.num_partitions) == (0, 2)
    assert len({result.topic_id, again.topic_id, ZERO_UUID}) == 3
    assert broker.core.topics.names() == []


def test_a_name_twice_in_a_request_is_answered_once_and_makes_nothing(
    broker: Broker, wire: KafkaWire
) -> None:
    results = ask(wire, 7, topic_of("twice"), topic_of("once"), topic_of("twice"))
    assert [(result.name, result.error_code) for result in results] == [("twice", 42), ("once", 0)]
    assert broker.core.topics.names() == ["once"]


def test_an_assignment_to_the_one_broker_says_how_many_partitions(broker: Broker, wire: KafkaWire) -> None:
    (result,) = ask(wire, 7, assigned((1, [1]), (0, [1]), (2, [1])))
    assert (result.error_code, result.num_partitions) == (0, 3)


def test_more_replicas_than_brokers_are_taken_for_one_where_that_is_wanted(
    start_broker: Callable[..., Broker], open_wire: Callable[..., KafkaWire]
) -> None:
    broker = start_broker({"replication.factor.clamp.enable": "true"})
    made, refused = ask(open_wire(broker), 7, topic_of(replicas=3), topic_of("none", replicas=0))
    assert (made.error_code, made.replication_factor) == (0, 1)
    assert refused.error_code == 38
