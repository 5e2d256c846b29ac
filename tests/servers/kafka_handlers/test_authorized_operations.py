"""Everything is allowed, in Kafka's bits."""

from quekka.servers.kafka_handlers.authorized_operations import (
    CLUSTER_OPERATIONS,
    GROUP_OPERATIONS,
    NOT_ASKED_FOR,
    TOPIC_OPERATIONS,
)


def test_the_bits_are_those_of_a_kafka_without_authorizer() -> None:
    assert TOPIC_OPERATIONS == 0b1101_1111_1000
    assert CLUSTER_OPERATIONS == 0b1_1111_1010_0000
    assert GROUP_OPERATIONS == 0b1_0100_1000
    assert NOT_ASKED_FOR == -2147483648
