"""ListGroups (key 16): the groups that there are.

| version | change |
|---|---|
| 1 | throttle_time_ms |
| 2 | responses are sent before throttling |
| 3 | flexible |
| 4 | states_filter, group_state (KIP-518) |
| 5 | types_filter, group_type (KIP-848) |

Source: ListGroupsRequest.json and ListGroupsResponse.json of Apache Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import STRING, array_of, int16, int32, string


@dataclass(slots=True)
class ListGroupsRequest:
    states_filter: Sequence[str] = array_of(STRING, "4+")
    types_filter: Sequence[str] = array_of(STRING, "5+")


@dataclass(slots=True)
class ListedGroup:
    group_id: str = string("0+")
    protocol_type: str = string("0+")
    group_state: str = string("4+")
    group_type: str = string("5+")


@dataclass(slots=True)
class ListGroupsResponse:
    throttle_time_ms: int = int32("1+")
    error_code: int = int16("0+")
    groups: Sequence[ListedGroup] = array_of(ListedGroup, "0+")
