"""FindCoordinator (key 10): which broker coordinates a group (key_type 0) or a transactional id (key_type
1).

| version | change |
|---|---|
| 1 | key_type; throttle_time_ms and error_message |
| 2 | responses are sent before throttling |
| 3 | flexible |
| 4 | several keys at once (KIP-699) |
| 5 | TRANSACTION_ABORTABLE may be answered (KIP-890) |

Source: FindCoordinatorRequest.json and FindCoordinatorResponse.json of Apache Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quekka.protocols.kafka.fields import STRING, array_of, int8, int16, int32, nullable_string, string


@dataclass(slots=True)
class FindCoordinatorRequest:
    key: str = string("0-3")
    key_type: int = int8("1+")
    coordinator_keys: Sequence[str] = array_of(STRING, "4+")


@dataclass(slots=True)
class Coordinator:
    key: str = string("4+")
    node_id: int = int32("4+")
    host: str = string("4+")
    port: int = int32("4+")
    error_code: int = int16("4+")
    error_message: str | None = nullable_string("4+", nullable="4+", default="")


@dataclass(slots=True)
class FindCoordinatorResponse:
    throttle_time_ms: int = int32("1+")
    error_code: int = int16("0-3")
    error_message: str | None = nullable_string("1-3", nullable="1-3", default="")
    node_id: int = int32("0-3")
    host: str = string("0-3")
    port: int = int32("0-3")
    coordinators: Sequence[Coordinator] = array_of(Coordinator, "4+")
