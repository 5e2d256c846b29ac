"""DescribeConfigs (key 32): settings of topics (resource_type 2) and brokers (4), with where each comes
from.

| version | change |
|---|---|
| 1 | include_synonyms, config_source |
| 2 | responses are sent before throttling |
| 3 | config_type and documentation (KIP-569) |
| 4 | flexible |

Source: DescribeConfigsRequest.json and DescribeConfigsResponse.json of Apache Kafka; KIP-133, KIP-226.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import (
    STRING,
    array_of,
    boolean,
    int8,
    int16,
    int32,
    nullable_string,
    string,
)


@dataclass(slots=True)
class DescribeConfigsResource:
    resource_type: int = int8("0+")
    resource_name: str = string("0+")
    configuration_keys: Sequence[str] | None = array_of(STRING, "0+", nullable="0+")


@dataclass(slots=True)
class DescribeConfigsRequest:
    resources: Sequence[DescribeConfigsResource] = array_of(DescribeConfigsResource, "0+")
    include_synonyms: bool = boolean("1+")
    include_documentation: bool = boolean("3+")


@dataclass(slots=True)
class DescribeConfigsSynonym:
    name: str = string("1+")
    value: str | None = nullable_string("1+", nullable="0+", default="")
    source: int = int8("1+")


@dataclass(slots=True)
class DescribeConfigsResourceResult:
    name: str = string("0+")
    value: str | None = nullable_string("0+", nullable="0+", default="")
    read_only: bool = boolean("0+")
    config_source: int = int8("1+", default=-1)
    is_sensitive: bool = boolean("0+")
    synonyms: Sequence[DescribeConfigsSynonym] = array_of(DescribeConfigsSynonym, "1+")
    config_type: int = int8("3+")
    documentation: str | None = nullable_string("3+", nullable="0+", default="")


@dataclass(slots=True)
class DescribeConfigsResult:
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+", default="")
    resource_type: int = int8("0+")
    resource_name: str = string("0+")
    configs: Sequence[DescribeConfigsResourceResult] = array_of(DescribeConfigsResourceResult, "0+")


@dataclass(slots=True)
class DescribeConfigsResponse:
    throttle_time_ms: int = int32("0+")
    results: Sequence[DescribeConfigsResult] = array_of(DescribeConfigsResult, "0+")
