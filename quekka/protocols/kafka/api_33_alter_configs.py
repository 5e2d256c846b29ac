"""AlterConfigs (key 33): replace all settings of a topic or a broker.

| version | change |
|---|---|
| 1 | responses are sent before throttling |
| 2 | flexible |

Source: AlterConfigsRequest.json and AlterConfigsResponse.json of Apache Kafka; KIP-133.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, boolean, int8, int16, int32, nullable_string, string


@dataclass(slots=True)
class AlterableConfig:
    name: str = string("0+")
    value: str | None = nullable_string("0+", nullable="0+", default="")


@dataclass(slots=True)
class AlterConfigsResource:
    resource_type: int = int8("0+")
    resource_name: str = string("0+")
    configs: Sequence[AlterableConfig] = array_of(AlterableConfig, "0+")


@dataclass(slots=True)
class AlterConfigsRequest:
    resources: Sequence[AlterConfigsResource] = array_of(AlterConfigsResource, "0+")
    validate_only: bool = boolean("0+")


@dataclass(slots=True)
class AlterConfigsResourceResponse:
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+", default="")
    resource_type: int = int8("0+")
    resource_name: str = string("0+")


@dataclass(slots=True)
class AlterConfigsResponse:
    throttle_time_ms: int = int32("0+")
    responses: Sequence[AlterConfigsResourceResponse] = array_of(AlterConfigsResourceResponse, "0+")
