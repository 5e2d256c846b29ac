"""Settings of topics can be changed, and of nothing else."""

import pytest

from quekka.embedded import Broker
from quekka.errors import InvalidConfigError, InvalidRequestError, TopicAuthorizationFailedError
from quekka.servers.kafka_handlers.config_changes import alter, check_is_topic, check_not_null


def test_a_topic_can_be_changed() -> None:
    check_is_topic(2, "orders")


@pytest.mark.parametrize("resource_type", [0, 1, 4, 8, 16, 32])
def test_nothing_but_topics_can_be_changed(resource_type: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"resource type {resource_type}, name '1'"):
        check_is_topic(resource_type, "1")


def test_a_topic_needs_a_name() -> None:
    with pytest.raises(InvalidRequestError, match="without a name"):
        check_is_topic(2, "")


def test_null_is_no_value() -> None:
    assert check_not_null("flush.ms", "") == ""
    with pytest.raises(InvalidRequestError, match=r"flush\.ms: null is no value"):
        check_not_null("flush.ms", None)


def test_the_brokers_own_topics_cannot_be_changed() -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        check_is_topic(2, "__consumer_offsets")


@pytest.mark.parametrize("validate_only", [False, True])
def test_validating_checks_and_changes_nothing(broker: Broker, validate_only: bool) -> None:
    topic = broker.core.topics.create("orders")
    alter(broker.core, "orders", {"flush.ms": "5"}, validate_only)
    assert topic.own_settings == ({} if validate_only else {"flush.ms": "5"})
    with pytest.raises(InvalidConfigError):
        alter(broker.core, "orders", {"flush.ms": "soon"}, validate_only)
