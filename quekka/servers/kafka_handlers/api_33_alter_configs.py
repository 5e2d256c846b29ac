"""AlterConfigs (key 33), versions 0 to 2: give a topic these settings and no others.

What is not named goes back to its default; IncrementalAlterConfigs (key 44) changes single settings. The
broker's own settings are given when it starts and cannot be changed here: INVALID_REQUEST. So is a setting
without a value, and one that is named twice.
"""

from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_33_alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)
from quekka.servers.kafka_handlers.config_changes import alter, check_is_topic, check_not_null
from quekka.servers.kafka_handlers.repeated import check_once, named_twice
from quekka.servers.kafka_session import KafkaSession


def alter_configs(session: KafkaSession, request: AlterConfigsRequest, _version: int) -> AlterConfigsResponse:
    return AlterConfigsResponse(
        responses=[_alter(session, resource, request.validate_only) for resource in request.resources]
    )


def _alter(
    session: KafkaSession, resource: AlterConfigsResource, validate_only: bool
) -> AlterConfigsResourceResponse:
    kind, name = resource.resource_type, resource.resource_name
    try:
        check_is_topic(kind, name)
        settings = dict.fromkeys(session.broker.topics.get(name).own_settings, "")
        twice = named_twice(config.name for config in resource.configs)
        for config in resource.configs:
            check_once(config.name, twice)
            settings[config.name] = check_not_null(config.name, config.value)
        alter(session.broker, name, settings, validate_only)
    except QuekkaError as error:
        return AlterConfigsResourceResponse(session.error_number(error), error.message, kind, name)
    return AlterConfigsResourceResponse(0, None, kind, name)
