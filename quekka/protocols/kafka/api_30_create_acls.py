"""CreateAcls (key 30): allow or forbid something.

| version | change |
|---|---|
| 1 | pattern types (KIP-290) |
| 2 | flexible |
| 3 | the resource type USER (KIP-373) |

Source: CreateAclsRequest.json and CreateAclsResponse.json of Apache Kafka; KIP-140.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int8, int16, int32, nullable_string, string


@dataclass(slots=True)
class AclCreation:
    resource_type: int = int8("0+")
    resource_name: str = string("0+")
    resource_pattern_type: int = int8("1+", default=3)
    principal: str = string("0+")
    host: str = string("0+")
    operation: int = int8("0+")
    permission_type: int = int8("0+")


@dataclass(slots=True)
class CreateAclsRequest:
    creations: Sequence[AclCreation] = array_of(AclCreation, "0+")


@dataclass(slots=True)
class AclCreationResult:
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+", default="")


@dataclass(slots=True)
class CreateAclsResponse:
    throttle_time_ms: int = int32("0+")
    results: Sequence[AclCreationResult] = array_of(AclCreationResult, "0+")
