"""ApiVersions (key 18): which requests the broker serves; the first request on a connection. A version that
is not served is answered in version 0, with the whole list (KIP-511), see `framing`.

| version | change |
|---|---|
| 1 | throttle_time_ms |
| 2 | responses are sent before throttling |
| 3 | flexible except for the response's header; client_software_name (KIP-511); features (KIP-584) |
| 4 | features may have min_version 0 (KAFKA-17011) |

Source: ApiVersionsRequest.json and ApiVersionsResponse.json of Apache Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.api_keys import APIS
from quekka.protocols.kafka.fields import array_of, boolean, int16, int32, int64, string


@dataclass(slots=True)
class ApiVersionsRequest:
    client_software_name: str = string("3+")
    client_software_version: str = string("3+")


@dataclass(slots=True)
class ApiVersion:
    api_key: int = int16("0+")
    min_version: int = int16("0+")
    max_version: int = int16("0+")


@dataclass(slots=True)
class SupportedFeatureKey:
    name: str = string("3+")
    min_version: int = int16("3+")
    max_version: int = int16("3+")


@dataclass(slots=True)
class FinalizedFeatureKey:
    name: str = string("3+")
    max_version_level: int = int16("3+")
    min_version_level: int = int16("3+")


@dataclass(slots=True)
class ApiVersionsResponse:
    error_code: int = int16("0+")
    api_keys: Sequence[ApiVersion] = array_of(ApiVersion, "0+")
    throttle_time_ms: int = int32("1+")
    supported_features: Sequence[SupportedFeatureKey] = array_of(SupportedFeatureKey, "3+", tag=0)
    finalized_features_epoch: int = int64("3+", default=-1, tag=1)
    finalized_features: Sequence[FinalizedFeatureKey] = array_of(FinalizedFeatureKey, "3+", tag=2)
    zk_migration_ready: bool = boolean("3+", tag=3)


def api_versions() -> list[ApiVersion]:
    """What is served, for the response."""
    return [ApiVersion(api.key, api.versions.first, api.versions.last) for api in APIS]
