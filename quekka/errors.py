"""Every failure that has a name: Kafka's word and number where Kafka has one, Quekka's own word else.

A broker raises these and a client raises the same ones, so a program that catches `OffsetOutOfRangeError`
does not care on which side of the socket it runs. The word (`code`) is what the text protocol prints after
`-ERR`, the number is what the Kafka protocol carries (source: org.apache.kafka.common.protocol.Errors).
Words that Kafka does not have carry number -1, UNKNOWN_SERVER_ERROR, on the Kafka wire.
"""

from typing import ClassVar, Self

MESSAGE_CHARACTERS_MAX = 8000
"""Of a longer message, as one with a name that somebody made up, only the beginning is told: in UTF-8 it has
to fit into a string of the Kafka protocol.
"""


class QuekkaError(Exception):
    """The base of all: something failed, and `code` is the word for it."""

    code: ClassVar[str] = "UNKNOWN_SERVER_ERROR"
    number: ClassVar[int] = -1
    retriable: ClassVar[bool] = False
    """True where the same request may succeed later without a change by the caller."""

    def __init__(self, message: str = "") -> None:
        self.message = message[:MESSAGE_CHARACTERS_MAX] or self.code
        super().__init__(self.message)

    def without_frames(self) -> Self:
        """The same error, fit to be kept for later than its `except`.

        A traceback keeps frames alive, and they all that was in their variables, such as records that were
        decompressed to find that they are damaged; so do the errors that it came of.
        """
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


class OffsetOutOfRangeError(QuekkaError):
    """The offset lies before the log start offset or after the log end offset."""

    code = "OFFSET_OUT_OF_RANGE"
    number = 1


class CorruptMessageError(QuekkaError):
    """Bytes that are no record batch, or whose CRC-32C does not match."""

    code = "CORRUPT_MESSAGE"
    number = 2


class UnknownTopicOrPartitionError(QuekkaError):
    code = "UNKNOWN_TOPIC_OR_PARTITION"
    number = 3
    retriable = True


class RequestTimedOutError(QuekkaError):
    code = "REQUEST_TIMED_OUT"
    number = 7
    retriable = True


class MessageTooLargeError(QuekkaError):
    """Larger than the topic's max.message.bytes."""

    code = "MESSAGE_TOO_LARGE"
    number = 10


class OffsetMetadataTooLargeError(QuekkaError):
    code = "OFFSET_METADATA_TOO_LARGE"
    number = 12


class NetworkError(QuekkaError, ConnectionError):
    """The broker cannot be reached, or the connection to it broke; the message names the address."""

    code = "NETWORK_EXCEPTION"
    number = 13
    retriable = True


class CoordinatorNotAvailableError(QuekkaError):
    code = "COORDINATOR_NOT_AVAILABLE"
    number = 15
    retriable = True


class InvalidTopicError(QuekkaError):
    """A topic name outside the rules, or one of the broker's own."""

    code = "INVALID_TOPIC_EXCEPTION"
    number = 17


class RecordListTooLargeError(QuekkaError):
    """A batch larger than a whole segment."""

    code = "RECORD_LIST_TOO_LARGE"
    number = 18


class InvalidRequiredAcksError(QuekkaError):
    code = "INVALID_REQUIRED_ACKS"
    number = 21


class IllegalGenerationError(QuekkaError):
    code = "ILLEGAL_GENERATION"
    number = 22


class InconsistentGroupProtocolError(QuekkaError):
    """The group has members of another kind."""

    code = "INCONSISTENT_GROUP_PROTOCOL"
    number = 23


class InvalidGroupIdError(QuekkaError):
    code = "INVALID_GROUP_ID"
    number = 24


class UnknownMemberIdError(QuekkaError):
    code = "UNKNOWN_MEMBER_ID"
    number = 25


class InvalidSessionTimeoutError(QuekkaError):
    code = "INVALID_SESSION_TIMEOUT"
    number = 26


class RebalanceInProgressError(QuekkaError):
    """The partition is not, or no longer, this member's."""

    code = "REBALANCE_IN_PROGRESS"
    number = 27
    retriable = True


class TopicAuthorizationFailedError(QuekkaError):
    code = "TOPIC_AUTHORIZATION_FAILED"
    number = 29


class InvalidTimestampError(QuekkaError):
    code = "INVALID_TIMESTAMP"
    number = 32


class UnsupportedVersionError(QuekkaError):
    code = "UNSUPPORTED_VERSION"
    number = 35


class TopicAlreadyExistsError(QuekkaError):
    code = "TOPIC_ALREADY_EXISTS"
    number = 36


class InvalidPartitionsError(QuekkaError):
    code = "INVALID_PARTITIONS"
    number = 37


class InvalidReplicationFactorError(QuekkaError):
    code = "INVALID_REPLICATION_FACTOR"
    number = 38


class InvalidConfigError(QuekkaError):
    """A setting that does not exist, or a value it cannot have."""

    code = "INVALID_CONFIG"
    number = 40


class InvalidRequestError(QuekkaError):
    code = "INVALID_REQUEST"
    number = 42


class OutOfOrderSequenceNumberError(QuekkaError):
    code = "OUT_OF_ORDER_SEQUENCE_NUMBER"
    number = 45


class DuplicateSequenceNumberError(QuekkaError):
    code = "DUPLICATE_SEQUENCE_NUMBER"
    number = 46


class InvalidProducerEpochError(QuekkaError):
    code = "INVALID_PRODUCER_EPOCH"
    number = 47


class InvalidTxnStateError(QuekkaError):
    code = "INVALID_TXN_STATE"
    number = 48


class KafkaStorageError(QuekkaError):
    """The disk refused: no space, an I/O error, or a log closed to appends after a failed fsync."""

    code = "KAFKA_STORAGE_ERROR"
    number = 56
    retriable = True


class NonEmptyGroupError(QuekkaError):
    code = "NON_EMPTY_GROUP"
    number = 68


class GroupIdNotFoundError(QuekkaError):
    code = "GROUP_ID_NOT_FOUND"
    number = 69


class UnsupportedCompressionTypeError(QuekkaError):
    """The codec is unknown, or its library (`quekka[codecs]`) is not installed."""

    code = "UNSUPPORTED_COMPRESSION_TYPE"
    number = 76


class MemberIdRequiredError(QuekkaError):
    """A consumer came without a member id: it is to come again with `member_id` (KIP-394)."""

    code = "MEMBER_ID_REQUIRED"
    number = 79

    def __init__(self, message: str = "", member_id: str = "") -> None:
        super().__init__(message)
        self.member_id = member_id


class GroupMaxSizeReachedError(QuekkaError):
    """The group has `group.max.size` members."""

    code = "GROUP_MAX_SIZE_REACHED"
    number = 81


class FencedInstanceIdError(QuekkaError):
    """Another member has come with the same group instance id (KIP-345)."""

    code = "FENCED_INSTANCE_ID"
    number = 82


class InvalidRecordError(QuekkaError):
    code = "INVALID_RECORD"
    number = 87


class PolicyViolationError(QuekkaError):
    code = "POLICY_VIOLATION"
    number = 44


class UnknownCommandError(QuekkaError):
    """The text protocol has no such command."""

    code = "UNKNOWN_COMMAND"


class BadRequestError(QuekkaError):
    """A text request with words missing, too many, or malformed."""

    code = "BAD_REQUEST"


class LineTooLongError(QuekkaError):
    code = "LINE_TOO_LONG"


class TooManyConnectionsError(QuekkaError):
    code = "TOO_MANY_CONNECTIONS"
    retriable = True


class ShuttingDownError(QuekkaError):
    code = "SHUTTING_DOWN"
    retriable = True


class DataDirInUseError(QuekkaError):
    """Another broker, in this process or another, has the data directory open."""

    code = "DATA_DIR_IN_USE"


class ThrottlingError(QuekkaError):
    """The topic's append queue stayed full for as long as the request was willing to wait."""

    code = "THROTTLING_QUOTA_EXCEEDED"
    number = 89
    retriable = True


class BufferExhaustedError(QuekkaError):
    """A producer's memory stayed full of unsent records for as long as the caller would wait."""

    code = "BUFFER_EXHAUSTED"
    retriable = True


class IllegalStateError(QuekkaError):
    """A client that is closed, or not set up for what it was asked to do."""

    code = "ILLEGAL_STATE"


class UnknownServerError(QuekkaError):
    """A fault of the broker itself; its log has the traceback."""


def _all_errors(base: type[QuekkaError]) -> dict[str, type[QuekkaError]]:
    found: dict[str, type[QuekkaError]] = {}
    for kind in base.__subclasses__():
        found[kind.code] = kind
        found.update(_all_errors(kind))
    return found


ERRORS_BY_CODE: dict[str, type[QuekkaError]] = _all_errors(QuekkaError)
"""Word to class, for a client that reads the word off the wire."""


def error_for(code: str, message: str) -> QuekkaError:
    """The exception that `-ERR <code> <message>` stands for; an unknown word is kept in the text."""
    kind = ERRORS_BY_CODE.get(code)
    if kind is None:
        return UnknownServerError(f"{code} {message}")
    return kind(message)
