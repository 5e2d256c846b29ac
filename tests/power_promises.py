"""What a broker has promised so far, held against what it gives back after a power cut.

Whoever loads a broker notes here what it sends before it sends it, and what was acknowledged after that. One
request is under way at a time, so what a power cut finds is known but for that one.
"""

import copy
import threading
from dataclasses import dataclass, field

from quekka.broker.broker import BrokerCore
from quekka.broker.partition import Partition
from quekka.formats.record_batch import iter_batches, iter_records, verify_crc
from quekka.topic_name import OFFSETS_TOPIC

READ_BYTES = 100_000

KeyValue = tuple[bytes | None, bytes | None]
Commit = tuple[str, str]
"""A group and a topic, whose partition 0 is meant."""


@dataclass
class IdempotentBatch:
    """A batch of a producer, as it was sent."""

    data: bytes
    producer_id: int
    next_sequence: int
    offset: int = -1
    count: int = 0


@dataclass
class PartitionPromise:
    """One partition: what was appended, and up to where it has to be on disk."""

    records: dict[int, KeyValue] = field(default_factory=dict)
    """By offset, all that was acknowledged, compacted or not."""
    end: int = 0
    durable_end: int = 0
    due: list[tuple[int, int]] = field(default_factory=list)
    """(monotonic ms, log end): from when on the records before that offset have to be on disk."""
    start: int = 0
    """Acknowledged: no record before it may come back."""
    start_max: int = 0
    """The broker has hidden what is before it: these records may be gone."""
    under_way: list[KeyValue] = field(default_factory=list)
    batches: list[IdempotentBatch] = field(default_factory=list)

    def acknowledge(self, offset: int, records: list[KeyValue]) -> None:
        assert offset == self.end, f"acknowledged at offset {offset}, the next one is {self.end}"
        assert self.under_way[: len(records)] == records
        del self.under_way[: len(records)]
        for number, record in enumerate(records, start=offset):
            self.records[number] = record
        self.end = offset + len(records)

    def found(self, start: int, end: int) -> None:
        """A broker was started and has this: from now on it stays."""
        for number, record in enumerate(self.under_way, start=self.end):
            self.records[number] = record
        self.records = {offset: record for offset, record in self.records.items() if offset < end}
        self.end = self.durable_end = end
        self.start = start
        self.start_max = max(self.start_max, start)
        self.under_way, self.due = [], []
        self.batches = [batch for batch in self.batches if batch.offset >= 0 and self._has(batch, start)]

    def _has(self, batch: IdempotentBatch, start: int) -> bool:
        return batch.offset >= start and batch.offset + batch.count <= self.end


@dataclass
class TopicPromise:
    """One topic with its settings."""

    name: str
    settings: dict[str, str]
    partitions: list[PartitionPromise]

    @property
    def is_compacted(self) -> bool:
        return self.settings.get("cleanup.policy") == "compact"


@dataclass
class Doubt:
    """The request that is under way, as far as it is not about records: both may be found."""

    create: TopicPromise | None = None
    delete: str | None = None
    settings: tuple[str, dict[str, str]] | None = None
    partitions: tuple[str, int] | None = None
    start: tuple[str, int, int] | None = None
    commit: tuple[Commit, int] | None = None


@dataclass
class CommitPromise:
    """The commits of one group for one topic, in their order; None for none."""

    values: list[int | None] = field(default_factory=lambda: [None])
    durable: int = 0
    """Which of the values is on disk."""
    due: list[tuple[int, int]] = field(default_factory=list)


class Promises:
    """All of one data directory. Any thread may read it, the loading one writes."""

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        self.topics: dict[str, TopicPromise] = {}
        self.commits: dict[Commit, CommitPromise] = {}
        self.doubt = Doubt()
        self.producer_id_max = -1
        self.checked_records = 0

    def frozen(self, core: BrokerCore | None) -> "Promises":
        """As they are now; with what the running broker has let go of."""
        with self.mutex:
            if core is not None:
                self._note_log_starts(core)
            other = Promises()
            for name in ("topics", "commits", "doubt", "producer_id_max", "checked_records"):
                setattr(other, name, copy.deepcopy(getattr(self, name)))
            return other

    def _note_log_starts(self, core: BrokerCore) -> None:
        for name, promised in self.topics.items():
            topic = core.topics.find(name)
            if topic is not None:
                for promise, partition in zip(promised.partitions, topic.partitions, strict=False):
                    promise.start_max = max(promise.start_max, partition.view().log_start_offset)

    # What has to be on disk by now

    def pass_time(self, now_ms: int) -> None:
        """What has waited for flush.ms is promised from now on."""
        with self.mutex:
            for topic in self.topics.values():
                for promise in topic.partitions:
                    promise.durable_end = max([promise.durable_end, *_passed(promise.due, now_ms)])
            for commit in self.commits.values():
                commit.durable = max([commit.durable, *_passed(commit.due, now_ms)])

    def all_durable(self) -> None:
        """After a clean stop."""
        for topic in self.topics.values():
            for promise in topic.partitions:
                promise.durable_end = promise.end
        for commit in self.commits.values():
            commit.durable = len(commit.values) - 1

    # After a start

    def check(self, core: BrokerCore) -> None:
        """Hold all against what there is, and take what was found as the truth from now on."""
        self._check_topics(core)
        for name, topic in self.topics.items():
            self._check_settings(core, topic)
            partitions = core.topics.get(name).partitions
            more = self.doubt.partitions
            if more is not None and more[0] == name and len(partitions) == more[1]:
                topic.partitions += [PartitionPromise() for _ in range(more[1] - len(topic.partitions))]
            assert len(partitions) == len(topic.partitions), f"{name} has {len(partitions)} partitions"
            for promise, partition in zip(topic.partitions, partitions, strict=True):
                self._check_partition(topic, promise, partition)
        for place in list(self.commits):
            self._check_commit(core, place)
        self.doubt = Doubt()

    def _check_topics(self, core: BrokerCore) -> None:
        found = {name for name in core.topics.names(internal=True) if name != OFFSETS_TOPIC}
        created, deleted = self.doubt.create, self.doubt.delete
        if created is not None and created.name in found:
            self.topics[created.name] = created
        if deleted is not None and deleted not in found:
            del self.topics[deleted]
        assert found == set(self.topics), f"topics {sorted(found)}, promised were {sorted(self.topics)}"

    def _check_settings(self, core: BrokerCore, topic: TopicPromise) -> None:
        own = dict(core.topics.get(topic.name).own_settings)
        changed = self.doubt.settings
        if changed is not None and changed[0] == topic.name and own == changed[1]:
            topic.settings = changed[1]
        assert own == topic.settings, f"{topic.name}: {own} instead of {topic.settings}"

    def _check_partition(self, topic: TopicPromise, promise: PartitionPromise, partition: Partition) -> None:
        view = partition.view()
        start, end = view.log_start_offset, view.log_end_offset
        found = all_records(partition)
        where = f"{partition}, log start {start}, log end {end}"
        start_max = promise.start_max
        if self.doubt.start is not None and self.doubt.start[:2] == (topic.name, partition.index):
            start_max = max(start_max, self.doubt.start[2])
        assert promise.start <= start <= start_max, (
            f"{where}: it was to start from {promise.start} to {start_max}"
        )
        assert end >= promise.durable_end, f"{where}: records up to {promise.durable_end} were to be on disk"
        assert end <= promise.end + len(promise.under_way), f"{where}: nobody sent more than {promise.end}"
        assert partition.log.recovery_point == end, f"{where}: recovered to {partition.log.recovery_point}"
        known = dict(promise.records)
        known.update(enumerate(promise.under_way, start=promise.end))
        for offset, record in found.items():
            assert known.get(offset) == record, f"{where}: another record at offset {offset}"
        if topic.is_compacted:
            last = {known[offset][0]: offset for offset in sorted(known) if offset < end}
            missing = {offset for offset in last.values() if offset >= start} - found.keys()
        else:
            missing = set(range(start, end)) - found.keys()
        assert not missing, f"{where}: no records at offsets {sorted(missing)[:5]}"
        self.checked_records += len(found)
        promise.found(start, end)

    def _check_commit(self, core: BrokerCore, place: Commit) -> None:
        promise = self.commits[place]
        committed = core.groups.offsets.committed(*place, 0)
        found = None if committed is None else committed.offset
        allowed = promise.values[promise.durable :]
        if self.doubt.commit is not None and self.doubt.commit[0] == place:
            allowed.append(self.doubt.commit[1])
        if place[1] not in self.topics:
            allowed.append(None)
        assert found in allowed, f"{place}: {found} is committed, {allowed} may be"
        self.commits[place] = CommitPromise([found])


def _passed(due: list[tuple[int, int]], now_ms: int) -> list[int]:
    passed = [value for at_ms, value in due if at_ms <= now_ms]
    due[:] = [(at_ms, value) for at_ms, value in due if at_ms > now_ms]
    return passed


def all_records(partition: Partition) -> dict[int, KeyValue]:
    """All records of a partition by offset, read as a consumer does."""
    view = partition.view()
    found: dict[int, KeyValue] = {}
    offset = view.log_start_offset
    while offset < view.log_end_offset:
        data = view.read(offset, READ_BYTES).read()
        start = offset
        for position, header in iter_batches(data):
            verify_crc(data, position, header)
            for record in iter_records(data, position, from_offset=offset):
                assert record.offset not in found, f"{partition}: offset {record.offset} twice"
                found[record.offset] = (record.key, record.value)
            offset = header.next_offset
        assert offset > start, f"{partition}: nothing is readable at offset {offset}"
    return found


