"""InitProducerId (key 22): a producer id and epoch, for producers that are idempotent or transactional.

| version | change |
|---|---|
| 1 | responses are sent before throttling |
| 2 | flexible |
| 3 | producer_id and producer_epoch, to go on after an error (KIP-360) |
| 4 | PRODUCER_FENCED may be answered |
| 5 | TRANSACTION_ABORTABLE may be answered (KIP-890) |

Source: InitProducerIdRequest.json and InitProducerIdResponse.json of Apache Kafka; KIP-98.
"""

from dataclasses import dataclass

from quekka.protocols.kafka.fields import int16, int32, int64, nullable_string


@dataclass(slots=True)
class InitProducerIdRequest:
    transactional_id: str | None = nullable_string("0+", nullable="0+", default="")
    transaction_timeout_ms: int = int32("0+")
    producer_id: int = int64("3+", default=-1)
    producer_epoch: int = int16("3+", default=-1)


@dataclass(slots=True)
class InitProducerIdResponse:
    throttle_time_ms: int = int32("0+")
    error_code: int = int16("0+")
    producer_id: int = int64("0+", default=-1)
    producer_epoch: int = int16("0+")
