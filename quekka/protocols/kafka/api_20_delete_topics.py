"""DeleteTopics (key 20): remove topics with all their records.

| version | change |
|---|---|
| 2 | responses are sent before throttling |
| 3 | TOPIC_DELETION_DISABLED may be answered |
| 4 | flexible |
| 5 | error_message; THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599) |
| 6 | topics by name or id, in `topics` (KIP-516) |

Source: DeleteTopicsRequest.json and DeleteTopicsResponse.json of Apache Kafka.
"""

# ruff: noqa: RUF009 - the calls make dataclass fields, not defaults that are shared

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from quekka.protocols.kafka.fields import STRING, array_of, int16, int32, nullable_string, uuid


@dataclass(slots=True)
class DeleteTopicState:
    name: str | None = nullable_string("6+", nullable="6+")
    topic_id: UUID = uuid("6+")


@dataclass(slots=True)
class DeleteTopicsRequest:
    topics: Sequence[DeleteTopicState] = array_of(DeleteTopicState, "6+")
    topic_names: Sequence[str] = array_of(STRING, "0-5")
    timeout_ms: int = int32("0+")


@dataclass(slots=True)
class DeletableTopicResult:
    name: str | None = nullable_string("0+", nullable="6+", default="")
    topic_id: UUID = uuid("6+")
    error_code: int = int16("0+")
    error_message: str | None = nullable_string("5+", nullable="5+")


@dataclass(slots=True)
class DeleteTopicsResponse:
    throttle_time_ms: int = int32("1+")
    responses: Sequence[DeletableTopicResult] = array_of(DeletableTopicResult, "0+")
