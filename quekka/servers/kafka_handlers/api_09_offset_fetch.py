"""OffsetFetch (key 9), versions 1 to 9: what groups have committed.

A partition without a committed offset is answered with offset -1 and no error, whether the group, the topic
or the partition is not known or has only never committed: clients take any error here for a reason to give
up, while -1 sends them to `auto.offset.reset`. A topic list that is null (from version 2 on) asks for all
that the group has committed. From version 8 on several groups are asked for at once.

`require_stable` (from version 7 on) makes no difference: an offset is here only when it is committed. Nor do
`member_id` and `member_epoch` (version 9), which are for groups that another protocol (KIP-848) coordinates.
"""

from collections.abc import Iterable, Sequence

from quekka.broker.offset_store import CommittedOffset, OffsetStore
from quekka.formats.offset_commit import NO_LEADER_EPOCH
from quekka.protocols.kafka.api_09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from quekka.servers.kafka_session import KafkaSession

SEVERAL_GROUPS_FROM = 8
NO_OFFSET = -1

AskedTopics = Sequence[OffsetFetchRequestTopic] | Sequence[OffsetFetchRequestTopics] | None


def offset_fetch(session: KafkaSession, request: OffsetFetchRequest, version: int) -> OffsetFetchResponse:
    """The committed offsets of one group, or of several."""
    offsets = session.broker.groups.offsets
    if version < SEVERAL_GROUPS_FROM:
        return OffsetFetchResponse(
            topics=[
                OffsetFetchResponseTopic(
                    name,
                    [
                        OffsetFetchResponsePartition(
                            number, *_committed(offsets, request.group_id, name, number)
                        )
                        for number in numbers
                    ],
                )
                for name, numbers in _places(offsets, request.group_id, request.topics)
            ]
        )
    return OffsetFetchResponse(
        groups=[
            OffsetFetchResponseGroup(asked.group_id, _group_topics(offsets, asked.group_id, asked.topics))
            for asked in request.groups
        ]
    )


def _group_topics(offsets: OffsetStore, group: str, topics: AskedTopics) -> list[OffsetFetchResponseTopics]:
    return [
        OffsetFetchResponseTopics(
            name,
            [
                OffsetFetchResponsePartitions(number, *_committed(offsets, group, name, number))
                for number in numbers
            ],
        )
        for name, numbers in _places(offsets, group, topics)
    ]


def _places(offsets: OffsetStore, group: str, topics: AskedTopics) -> Iterable[tuple[str, Sequence[int]]]:
    """The partitions asked for, by topic; all that the group has committed where that is asked for."""
    if topics is not None:
        return [(topic.name, topic.partition_indexes) for topic in topics]
    places: dict[str, list[int]] = {}
    for name, number in sorted(offsets.committed_by(group)):
        places.setdefault(name, []).append(number)
    return places.items()


def _committed(offsets: OffsetStore, group: str, topic: str, number: int) -> tuple[int, int, str]:
    """Offset, leader epoch and metadata."""
    committed: CommittedOffset | None = offsets.committed(group, topic, number)
    if committed is None:
        return NO_OFFSET, NO_LEADER_EPOCH, ""
    return committed.offset, committed.leader_epoch, committed.metadata
