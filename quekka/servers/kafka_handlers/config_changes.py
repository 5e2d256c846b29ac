"""What the two requests that change settings have in common."""

from collections.abc import Mapping

from quekka.broker.broker import BrokerCore
from quekka.errors import InvalidRequestError
from quekka.servers.kafka_handlers.config_entries import TOPIC_RESOURCE
from quekka.topic_name import check_writable


def check_is_topic(resource_type: int, name: str) -> None:
    """Raises InvalidRequestError for what has no settings that could be changed, and
    TopicAuthorizationFailedError for the broker's own topics.
    """
    if resource_type != TOPIC_RESOURCE:
        raise InvalidRequestError(
            f"resource type {resource_type}, name {name!r}: only topics can be changed while the broker runs"
        )
    if not name:
        raise InvalidRequestError("a topic without a name")
    check_writable(name)


def check_not_null(setting: str, value: str | None) -> str:
    """The value; raises InvalidRequestError where there is none."""
    if value is None:
        raise InvalidRequestError(f"{setting}: null is no value")
    return value


def alter(broker: BrokerCore, topic: str, settings: Mapping[str, str], validate_only: bool) -> None:
    """Change settings of a topic, or only check whether they could be; "" is back to the default.

    Raises UnknownTopicOrPartitionError, InvalidConfigError, KafkaStorageError.
    """
    change = broker.topics.check_alter if validate_only else broker.topics.alter
    change(topic, settings)
