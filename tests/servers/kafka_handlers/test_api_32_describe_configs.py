"""DescribeConfigs: settings with their values and where these come from."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka_wire import KafkaWire

from quekka.broker.config import BROKER_SETTINGS
from quekka.embedded import Broker
from quekka.protocols.kafka.api_32_describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from quekka.storage.log_config import TOPIC_SETTINGS

DESCRIBE_CONFIGS = 32
VERSIONS = [1, 2, 3, 4]
TOPIC, BROKER = 2, 4


def ask(
    wire: KafkaWire,
    version: int,
    kind: int,
    name: str,
    keys: list[str] | None = None,
    *,
    details: bool = False,
) -> Any:
    resource = DescribeConfigsResource(kind, name, keys)
    (result,) = wire.ask(
        DESCRIBE_CONFIGS, version, DescribeConfigsRequest([resource], details, details)
    ).results
    assert (result.resource_type, result.resource_name) == (kind, name)
    return result


@pytest.mark.parametrize("version", VERSIONS)
def test_a_topics_settings_are_told_with_their_source(
    start_broker: Callable[..., Broker], open_wire: Callable[..., KafkaWire], version: int
) -> None:
    broker = start_broker({"log.segment.bytes": "5000"})
    broker.core.topics.create("orders", 1, {"retention.ms": "1234"})
    result = ask(open_wire(broker), version, TOPIC, "orders")
    told = {row.name: (row.value, row.config_source) for row in result.configs}
    assert told.keys() == TOPIC_SETTINGS.keys()
    assert told["retention.ms"] == ("1234", 1)
    assert told["segment.bytes"] == ("5000", 4)
    assert told["cleanup.policy"] == ("delete", 5)
    assert not any(row.read_only or row.is_sensitive or row.synonyms for row in result.configs)


def test_all_places_of_a_value_are_told_to_who_asks(
    start_broker: Callable[..., Broker], open_wire: Callable[..., KafkaWire]
) -> None:
    broker = start_broker({"log.retention.ms": "5000"})
    broker.core.topics.create("orders", 1, {"retention.ms": "1234"})
    (row,) = ask(open_wire(broker), 4, TOPIC, "orders", ["retention.ms"], details=True).configs
    assert [(place.name, place.value, place.source) for place in row.synonyms] == [
        ("retention.ms", "1234", 1),
        ("log.retention.ms", "5000", 4),
        ("log.retention.ms", "604800000", 5),
    ]
    assert row.documentation == TOPIC_SETTINGS["retention.ms"].doc
    assert row.config_type == 5


@pytest.mark.parametrize(
    ("keys", "expected"),
    [(["segment.ms", "no.such"], ["segment.ms"]), ([], list(TOPIC_SETTINGS))],
    ids=["named", "none_named"],
)
def test_only_the_settings_that_are_named_are_told(
    broker: Broker, wire: KafkaWire, keys: list[str], expected: list[str]
) -> None:
    broker.core.topics.create("orders")
    assert [row.name for row in ask(wire, 4, TOPIC, "orders", keys).configs] == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_the_brokers_settings_are_told_read_only(broker: Broker, wire: KafkaWire, version: int) -> None:
    result = ask(wire, version, BROKER, "1")
    assert [row.name for row in result.configs] == list(BROKER_SETTINGS)
    assert all(row.read_only for row in result.configs)


def test_there_are_no_defaults_for_all_brokers(broker: Broker, wire: KafkaWire) -> None:
    result = ask(wire, 4, BROKER, "")
    assert (result.error_code, result.configs) == (0, ())


@pytest.mark.parametrize(
    ("kind", "name", "error_code"),
    [(TOPIC, "nowhere", 3), (TOPIC, "no topic", 17), (BROKER, "2", 42), (8, "1", 42), (32, "group", 42)],
    ids=["unknown_topic", "illegal_name", "other_broker", "loggers", "group"],
)
def test_what_has_no_settings_is_an_error(
    broker: Broker, wire: KafkaWire, kind: int, name: str, error_code: int
) -> None:
    result = ask(wire, 4, kind, name)
    assert (result.error_code, result.configs) == (error_code, ())
    assert result.error_message
