"""The number that a client is told for an error, by request and version."""

import pytest

from quekka import errors
from quekka.errors import ERRORS_BY_CODE, KafkaStorageError, QuekkaError, ShuttingDownError, ThrottlingError
from quekka.servers import kafka_errors
from quekka.servers.kafka_errors import ProducerFencedError, error_number

CASES = {
    "its_own": (errors.UnknownTopicOrPartitionError(), 1, 11, 3),
    "without_a_number": (errors.BadRequestError(), 1, 11, -1),
    "stopping_for_a_fetch": (ShuttingDownError(), 1, 11, 6),
    "stopping_for_a_member": (ShuttingDownError(), 11, 5, 15),
    "stopping_for_an_admin": (ShuttingDownError(), 19, 5, 41),
    "full_queue_for_a_producer": (ThrottlingError(), 0, 9, 7),
    "full_queue_for_others": (ThrottlingError(), 8, 9, 89),
    "storage_before_produce_4": (KafkaStorageError(), 0, 3, 6),
    "storage_since_produce_4": (KafkaStorageError(), 0, 4, 56),
    "storage_before_fetch_6": (KafkaStorageError(), 1, 5, 6),
    "storage_since_fetch_6": (KafkaStorageError(), 1, 6, 56),
    "fenced_before_init_4": (ProducerFencedError(), 22, 3, 47),
    "no_producer_id_to_give": (KafkaStorageError(), 22, 0, 14),
    "fenced_since_init_4": (ProducerFencedError(), 22, 4, 90),
}


@pytest.mark.parametrize(("error", "api_key", "version", "number"), CASES.values(), ids=CASES)
def test_the_number_is(error: QuekkaError, api_key: int, version: int, number: int) -> None:
    assert error_number(error, api_key, version) == number


def test_words_and_numbers_of_the_protocols_own_errors_are_nobody_elses() -> None:
    own = [
        kind
        for kind in vars(kafka_errors).values()
        if isinstance(kind, type) and kind.__module__ == kafka_errors.__name__
    ]
    assert own
    numbers = [kind.number for kind in (*own, *ERRORS_BY_CODE.values()) if kind.number != -1]
    assert len(numbers) == len(set(numbers))
    assert not {kind.code for kind in own} & set(ERRORS_BY_CODE)
