"""OffsetCommit (key 8), versions 2 to 9: store how far a group has read.

Two kinds of clients commit. Members name their generation and member id, and are taken at their word while
both are right. Who only commits (generation -1, no member id) may do so while the group has no members. A
member of a group of which nothing is known is told ILLEGAL_GENERATION, also in version 9, for which Kafka has
GROUP_ID_NOT_FOUND: a restart of the broker forgets members, and Java's consumer joins again after the one and
fails after the other (ConsumerCoordinator.OffsetCommitResponseHandler).

What is wrong with the whole request is said for every partition, since the response has no other place for
it. What is wrong with one partition (there is none, metadata too long) leaves the others to be committed, all
of these in one append. `retention_time_ms` (up to version 4) is without effect: it is the broker's to decide.
A group needs a name here; Kafka also keeps offsets for the group without one.
"""

from collections.abc import Iterator

from quekka.broker.offset_store import OffsetAndMetadata, TopicPartition
from quekka.errors import (
    CoordinatorNotAvailableError,
    KafkaStorageError,
    PolicyViolationError,
    QuekkaError,
    ThrottlingError,
)
from quekka.protocols.kafka.api_08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from quekka.servers.kafka_errors import NO_ERROR
from quekka.servers.kafka_handlers.group_id import check_group_id
from quekka.servers.kafka_handlers.places import find_partition
from quekka.servers.kafka_session import KafkaSession

Errors = dict[TopicPartition, int]
"""Error numbers by (topic, partition)."""


def offset_commit(session: KafkaSession, request: OffsetCommitRequest, _version: int) -> OffsetCommitResponse:
    """Commit what can be, and say of each partition how it went."""
    errors: Errors = {}
    try:
        _check_group(session, request)
        accepted = _accepted(session, request, errors)
        _store(session, request.group_id, accepted)
    except QuekkaError as error:
        number = session.error_number(error)
        errors = {place: errors.get(place, number) for place, _ in _places(request)}
    return OffsetCommitResponse(
        topics=[
            OffsetCommitResponseTopic(
                topic.name,
                [
                    OffsetCommitResponsePartition(
                        asked.partition_index, errors.get((topic.name, asked.partition_index), NO_ERROR)
                    )
                    for asked in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


def _check_group(session: KafkaSession, request: OffsetCommitRequest) -> None:
    """Whether this client may commit for the group now."""
    groups, config = session.broker.groups, session.broker.config
    has_offsets = bool(groups.offsets.committed_by(check_group_id(request.group_id)))
    groups.classic.check_commit(
        request.group_id,
        request.generation_id_or_member_epoch,
        request.member_id,
        request.group_instance_id,
        has_offsets=has_offsets,
    )
    if not has_offsets and len(groups.offsets.group_names()) >= config.max_groups:
        raise PolicyViolationError(f"there are max.groups={config.max_groups} groups already")


def _accepted(
    session: KafkaSession, request: OffsetCommitRequest, errors: Errors
) -> dict[TopicPartition, OffsetAndMetadata]:
    """What can be committed; why the rest cannot is added to `errors`."""
    accepted = {}
    for place, asked in _places(request):
        metadata = asked.committed_metadata or ""
        try:
            find_partition(session, *place)
            session.broker.groups.offsets.check_metadata(metadata)
        except QuekkaError as error:
            errors[place] = session.error_number(error)
        else:
            accepted[place] = OffsetAndMetadata(
                asked.committed_offset, asked.committed_leader_epoch, metadata
            )
    return accepted


def _store(session: KafkaSession, group: str, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
    """Append; where that fails for now, say so in the one way after which every client commits again."""
    try:
        session.broker.groups.offsets.commit_with_metadata(group, offsets)
    except (KafkaStorageError, ThrottlingError) as error:
        raise CoordinatorNotAvailableError(error.message) from error


def _places(
    request: OffsetCommitRequest,
) -> Iterator[tuple[TopicPartition, OffsetCommitRequestPartition]]:
    for topic in request.topics:
        for asked in topic.partitions:
            yield (topic.name, asked.partition_index), asked
