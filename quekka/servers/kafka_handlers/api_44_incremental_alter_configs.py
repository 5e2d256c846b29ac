"""IncrementalAlterConfigs (key 44), versions 0 and 1: change single settings of a topic.

| operation | does |
|---|---|
| 0 SET | gives the setting this value |
| 1 DELETE | takes it back to its default |
| 2 APPEND | adds words to a list, those that are not in it |
| 3 SUBTRACT | takes words out of a list |

The broker's own settings are given when it starts and cannot be changed here: INVALID_REQUEST. So is null for
a value that is needed, and all of a topic that is named twice.
"""

from collections.abc import Callable, Mapping

from quekka.broker.topic import Topic
from quekka.errors import InvalidConfigError, InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_44_incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from quekka.servers.kafka_handlers.config_changes import alter, check_is_topic, check_not_null
from quekka.servers.kafka_handlers.repeated import check_once, named_twice
from quekka.servers.kafka_session import KafkaSession
from quekka.setting import find_setting
from quekka.storage.log_config import TOPIC_SETTINGS


def incremental_alter_configs(
    session: KafkaSession, request: IncrementalAlterConfigsRequest, _version: int
) -> IncrementalAlterConfigsResponse:
    twice = named_twice((resource.resource_type, resource.resource_name) for resource in request.resources)
    return IncrementalAlterConfigsResponse(
        responses=[_alter(session, resource, twice, request.validate_only) for resource in request.resources]
    )


def _alter(
    session: KafkaSession,
    resource: AlterConfigsResource,
    twice: frozenset[tuple[int, str]],
    validate_only: bool,
) -> AlterConfigsResourceResponse:
    kind, name = resource.resource_type, resource.resource_name
    try:
        check_once((kind, name), twice)
        check_is_topic(kind, name)
        topic = session.broker.topics.get(name)
        settings: dict[str, str] = {}
        for config in resource.configs:
            if config.name in settings:
                raise InvalidRequestError(f"{config.name} is in the request more than once")
            settings[config.name] = _changed(topic, config)
        alter(session.broker, name, settings, validate_only)
    except QuekkaError as error:
        return AlterConfigsResourceResponse(session.error_number(error), error.message, kind, name)
    return AlterConfigsResourceResponse(0, None, kind, name)


def _changed(topic: Topic, config: AlterableConfig) -> str:
    """The text that the setting gets; raises InvalidConfigError, InvalidRequestError."""
    change = _OPERATIONS.get(config.config_operation)
    if change is None:
        raise InvalidRequestError(f"{config.name}: there is no operation {config.config_operation}")
    return change(topic, config)


def _set(_topic: Topic, config: AlterableConfig) -> str:
    return check_not_null(config.name, config.value)


def _delete(_topic: Topic, _config: AlterableConfig) -> str:
    return ""


def _append(topic: Topic, config: AlterableConfig) -> str:
    words, change = _words(topic, config)
    return ",".join([*words, *(word for word in change if word not in words)])


def _subtract(topic: Topic, config: AlterableConfig) -> str:
    words, change = _words(topic, config)
    return ",".join(word for word in words if word not in change)


def _words(topic: Topic, config: AlterableConfig) -> tuple[list[str], list[str]]:
    """The words that are there and those that were sent."""
    change = check_not_null(config.name, config.value)
    if not isinstance(find_setting(TOPIC_SETTINGS, config.name).default, tuple):
        raise InvalidConfigError(f"{config.name} is no list that could be added to or taken from")
    return topic.settings()[config.name].split(","), change.split(",")


_OPERATIONS: Mapping[int, Callable[[Topic, AlterableConfig], str]] = {
    0: _set,
    1: _delete,
    2: _append,
    3: _subtract,
}
