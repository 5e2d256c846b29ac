"""AlterConfigs: these settings and no others."""

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_33_alter_configs import (
    AlterableConfig,
    AlterConfigsRequest,
    AlterConfigsResource,
)


def request_of(
    kind: int, name: str, settings: dict[str, str | None], *, validate_only: bool = False
) -> AlterConfigsRequest:
    configs = [AlterableConfig(*pair) for pair in settings.items()]
    return AlterConfigsRequest([AlterConfigsResource(kind, name, configs)], validate_only)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_topic_has_the_settings_that_were_sent_and_no_others(
    broker: Broker, wire: KafkaWire, version: int
) -> None:
    topic = broker.core.topics.create("orders", 1, {"retention.ms": "1", "segment.ms": "2"})
    asked = request_of(2, "orders", {"segment.ms": "3", "flush.ms": "4"})
    (result,) = wire.ask(33, version, asked).responses
    assert (result.error_code, result.resource_type, result.resource_name) == (0, 2, "orders")
    assert topic.own_settings == {"segment.ms": "3", "flush.ms": "4"}


def test_validating_changes_nothing(broker: Broker, wire: KafkaWire) -> None:
    topic = broker.core.topics.create("orders", 1, {"retention.ms": "1"})
    (result,) = wire.ask(33, 2, request_of(2, "orders", {"flush.ms": "4"}, validate_only=True)).responses
    assert result.error_code == 0
    assert topic.own_settings == {"retention.ms": "1"}


@pytest.mark.parametrize("validate_only", [False, True], ids=["for_real", "validate_only"])
@pytest.mark.parametrize(
    ("kind", "name", "settings", "error_code"),
    [
        (2, "orders", {"flush.ms": "soon"}, 40),
        (2, "orders", {"flush.ms": None}, 42),
        (2, "", {"flush.ms": "1"}, 42),
        (2, "orders", {"no.such": "1"}, 40),
        (2, "nowhere", {}, 3),
        (2, "__consumer_offsets", {}, 29),
        (4, "1", {"num.partitions": "3"}, 42),
    ],
    ids=["bad_value", "null_value", "no_name", "no_setting", "unknown_topic", "internal_topic", "broker"],
)
def test_a_change_is_refused_as_a_whole(
    broker: Broker,
    wire: KafkaWire,
    kind: int,
    name: str,
    settings: dict[str, str | None],
    error_code: int,
    validate_only: bool,
) -> None:
    topic = broker.core.topics.create("orders", 1, {"retention.ms": "1"})
    (result,) = wire.ask(33, 2, request_of(kind, name, settings, validate_only=validate_only)).responses
    assert result.error_code == error_code
    assert result.error_message
    assert topic.own_settings == {"retention.ms": "1"}


def test_a_setting_that_is_named_twice_is_refused(broker: Broker, wire: KafkaWire) -> None:
    topic = broker.core.topics.create("orders")
    configs = [AlterableConfig("flush.ms", "1"), AlterableConfig("flush.ms", "2")]
    (result,) = wire.ask(33, 2, AlterConfigsRequest([AlterConfigsResource(2, "orders", configs)])).responses
    assert result.error_code == 42
    assert topic.own_settings == {}
