"""Committed offsets: records in the compacted topic `__consumer_offsets`, in Kafka's format, and a map in
memory.

    key    version 1: group, topic, partition          value  version 3: offset, leader epoch, metadata,
    commit time (the layouts are in formats/offset_commit.py)

A commit is an append like any other, so an acknowledged commit survives what an acknowledged record
survives. The map follows the log: of two commits of one partition, that with the higher log offset counts,
whichever thread comes back from its append first.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from quekka.broker.commit_gate import CommitGate
from quekka.broker.partition import Partition
from quekka.broker.topic import Topic
from quekka.broker.topic_manager import TopicManager
from quekka.clock import Clock
from quekka.errors import CorruptMessageError, KafkaStorageError, OffsetMetadataTooLargeError
from quekka.formats.murmur2 import partition_for_key
from quekka.formats.offset_commit import (
    NO_LEADER_EPOCH,
    TEXT_BYTES_MAX,
    OffsetCommitKey,
    OffsetCommitValue,
    decode_key,
    decode_value,
    encode_key,
    encode_value,
)
from quekka.formats.record import Record
from quekka.formats.record_batch import iter_checked_batches, iter_records
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.batch_walk import BatchSpan
from quekka.storage.damage_scan import scan_segment
from quekka.storage.segment import SegmentView
from quekka.topic_name import OFFSETS_TOPIC

logger = logging.getLogger(__name__)

LOAD_CHUNK_BYTES = 1 << 20


class OffsetAndMetadata(NamedTuple):
    """What a group commits for one partition: the offset to read next, and what the client notes beside it.

    Threads: any; immutable.
    """

    offset: int
    leader_epoch: int = NO_LEADER_EPOCH
    metadata: str = ""


class CommittedOffset(NamedTuple):
    """What a group has committed for one partition.

    Threads: any; immutable.
    """

    offset: int
    leader_epoch: int
    metadata: str
    commit_timestamp_ms: int
    log_offset: int
    """Where in `__consumer_offsets` this stands."""


TopicPartition = tuple[str, int]
Expiry = Callable[[Mapping[TopicPartition, CommittedOffset]], list[TopicPartition]]


class OffsetStore:
    """All groups' committed offsets.

    Threads: `load` before others know the store; the rest by any. Changing the map takes a lock, reading
    does not.
    """

    def __init__(self, topics: TopicManager, clock: Clock, metadata_bytes_max: int) -> None:
        self._topics = topics
        self._clock = clock
        self._metadata_bytes_max = metadata_bytes_max
        self._mutex = threading.Lock()
        self._gate = CommitGate()
        self._groups: dict[str, dict[TopicPartition, CommittedOffset]] = {}

    def load(self) -> int:
        """Read the topic from its start; the number of records seen."""
        topic = self._topics.find(OFFSETS_TOPIC)
        if topic is None:
            return 0
        seen = 0
        for partition in topic.partitions:
            for record in _all_records(partition):
                self._apply_record(record)
                seen += 1
        return seen

    def committed(self, group: str, topic: str, partition: int) -> CommittedOffset | None:
        """What the group committed for a partition, or None."""
        return self._groups.get(group, {}).get((topic, partition))

    def committed_by(self, group: str) -> dict[TopicPartition, CommittedOffset]:
        """All that a group has committed, by (topic, partition)."""
        return dict(self._groups.get(group, {}))

    def group_names(self) -> list[str]:
        """Groups that have committed something."""
        return [group for group, offsets in list(self._groups.items()) if offsets]

    def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Store offsets to read next, as `commit_with_metadata` does, without saying more of them."""
        self.commit_with_metadata(
            group, {place: OffsetAndMetadata(offset) for place, offset in offsets.items()}
        )

    def commit_with_metadata(self, group: str, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Store offsets to read next, all in one batch; returns when they are acknowledged.

        Raises OffsetMetadataTooLargeError, UnknownTopicOrPartitionError for a topic that is gone, and what an
        append raises; nothing is stored then.
        """
        now_ms = self._clock.wall_ms()
        values: dict[TopicPartition, OffsetCommitValue | None] = {}
        for place, (offset, leader_epoch, metadata) in offsets.items():
            self.check_metadata(metadata)
            values[place] = OffsetCommitValue(offset, leader_epoch, metadata, now_ms)
        if values:
            log = self._offsets_topic()
            with self._gate.commit(group):
                # Who deletes a topic takes it out of the map first and then waits for who is in here.
                for topic in {topic for topic, _ in values}:
                    self._topics.get(topic)
                self._append(log, group, values)

    def check_metadata(self, metadata: str) -> None:
        """Raises OffsetMetadataTooLargeError for a text that is too long to be stored with an offset."""
        size_bytes = len(metadata.encode())
        bytes_max = min(self._metadata_bytes_max, TEXT_BYTES_MAX)
        if size_bytes > bytes_max:
            raise OffsetMetadataTooLargeError(
                f"{size_bytes} bytes, more than offset.metadata.max.bytes={bytes_max}"
            )

    def expire(self, group: str, choose: Expiry) -> int:
        """Remove what `choose` names of all that a group has committed; how many that were.

        Nothing expires while the group commits. Raises what an append raises.
        """
        with self._gate.expiry(group) as is_idle:
            places = choose(self.committed_by(group)) if is_idle else []
            self._remove(group, places)
            return len(places)

    def forget(self, group: str, places: list[TopicPartition]) -> None:
        """Remove committed offsets, by tombstones."""
        with self._gate.removal(group):
            self._remove(group, places)

    def forget_topic(self, topic: str) -> None:
        """Remove what any group committed for a topic that is not in the map of topics."""
        # In this order: who is not inside any more has left its offsets in the map.
        concerned = set(self._gate.committing())
        for group, offsets in list(self._groups.items()):
            if any(place[0] == topic for place in list(offsets)):
                concerned.add(group)
        for group in concerned:
            with self._gate.removal(group):
                self._remove(group, [place for place in self.committed_by(group) if place[0] == topic])

    def _remove(self, group: str, places: list[TopicPartition]) -> None:
        if places:
            self._append(self._offsets_topic(), group, dict.fromkeys(places))

    def _append(
        self, log: Topic, group: str, values: Mapping[TopicPartition, OffsetCommitValue | None]
    ) -> None:
        builder = BatchBuilder(self._clock.wall_ms())
        for (name, partition), value in values.items():
            key = encode_key(OffsetCommitKey(group, name, partition))
            builder.append(key, None if value is None else encode_value(value))
        target = log.partition(partition_for_key(group.encode(), len(log.partitions)))
        base_offset = target.append([builder.build()], len(values)).wait()
        for delta, (place, value) in enumerate(values.items()):
            self._apply(group, place, value, base_offset + delta)

    def _offsets_topic(self) -> Topic:
        topic = self._topics.find(OFFSETS_TOPIC)
        return self._topics.create_offsets_topic() if topic is None else topic

    def _apply_record(self, record: Record) -> None:
        try:
            key = None if record.key is None else decode_key(record.key)
            if not isinstance(key, OffsetCommitKey):
                return
            value = None if record.value is None else decode_value(record.value)
        except CorruptMessageError as error:
            logger.warning("%s, offset %d is skipped: %s", OFFSETS_TOPIC, record.offset, error.message)
            return
        self._apply(key.group, (key.topic, key.partition), value, record.offset)

    def _apply(
        self, group: str, place: TopicPartition, value: OffsetCommitValue | None, log_offset: int
    ) -> None:
        with self._mutex:
            offsets = self._groups.setdefault(group, {})
            known = offsets.get(place)
            if known is not None and known.log_offset > log_offset:
                return
            if value is not None:
                offsets[place] = CommittedOffset(
                    value.offset, value.leader_epoch, value.metadata, value.commit_timestamp_ms, log_offset
                )
                return
            offsets.pop(place, None)
            if not offsets:
                del self._groups[group]


def _all_records(partition: Partition) -> Iterator[Record]:
    """All that can be read; damage is told in the log and passed over, so older commits may come to count."""
    view = partition.view()
    for segment in view.segments:
        offset = max(segment.base_offset, view.log_start_offset)
        while offset < segment.next_offset:
            try:
                records, next_offset = _next_records(segment, offset)
            except (CorruptMessageError, KafkaStorageError) as error:
                _report_damage(partition, offset, f"{segment.path}: {error.message}")
                records, next_offset = list(_whole_records(segment, offset)), segment.next_offset
            yield from records
            if next_offset == offset:
                break  # compaction has left nothing between here and the segment's end
            offset = next_offset


def _next_records(segment: SegmentView, offset: int) -> tuple[list[Record], int]:
    """Some records from an offset on, and the offset after them; none of them where one is damaged."""
    records: list[Record] = []
    place = segment.locate(offset, LOAD_CHUNK_BYTES)
    if place is None:
        return records, offset
    data = segment.log_file.get().read(*place)
    for position, header in iter_checked_batches(data, offset, segment.next_offset):
        records += iter_records(data, position, from_offset=offset)
        offset = header.next_offset
    return records, offset


def _whole_records(segment: SegmentView, from_offset: int) -> Iterator[Record]:
    """What a search finds from an offset on in a segment that is damaged."""
    try:
        file = segment.log_file.get()
        for found in scan_segment(file, segment.size_bytes, segment.base_offset, segment.next_offset):
            if isinstance(found, BatchSpan) and found.last_offset >= from_offset:
                yield from iter_records(file.read(found.position, found.size_bytes), from_offset=from_offset)
    except (CorruptMessageError, KafkaStorageError) as error:
        logger.error("damage: %s: the rest of it is passed over: %s", segment.path, error.message)


def _report_damage(partition: Partition, offset: int, problem: str) -> None:
    partition.report_damage(
        offset,
        f"topic {partition.topic_name} partition {partition.index} offset {offset}: {problem}; commits there "
        f"are passed over; quekka-verify-log --repair --cut-damage takes the damage out",
    )
