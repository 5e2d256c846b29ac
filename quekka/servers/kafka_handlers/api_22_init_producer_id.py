"""InitProducerId (key 22), versions 0 to 5: a producer id for a producer that wants to be idempotent.

Whoever asks gets a new id with epoch 0, also who names the id and epoch it had (version 3 and above), as in
Kafka. Transactions are not served: a transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
an error after which clients tell their program instead of trying again.
"""

from quekka.errors import InvalidRequestError
from quekka.protocols.kafka.api_22_init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from quekka.servers.kafka_errors import TransactionalIdAuthorizationFailedError
from quekka.servers.kafka_session import KafkaSession

FIRST_EPOCH = 0


def init_producer_id(
    session: KafkaSession, request: InitProducerIdRequest, _version: int
) -> InitProducerIdResponse:
    """Raises TransactionalIdAuthorizationFailedError, InvalidRequestError, and what ProducerIds raises."""
    if request.transactional_id == "":
        raise InvalidRequestError("an empty transactional id")
    if request.transactional_id is not None:
        raise TransactionalIdAuthorizationFailedError("transactions are not served")
    return InitProducerIdResponse(
        producer_id=session.broker.producer_ids.next_id(), producer_epoch=FIRST_EPOCH
    )
