"""ListPartitionReassignments: none."""

from kafka_wire import KafkaWire

from quekka.protocols.kafka.api_46_list_partition_reassignments import ListPartitionReassignmentsRequest


def test_nothing_is_being_moved(wire: KafkaWire) -> None:
    response = wire.ask(46, 0, ListPartitionReassignmentsRequest())
    assert (response.error_code, response.error_message, response.topics) == (0, None, ())
