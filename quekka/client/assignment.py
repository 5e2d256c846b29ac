"""Which partitions a consumer has, where it stands in them, and what it has committed."""

import logging
from collections.abc import Collection, Iterable, Mapping

from quekka.client.fetcher import Fetcher
from quekka.client.membership import Membership
from quekka.client.partition_state import PartitionState
from quekka.client.topic_partition import TopicPartition
from quekka.errors import IllegalStateError, OffsetOutOfRangeError, QuekkaError
from quekka.offset_spec import OffsetSpec

logger = logging.getLogger(__name__)


class Assignment:
    """The states of the assigned partitions, kept in step with the fetcher.

    Threads: one at a time, the consumer's.
    """

    def __init__(self, membership: Membership, fetcher: Fetcher, reset: OffsetSpec | None) -> None:
        """`reset` is where to go where there is no offset, or none that exists; None: raise."""
        self._membership = membership
        self._fetcher = fetcher
        self._reset = reset
        self._states: dict[TopicPartition, PartitionState] = {}

    @property
    def partitions(self) -> set[TopicPartition]:
        return set(self._states)

    def state(self, partition: TopicPartition) -> PartitionState:
        """Raises IllegalStateError for a partition that is not assigned."""
        try:
            return self._states[partition]
        except KeyError:
            raise IllegalStateError(f"{partition} is not assigned to this consumer") from None

    def states(self) -> list[PartitionState]:
        return list(self._states.values())

    def add(self, partitions: Collection[TopicPartition]) -> None:
        """Begin with `partitions` at what is committed, else where `auto_offset_reset` says."""
        committed = self._committed(partitions)
        missing = [partition for partition in partitions if partition not in committed]
        starts = committed | self._reset_offsets(missing, "nothing is committed for")
        for partition in partitions:
            self._states[partition] = PartitionState(partition, starts[partition], committed.get(partition))
        self._fetcher.assign(self._states.values())

    def remove(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget `partitions` and what was fetched of them."""
        for partition in partitions:
            self._states.pop(partition).forget()
        self._fetcher.assign(self._states.values())

    def adopt_commits(self) -> None:
        """Go on where another member has committed meanwhile; for a member that had left the group."""
        for partition, offset in self._committed(self._states).items():
            state = self._states[partition]
            if state.committed != offset:
                state.committed = offset
                self.seek(partition, offset)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        state = self.state(partition)
        state.seek(offset)
        self._fetcher.interrupt(state)

    def seek_to(self, wanted: Mapping[TopicPartition, OffsetSpec]) -> None:
        """Go where the specs mean now."""
        for partition in wanted:
            self.state(partition)
        for partition, offset in self._membership.offsets(wanted).items():
            self.seek(partition, offset)

    def reset_lost(self) -> None:
        """Find a new position for partitions whose old one is out of range; raises OffsetOutOfRangeError."""
        lost = {
            state.topic_partition: state.needs_reset for state in self._states.values() if state.needs_reset
        }
        if not lost:
            return
        if self._reset is None:
            raise OffsetOutOfRangeError("; ".join(f"{name}: {why}" for name, why in lost.items()))
        for partition, offset in self._reset_offsets(list(lost), "out of range:").items():
            logger.warning("%s: going to %d (auto_offset_reset): %s", partition, offset, lost[partition])
            self.seek(partition, offset)

    def uncommitted(self, partitions: Iterable[TopicPartition] | None = None) -> dict[TopicPartition, int]:
        """Positions that differ from what is committed."""
        states = self._states.values() if partitions is None else map(self.state, partitions)
        return {
            state.topic_partition: state.position for state in states if state.position != state.committed
        }

    def commit(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, QuekkaError]:
        """Commit, and remember what was; answers what was refused, each with why."""
        refused = self._membership.commit(offsets)
        for partition, offset in offsets.items():
            if partition in self._states and partition not in refused:
                self._states[partition].committed = offset
        return refused

    def _committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        if not self._membership.has_group:
            return {}
        wanted = set(partitions)
        committed = self._membership.committed(sorted({partition.topic for partition in wanted}))
        return {partition: offset for partition, offset in committed.items() if partition in wanted}

    def _reset_offsets(self, partitions: Collection[TopicPartition], why: str) -> dict[TopicPartition, int]:
        if partitions and self._reset is None:
            names = ", ".join(str(partition) for partition in partitions)
            raise OffsetOutOfRangeError(f"{why} {names}, and auto_offset_reset is none")
        if self._reset is None:
            return {}
        return self._membership.offsets(dict.fromkeys(partitions, self._reset))
