"""Errors that only the Kafka protocol has, and the number that a client is told for any error.

Most errors carry their number with them (quekka/errors.py). Four things are decided here: what a client
makes of a broker that stops, what it makes of a queue that stays full, what is said to versions that are
older than the error (Kafka's KafkaApis does the same for PRODUCER_FENCED), and what is said where clients do
not expect the error (Kafka's ProducerIdManager tells one who wants a producer id to come again).

Source: org.apache.kafka.common.protocol.Errors.
"""

from quekka.errors import (
    KafkaStorageError,
    QuekkaError,
    RequestTimedOutError,
    ShuttingDownError,
    ThrottlingError,
)

NO_ERROR = 0
NOT_LEADER_OR_FOLLOWER = 6
COORDINATOR_LOAD_IN_PROGRESS = 14
COORDINATOR_NOT_AVAILABLE = 15
NOT_CONTROLLER = 41

_PRODUCE = 0
_FETCH = 1
_INIT_PRODUCER_ID = 22


class InvalidReplicaAssignmentError(QuekkaError):
    """Replicas on brokers that do not exist, or partitions that do not begin with 0.

    Threads: any.
    """

    code = "INVALID_REPLICA_ASSIGNMENT"
    number = 39


class TransactionalIdAuthorizationFailedError(QuekkaError):
    """Transactions are not served; of all errors this is the one with which no client tries again.

    Threads: any.
    """

    code = "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
    number = 53


class SecurityDisabledError(QuekkaError):
    """There are no ACLs.

    Threads: any.
    """

    code = "SECURITY_DISABLED"
    number = 54


class FetchSessionIdNotFoundError(QuekkaError):
    """There is no such fetch session, or no more; the client asks for all of its partitions again.

    Threads: any.
    """

    code = "FETCH_SESSION_ID_NOT_FOUND"
    number = 70


class InvalidFetchSessionEpochError(QuekkaError):
    """Another request of the fetch session was expected; the client asks for all of its partitions again.

    Threads: any.
    """

    code = "INVALID_FETCH_SESSION_EPOCH"
    number = 71


class FencedLeaderEpochError(QuekkaError):
    """The client knows an older leader epoch.

    Threads: any.
    """

    code = "FENCED_LEADER_EPOCH"
    number = 74


class UnknownLeaderEpochError(QuekkaError):
    """The client knows a newer leader epoch.

    Threads: any.
    """

    code = "UNKNOWN_LEADER_EPOCH"
    number = 75


class ElectionNotNeededError(QuekkaError):
    """The only replica leads already.

    Threads: any.
    """

    code = "ELECTION_NOT_NEEDED"
    number = 84


class GroupSubscribedToTopicError(QuekkaError):
    """Members of the group read the topic, so its offsets stay.

    Threads: any.
    """

    code = "GROUP_SUBSCRIBED_TO_TOPIC"
    number = 86


class ProducerFencedError(QuekkaError):
    """Another producer has the transactional id now.

    Threads: any.
    """

    code = "PRODUCER_FENCED"
    number = 90


class UnknownTopicIdError(QuekkaError):
    """No topic has this id.

    Threads: any.
    """

    code = "UNKNOWN_TOPIC_ID"
    number = 100


class MismatchedEndpointTypeError(QuekkaError):
    """Controllers were asked for, and this is a broker.

    Threads: any.
    """

    code = "MISMATCHED_ENDPOINT_TYPE"
    number = 114


class UnsupportedEndpointTypeError(QuekkaError):
    """Neither brokers nor controllers were asked for.

    Threads: any.
    """

    code = "UNSUPPORTED_ENDPOINT_TYPE"
    number = 115


_WHILE_STOPPING = {
    **dict.fromkeys((8, 9, 10, 11, 12, 13, 14, 15, 16, 22, 42, 47), COORDINATOR_NOT_AVAILABLE),
    **dict.fromkeys((19, 20, 33, 37, 44), NOT_CONTROLLER),
}
"""By API key, the error after which a client looks for the broker again; for all others it is
NOT_LEADER_OR_FOLLOWER."""

_OLDER_VERSIONS = {
    (_PRODUCE, KafkaStorageError.number): (4, NOT_LEADER_OR_FOLLOWER),
    (_FETCH, KafkaStorageError.number): (6, NOT_LEADER_OR_FOLLOWER),
    (_INIT_PRODUCER_ID, ProducerFencedError.number): (4, 47),
}
"""By API key and error: the first version that knows it, and what older ones are told."""

_UNEXPECTED = {(_INIT_PRODUCER_ID, KafkaStorageError.number): COORDINATOR_LOAD_IN_PROGRESS}
"""By API key and error: an error at which clients would give up, and the one after which they come again."""


def error_number(error: QuekkaError, api_key: int, version: int) -> int:
    """What a response says in `error_code`."""
    if isinstance(error, ShuttingDownError):
        return _WHILE_STOPPING.get(api_key, NOT_LEADER_OR_FOLLOWER)
    if isinstance(error, ThrottlingError) and api_key == _PRODUCE:
        return RequestTimedOutError.number  # producers retry this one; librdkafka gives up at the other
    instead = _UNEXPECTED.get((api_key, error.number))
    if instead is not None:
        return instead
    first_version, replacement = _OLDER_VERSIONS.get((api_key, error.number), (0, 0))
    return replacement if version < first_version else error.number
