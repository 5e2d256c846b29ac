"""ElectLeaders (key 43), versions 0 to 2: nothing to elect, the one replica leads already.

So each partition that is named is ELECTION_NOT_NEEDED; of those that are not named (null asks for all) only
elections that were held would be told.
"""

from quekka.errors import QuekkaError
from quekka.protocols.kafka.api_43_elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)
from quekka.servers.kafka_errors import ElectionNotNeededError
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import KafkaSession


def elect_leaders(session: KafkaSession, request: ElectLeadersRequest, _version: int) -> ElectLeadersResponse:
    return ElectLeadersResponse(
        replica_election_results=[
            ReplicaElectionResult(
                asked.topic, [_answer(session, asked.topic, index) for index in asked.partitions]
            )
            for asked in request.topic_partitions or ()
        ]
    )


def _answer(session: KafkaSession, topic: str, index: int) -> PartitionResult:
    try:
        find_partition(session, topic, index)
        error: QuekkaError = ElectionNotNeededError(f"{topic}/{index} is led by the only replica")
    except QuekkaError as failure:
        error = failure
    return PartitionResult(index, session.error_number(error), error.message)
