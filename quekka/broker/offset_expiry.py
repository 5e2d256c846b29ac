"""Committed offsets of groups that have gone away are not kept for ever.

An offset expires `offsets.retention.minutes` after the last of these:

    its commit
    the time at which its group lost its last member
    the start of the broker, which does not know how long a group had been empty before

While a group has members, offsets of the topics that they read do not expire, and none while it rebalances,
or where what its members read is not known. An expired offset is deleted by a tombstone; a group that is
Empty and has no committed offset left is forgotten.

Source: org.apache.kafka.coordinator.group.OffsetMetadataManager.cleanupExpiredOffsets and
ClassicGroup.offsetExpirationCondition; KIP-211. Kafka stores when a group became empty, so there the start of
the broker does not count; and what is committed to a group that is Empty counts here, there it does not.
"""

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from quekka.broker.config import BrokerConfig
from quekka.broker.group_coordinator import GroupCoordinator
from quekka.broker.offset_store import CommittedOffset, TopicPartition
from quekka.clock import Clock
from quekka.errors import QuekkaError

logger = logging.getLogger(__name__)

MS_PER_MINUTE = 60_000


class Idleness(NamedTuple):
    """What decides about a group's offsets, besides their own age.

    Threads: any; immutable.
    """

    since_ms: int
    """Wall time since which, at the earliest, nobody used the group."""
    topics_in_use: frozenset[str]


def expired(
    committed: Mapping[TopicPartition, CommittedOffset], idleness: Idleness, before_ms: int
) -> list[TopicPartition]:
    """The offsets that nobody has used since `before_ms`."""
    return [
        place
        for place, offset in committed.items()
        if place[0] not in idleness.topics_in_use
        and max(offset.commit_timestamp_ms, idleness.since_ms) <= before_ms
    ]


class OffsetExpiry:
    """Deletes what has expired, of all groups.

    Threads: `expire_all` by one at a time, which waits for the appends.
    """

    def __init__(self, groups: GroupCoordinator, clock: Clock, config: Callable[[], BrokerConfig]) -> None:
        self._groups = groups
        self._clock = clock
        self._config = config
        self._started_ms = clock.wall_ms()

    def expire_all(self, is_stopping: Callable[[], bool]) -> None:
        """Look at every group once."""
        for group in self._groups.names():
            if is_stopping():
                return
            try:
                self._expire(group)
            except QuekkaError as error:
                logger.error("group %s: offsets will expire later: %s", group, error.message)

    def _expire(self, group: str) -> None:
        topics_in_use = self._groups.topics_in_use(group)
        if topics_in_use is None:
            return
        since_ms = max(self._started_ms, self._groups.emptied_ms(group))
        idleness = Idleness(since_ms, topics_in_use)
        before_ms = self._clock.wall_ms() - self._config().offsets_retention_minutes * MS_PER_MINUTE
        count = self._groups.offsets.expire(
            group, lambda committed: expired(committed, idleness, before_ms)
        )
        if count:
            logger.info("group %s: %d committed offsets have expired", group, count)
        self._groups.forget_if_unused(group)
