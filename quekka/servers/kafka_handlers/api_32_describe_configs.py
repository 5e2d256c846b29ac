"""DescribeConfigs (key 32), versions 1 to 4: settings of topics and of the broker, with where they come from.

| resource | name | answer |
|---|---|---|
| topic | a topic | all topic settings |
| broker | its id | all of the broker's, read only |
| broker | empty | nothing: defaults for all brokers, set while they run, do not exist |
| any other | | INVALID_REQUEST |
"""

from quekka.broker.broker import BrokerCore
from quekka.errors import InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_32_describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from quekka.servers.kafka_handlers.config_entries import (
    BROKER_RESOURCE,
    TOPIC_RESOURCE,
    ConfigEntry,
    broker_entries,
    topic_entries,
)
from quekka.servers.kafka_session import KafkaSession


def describe_configs(
    session: KafkaSession, request: DescribeConfigsRequest, _version: int
) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(
        results=[_describe(session, resource, request) for resource in request.resources]
    )


def _describe(
    session: KafkaSession, resource: DescribeConfigsResource, request: DescribeConfigsRequest
) -> DescribeConfigsResult:
    kind, name = resource.resource_type, resource.resource_name
    try:
        entries = _entries(session.broker, kind, name)
    except QuekkaError as error:
        return DescribeConfigsResult(session.error_number(error), error.message, kind, name)
    wanted = resource.configuration_keys or None
    shown = [_show(entry, request) for entry in entries if wanted is None or entry.name in wanted]
    return DescribeConfigsResult(0, None, kind, name, shown)


def _entries(broker: BrokerCore, kind: int, name: str) -> list[ConfigEntry]:
    if kind == TOPIC_RESOURCE:
        return topic_entries(broker.config, broker.topics.get(name).own_settings)
    if kind != BROKER_RESOURCE:
        raise InvalidRequestError(
            f"resource type {kind} has no settings here, only topics and the broker have"
        )
    if name == "":
        return []
    if name != str(broker.broker_id):
        raise InvalidRequestError(f"there is no broker {name}, only {broker.broker_id}")
    return broker_entries(broker.config)


def _show(entry: ConfigEntry, request: DescribeConfigsRequest) -> DescribeConfigsResourceResult:
    synonyms = entry.synonyms if request.include_synonyms else ()
    return DescribeConfigsResourceResult(
        entry.name,
        entry.value,
        entry.is_read_only,
        entry.source,
        synonyms=[DescribeConfigsSynonym(*synonym) for synonym in synonyms],
        config_type=entry.config_type,
        documentation=entry.documentation if request.include_documentation else None,
    )
