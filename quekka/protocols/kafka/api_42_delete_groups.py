"""DeleteGroups (key 42): remove groups and their committed offsets.

| version | change |
|---|---|
| 1 | responses are sent before throttling |
| 2 | flexible |

Source: DeleteGroupsRequest.json and DeleteGroupsResponse.json of Apache Kafka; KIP-229.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import STRING, array_of, int16, int32, string


@dataclass(slots=True)
class DeleteGroupsRequest:
    groups_names: Sequence[str] = array_of(STRING, "0+")


@dataclass(slots=True)
class DeletableGroupResult:
    group_id: str = string("0+")
    error_code: int = int16("0+")


@dataclass(slots=True)
class DeleteGroupsResponse:
    throttle_time_ms: int = int32("0+")
    results: Sequence[DeletableGroupResult] = array_of(DeletableGroupResult, "0+")
