"""IncrementalAlterConfigs: single settings set, taken back, added to and taken from."""

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.protocols.kafka.api_44_incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

SET, DELETE, APPEND, SUBTRACT = range(4)
Change = tuple[str, int, str | None]


def request_of(
    *changes: Change, kind: int = 2, name: str = "orders", validate_only: bool = False
) -> IncrementalAlterConfigsRequest:
    configs = [AlterableConfig(*change) for change in changes]
    return IncrementalAlterConfigsRequest([AlterConfigsResource(kind, name, configs)], validate_only)


CHANGES: dict[str, tuple[Change, dict[str, str]]] = {
    "set": (("flush.ms", SET, "4"), {"cleanup.policy": "delete", "retention.ms": "1", "flush.ms": "4"}),
    "set_again": (("retention.ms", SET, "4"), {"cleanup.policy": "delete", "retention.ms": "4"}),
    "delete": (("retention.ms", DELETE, None), {"cleanup.policy": "delete"}),
    "delete_what_is_not_set": (
        ("flush.ms", DELETE, None),
        {"cleanup.policy": "delete", "retention.ms": "1"},
    ),
    "append": (
        ("cleanup.policy", APPEND, "compact"),
        {"cleanup.policy": "delete,compact", "retention.ms": "1"},
    ),
    "append_what_is_there": (
        ("cleanup.policy", APPEND, "delete"),
        {"cleanup.policy": "delete", "retention.ms": "1"},
    ),
}


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_one_setting_changes_and_the_others_stay(
    broker: Broker, wire: KafkaWire, version: int, change: Change, expected: dict[str, str]
) -> None:
    topic = broker.core.topics.create("orders", 1, {"cleanup.policy": "delete", "retention.ms": "1"})
    (result,) = wire.ask(44, version, request_of(change)).responses
    assert (result.error_code, result.resource_type, result.resource_name) == (0, 2, "orders")
    assert topic.own_settings == expected


def test_a_word_is_taken_out_of_a_list(broker: Broker, wire: KafkaWire) -> None:
    topic = broker.core.topics.create("orders", 1, {"cleanup.policy": "delete,compact"})
    wire.ask(44, 1, request_of(("cleanup.policy", SUBTRACT, "delete")))
    assert topic.own_settings == {"cleanup.policy": "compact"}


REFUSED: dict[str, tuple[IncrementalAlterConfigsRequest, int]] = {
    "bad_value": (request_of(("flush.ms", SET, "soon")), 40),
    "null_value": (request_of(("flush.ms", SET, None)), 42),
    "null_word": (request_of(("cleanup.policy", APPEND, None)), 42),
    "unknown_setting": (request_of(("no.such", SET, "1")), 40),
    "no_list": (request_of(("retention.ms", APPEND, "1")), 40),
    "last_word": (request_of(("cleanup.policy", SUBTRACT, "delete"), ("flush.ms", SET, "x")), 40),
    "unknown_operation": (request_of(("flush.ms", 4, "1")), 42),
    "twice": (request_of(("flush.ms", SET, "1"), ("flush.ms", DELETE, None)), 42),
    "unknown_topic": (request_of(("flush.ms", SET, "1"), name="nowhere"), 3),
    "internal_topic": (request_of(("flush.ms", SET, "1"), name="__consumer_offsets"), 29),
    "broker": (request_of(("num.partitions", SET, "3"), kind=4, name="1"), 42),
}


@pytest.mark.parametrize(("asked", "error_code"), REFUSED.values(), ids=REFUSED)
def test_a_change_is_refused_as_a_whole(
    broker: Broker, wire: KafkaWire, asked: IncrementalAlterConfigsRequest, error_code: int
) -> None:
    topic = broker.core.topics.create("orders", 1, {"retention.ms": "1"})
    (result,) = wire.ask(44, 1, asked).responses
    assert result.error_code == error_code
    assert result.error_message
    assert topic.own_settings == {"retention.ms": "1"}


def test_validating_changes_nothing(broker: Broker, wire: KafkaWire) -> None:
    topic = broker.core.topics.create("orders", 1, {"retention.ms": "1"})
    (result,) = wire.ask(44, 1, request_of(("flush.ms", SET, "4"), validate_only=True)).responses
    assert result.error_code == 0
    assert topic.own_settings == {"retention.ms": "1"}


def test_a_topic_that_is_named_twice_is_refused(broker: Broker, wire: KafkaWire) -> None:
    topic = broker.core.topics.create("orders")
    resource = AlterConfigsResource(2, "orders", [AlterableConfig("flush.ms", SET, "1")])
    answer = wire.ask(44, 1, IncrementalAlterConfigsRequest([resource, resource]))
    assert [result.error_code for result in answer.responses] == [42, 42]
    assert topic.own_settings == {}
