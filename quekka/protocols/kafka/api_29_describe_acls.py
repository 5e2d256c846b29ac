"""DescribeAcls (key 29): who may do what.

| version | change |
|---|---|
| 1 | pattern types (KIP-290) |
| 2 | flexible |
| 3 | the resource type USER (KIP-373) |

Source: DescribeAclsRequest.json and DescribeAclsResponse.json of Apache Kafka; KIP-140.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int8, int16, int32, nullable_string, string


@dataclass(slots=True)
class DescribeAclsRequest:
    resource_type_filter: int = int8("0+")
    resource_name_filter: str | None = nullable_string("0+", nullable="0+", default="")
    pattern_type_filter: int = int8("1+", default=3)
    principal_filter: str | None = nullable_string("0+", nullable="0+", default="")
    host_filter: str | None = nullable_string("0+", nullable="0+", default="")
    operation: int = int8("0+")
    permission_type: int = int8("0+")


@dataclass(slots=True)
class AclDescription:
    principal: str = string("0+")
    host: str = string("0+")
    operation: int = int8("0+")
    permission_type: int = int8("0+")


@dataclass(slots=True)
class DescribeAclsResource:
    resource_type: int = int8("0+")
    resource_name: str = string("0+")
    pattern_type: int = int8("1+", default=3)
    acls: Sequence[AclDescription] = array_of(AclDescription, "0+")


@dataclass(slots=True)
class DescribeAclsResponse:
    throttle_time_ms: int = int32("0+")
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+", default="")
    resources: Sequence[DescribeAclsResource] = array_of(DescribeAclsResource, "0+")
