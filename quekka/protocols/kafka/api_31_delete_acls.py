"""DeleteAcls (key 31): take back what CreateAcls said.

| version | change |
|---|---|
| 1 | pattern types (KIP-290) |
| 2 | flexible |
| 3 | the resource type USER (KIP-373) |

Source: DeleteAclsRequest.json and DeleteAclsResponse.json of Apache Kafka; KIP-140.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import array_of, int8, int16, int32, nullable_string, string


@dataclass(slots=True)
class DeleteAclsFilter:
    resource_type_filter: int = int8("0+")
    resource_name_filter: str | None = nullable_string("0+", nullable="0+", default="")
    pattern_type_filter: int = int8("1+", default=3)
    principal_filter: str | None = nullable_string("0+", nullable="0+", default="")
    host_filter: str | None = nullable_string("0+", nullable="0+", default="")
    operation: int = int8("0+")
    permission_type: int = int8("0+")


@dataclass(slots=True)
class DeleteAclsRequest:
    filters: Sequence[DeleteAclsFilter] = array_of(DeleteAclsFilter, "0+")


@dataclass(slots=True)
class DeleteAclsMatchingAcl:
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+", default="")
    resource_type: int = int8("0+")
    resource_name: str = string("0+")
    pattern_type: int = int8("1+", default=3)
    principal: str = string("0+")
    host: str = string("0+")
    operation: int = int8("0+")
    permission_type: int = int8("0+")


@dataclass(slots=True)
class DeleteAclsFilterResult:
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("0+", nullable="0+", default="")
    matching_acls: Sequence[DeleteAclsMatchingAcl] = array_of(DeleteAclsMatchingAcl, "0+")


@dataclass(slots=True)
class DeleteAclsResponse:
    throttle_time_ms: int = int32("0+")
    filter_results: Sequence[DeleteAclsFilterResult] = array_of(DeleteAclsFilterResult, "0+")
