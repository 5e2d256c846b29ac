"""ElectLeaders (key 43), versions 0 to 2: nothing to elect, the one replica leads already.

So each partition that is named is ELECTION_NOT_NEEDED; of those that are not named (null asks for all) only
elections that were held would be told. Since version 1 there are two types of election, 0 for the preferred
leader and 1 for an unclean one; another type is INVALID_REQUEST.
"""

from quekka.errors import InvalidRequestError, QuekkaError
from quekka.protocols.kafka.api_43_elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)
from quekka.servers.kafka_errors import NO_ERROR, ElectionNotNeededError
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import KafkaSession

ELECTION_TYPES = (0, 1)


def elect_leaders(session: KafkaSession, request: ElectLeadersRequest, _version: int) -> ElectLeadersResponse:
    kind = request.election_type
    return ElectLeadersResponse(
        error_code=NO_ERROR if kind in ELECTION_TYPES else InvalidRequestError.number,
        replica_election_results=[
            ReplicaElectionResult(
                asked.topic, [_answer(session, kind, asked.topic, index) for index in asked.partitions]
            )
            for asked in request.topic_partitions or ()
        ],
    )


def _answer(session: KafkaSession, kind: int, topic: str, index: int) -> PartitionResult:
    try:
        if kind not in ELECTION_TYPES:
            raise InvalidRequestError(f"there is no election of type {kind}")
        find_partition(session, topic, index)
        error: QuekkaError = ElectionNotNeededError(f"{topic}/{index} is led by the only replica")
    except QuekkaError as failure:
        error = failure
    return PartitionResult(index, session.error_number(error), error.message)
