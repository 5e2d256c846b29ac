"""quekka.errors: words and numbers as Kafka has them, the same on both sides of the socket."""

import re

import pytest

from quekka import errors
from quekka.errors import (
    ERRORS_BY_CODE,
    CorruptMessageError,
    OffsetOutOfRangeError,
    QuekkaError,
    UnknownServerError,
    error_for,
)

KAFKA_NUMBERS = {
    "OFFSET_OUT_OF_RANGE": 1,
    "CORRUPT_MESSAGE": 2,
    "UNKNOWN_TOPIC_OR_PARTITION": 3,
    "REQUEST_TIMED_OUT": 7,
    "MESSAGE_TOO_LARGE": 10,
    "OFFSET_METADATA_TOO_LARGE": 12,
    "COORDINATOR_NOT_AVAILABLE": 15,
    "INVALID_TOPIC_EXCEPTION": 17,
    "RECORD_LIST_TOO_LARGE": 18,
    "INVALID_REQUIRED_ACKS": 21,
    "ILLEGAL_GENERATION": 22,
    "INCONSISTENT_GROUP_PROTOCOL": 23,
    "INVALID_GROUP_ID": 24,
    "UNKNOWN_MEMBER_ID": 25,
    "INVALID_SESSION_TIMEOUT": 26,
    "REBALANCE_IN_PROGRESS": 27,
    "TOPIC_AUTHORIZATION_FAILED": 29,
    "INVALID_TIMESTAMP": 32,
    "UNSUPPORTED_VERSION": 35,
    "TOPIC_ALREADY_EXISTS": 36,
    "INVALID_PARTITIONS": 37,
    "INVALID_REPLICATION_FACTOR": 38,
    "INVALID_CONFIG": 40,
    "INVALID_REQUEST": 42,
    "POLICY_VIOLATION": 44,
    "OUT_OF_ORDER_SEQUENCE_NUMBER": 45,
    "DUPLICATE_SEQUENCE_NUMBER": 46,
    "INVALID_PRODUCER_EPOCH": 47,
    "INVALID_TXN_STATE": 48,
    "KAFKA_STORAGE_ERROR": 56,
    "NON_EMPTY_GROUP": 68,
    "GROUP_ID_NOT_FOUND": 69,
    "UNSUPPORTED_COMPRESSION_TYPE": 76,
    "INVALID_RECORD": 87,
    "THROTTLING_QUOTA_EXCEEDED": 89,
}
"""From org.apache.kafka.common.protocol.Errors."""


@pytest.mark.parametrize(("code", "number"), KAFKA_NUMBERS.items(), ids=KAFKA_NUMBERS)
def test_a_word_of_kafka_has_kafkas_number(code: str, number: int) -> None:
    assert ERRORS_BY_CODE[code].number == number


def test_a_number_stands_for_one_word() -> None:
    numbers = [kind.number for kind in ERRORS_BY_CODE.values() if kind.number >= 0]
    assert len(set(numbers)) == len(numbers)


def test_every_class_has_a_word_of_its_own() -> None:
    classes = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, QuekkaError)
    ]
    named = [kind for kind in classes if kind not in (QuekkaError, UnknownServerError)]
    assert len({kind.code for kind in named}) == len(named)
    assert all(re.fullmatch(r"[A-Z][A-Z_]*", kind.code) for kind in named)


def test_an_error_shows_its_message_or_else_its_word() -> None:
    assert str(OffsetOutOfRangeError("offset 7 of logs")) == "offset 7 of logs"
    assert str(OffsetOutOfRangeError()) == "OFFSET_OUT_OF_RANGE"
    assert OffsetOutOfRangeError("offset 7").message == "offset 7"


def test_a_word_off_the_wire_becomes_the_class_the_broker_raised() -> None:
    error = error_for("OFFSET_OUT_OF_RANGE", "offset 7 of logs")
    assert type(error) is OffsetOutOfRangeError
    assert error.message == "offset 7 of logs"


def test_a_word_not_known_here_keeps_its_place_in_the_text() -> None:
    error = error_for("FROM_THE_FUTURE", "something new")
    assert type(error) is UnknownServerError
    assert error.message == "FROM_THE_FUTURE something new"


def test_an_error_that_is_kept_keeps_no_frame_alive() -> None:
    def fail() -> None:
        try:
            int("no number")
        except ValueError as error:
            raise CorruptMessageError("damaged") from error

    try:
        fail()
    except CorruptMessageError as error:
        kept = error.without_frames()
    assert kept.__traceback__ is kept.__cause__ is kept.__context__ is None
    assert kept.message == "damaged"
