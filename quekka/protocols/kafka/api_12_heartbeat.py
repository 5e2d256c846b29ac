"""Heartbeat (key 12): a member says that it is alive, and learns of a rebalance.

| version | change |
|---|---|
| 1 | throttle_time_ms |
| 2 | responses are sent before throttling |
| 3 | group_instance_id (KIP-345) |
| 4 | flexible |

Source: HeartbeatRequest.json and HeartbeatResponse.json of Apache Kafka.
"""

from dataclasses import dataclass

from quekka.protocols.kafka.fields import int16, int32, nullable_string, string


@dataclass(slots=True)
class HeartbeatRequest:
    group_id: str = string("0+")
    generation_id: int = int32("0+")
    member_id: str = string("0+")
    group_instance_id: str | None = nullable_string("3+", nullable="3+")


@dataclass(slots=True)
class HeartbeatResponse:
    throttle_time_ms: int = int32("1+")
    error_code: int = int16("0+")
