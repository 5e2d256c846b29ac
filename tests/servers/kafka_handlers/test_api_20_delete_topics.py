"""DeleteTopics: by name, and by id."""

from uuid import UUID

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from quekka.protocols.kafka.primitives import ZERO_UUID

DELETE_TOPICS = 20


@pytest.mark.parametrize("version", range(1, 6))
def test_topics_go_by_name(broker: Broker, wire: KafkaWire, version: int) -> None:
    broker.core.topics.create("orders")
    request = DeleteTopicsRequest(topic_names=["orders", "nowhere"])
    gone, missing = wire.ask(DELETE_TOPICS, version, request).responses
    assert (gone.name, gone.error_code) == ("orders", 0)
    assert (missing.name, missing.error_code) == ("nowhere", 3)
    assert broker.core.topics.names() == []


def test_topics_go_by_name_or_id(broker: Broker, wire: KafkaWire) -> None:
    ids = {name: broker.core.topics.create(name).topic_id for name in ("a", "b")}
    states = [DeleteTopicState("a"), DeleteTopicState(None, ids["b"]), DeleteTopicState(None, UUID(int=9))]
    by_name, by_id, missing = wire.ask(DELETE_TOPICS, 6, DeleteTopicsRequest(states)).responses
    assert (by_name.name, by_name.topic_id, by_name.error_code) == ("a", ids["a"], 0)
    assert (by_id.name, by_id.topic_id, by_id.error_code) == ("b", ids["b"], 0)
    assert (missing.name, missing.topic_id, missing.error_code) == (None, UUID(int=9), 100)
    assert broker.core.topics.names() == []


@pytest.mark.parametrize(
    ("state", "error_code"),
    [
        (DeleteTopicState("orders", UUID(int=1)), 42),
        (DeleteTopicState("__consumer_offsets"), 29),
        (DeleteTopicState("no topic"), 3),
        (DeleteTopicState(None, ZERO_UUID), 42),
    ],
    ids=["name_and_id", "internal", "illegal_name", "neither"],
)
def test_a_topic_stays(broker: Broker, wire: KafkaWire, state: DeleteTopicState, error_code: int) -> None:
    broker.core.topics.create("orders")
    broker.core.topics.create_offsets_topic()
    (result,) = wire.ask(DELETE_TOPICS, 6, DeleteTopicsRequest([state])).responses
    assert result.error_code == error_code
    assert result.error_message
    assert broker.core.topics.names(internal=True) == ["__consumer_offsets", "orders"]


def test_what_is_named_twice_stays_and_is_answered_once(broker: Broker, wire: KafkaWire) -> None:
    topic_id = broker.core.topics.create("orders").topic_id
    for state in (DeleteTopicState("orders"), DeleteTopicState(None, topic_id)):
        (result,) = wire.ask(DELETE_TOPICS, 6, DeleteTopicsRequest([state, state])).responses
        assert result.error_code == 42
    assert broker.core.topics.names() == ["orders"]
