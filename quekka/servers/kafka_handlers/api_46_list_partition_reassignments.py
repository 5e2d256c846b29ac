"""ListPartitionReassignments (key 46), version 0: none, for there is nowhere to move a partition to."""

from quekka.protocols.kafka.api_46_list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)
from quekka.servers.kafka_session import KafkaSession


def list_partition_reassignments(
    _session: KafkaSession, _request: ListPartitionReassignmentsRequest, _version: int
) -> ListPartitionReassignmentsResponse:
    return ListPartitionReassignmentsResponse(error_message=None)
