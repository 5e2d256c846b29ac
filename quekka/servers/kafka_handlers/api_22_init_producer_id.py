"""InitProducerId (key 22), versions 0 to 5: a producer id for a producer that wants to be idempotent.

Whoever asks gets a new id with epoch 0, also who names the id and epoch it had (version 3 and above), as in
Kafka; an id without an epoch, or the reverse, is INVALID_REQUEST. Transactions are not served: a
transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, an error after which clients tell
their program instead of trying again.
"""

from quekka.errors import InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_22_init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from quekka.servers.kafka_errors import TransactionalIdAuthorizationFailedError
from quekka.servers.kafka_session import KafkaSession

FIRST_EPOCH = 0
NO_PRODUCER_ID = -1
NO_PRODUCER_EPOCH = -1


def init_producer_id(
    session: KafkaSession, request: InitProducerIdRequest, _version: int
) -> InitProducerIdResponse:
    """A new id, or the error that says why not."""
    try:
        _check_request(request)
        producer_id = session.broker.producer_ids.next_id()
    except QuekkaError as error:
        return InitProducerIdResponse(
            error_code=session.error_number(error), producer_epoch=NO_PRODUCER_EPOCH
        )
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=FIRST_EPOCH)


def _check_request(request: InitProducerIdRequest) -> None:
    """Raises TransactionalIdAuthorizationFailedError, InvalidRequestError."""
    if request.transactional_id == "":
        raise InvalidRequestError("an empty transactional id")
    if request.transactional_id is not None:
        raise TransactionalIdAuthorizationFailedError("transactions are not served")
    producer_id, epoch = request.producer_id, request.producer_epoch
    if (producer_id == NO_PRODUCER_ID) != (epoch == NO_PRODUCER_EPOCH):
        raise InvalidRequestError(f"producer id {producer_id} with epoch {epoch}: one without the other")
