"""A restarted broker held against a History: topics, settings, records, log starts, committed offsets."""

import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from history import CommitNotes, History, Incarnation, SentRecord, TopicNotes
from kafka_load import LoadWire, committed_offsets, log_bounds, partitions_by_topic, read_partition
from ledger import Place, RecordId, identify
from mixed_changers import RETENTION_BYTES
from mixed_committers import GROUPS
from wire_client import WireClient
from workload import read_from

Committed = dict[tuple[str, str, int], tuple[int, str]]
"""Offset and metadata by group, topic and partition."""


class HistoryCheck:
    """One look at a broker that nobody else uses. What was in doubt is settled by it, in the notes too."""

    def __init__(self, history: History, host: str, port: int, data_dir: Path, rng: random.Random) -> None:
        self._history = history
        self._address = (host, port)
        self._data_dir = data_dir
        self._rng = rng
        self.records_count = 0
        """How many records were read and found right."""

    def check_all(self) -> None:
        with LoadWire(*self._address) as wire, WireClient(*self._address) as client:
            self._check_topics(wire)
            for name in self._history.present_topics():
                self._check_settings(client, name)
                self._check_records(wire, client, name)
            self._check_commits(wire)

    # Topics and settings

    def _check_topics(self, wire: LoadWire) -> None:
        found = partitions_by_topic(wire)
        for name, notes in self._history.topics.items():
            present = notes.present
            if present is None:
                assert name not in found, f"topic {name} was deleted and is there"
            elif name in found:
                present.is_made, present.is_doomed = True, False
                self._check_partitions(name, present, found[name])
            else:
                assert not present.is_made or present.is_doomed, f"topic {name} was created and is not there"
                self._history.note_deleted(name, was_cut_off=True)
        unknown = found.keys() - self._history.topics.keys()
        assert not unknown, f"topics that nobody made: {unknown}"

    def _check_partitions(self, name: str, present: Incarnation, found: int) -> None:
        assert found in {present.partitions, present.partitions_asked}, (
            f"topic {name} has {found} partitions, not {present.partitions} or {present.partitions_asked}"
        )
        present.partitions = found

    def _check_settings(self, client: WireClient, name: str) -> None:
        topic = self._history.topic(name)
        shown = dict(word.split("=", 1) for word in client.ask(f"CONFIG {name}").split(" ")[1:])
        # Where the first change of a setting is in doubt, the broker's default may stand there.
        for setting, value in topic.settings.items():
            expected = {value, topic.settings_in_doubt.get(setting, value)}
            assert shown[setting] in expected, f"topic {name}: {setting} is {shown[setting]}, not {expected}"
            topic.settings[setting] = shown[setting]
        topic.settings_in_doubt = {}

    # Records

    def _check_records(self, wire: LoadWire, client: WireClient, name: str) -> None:
        topic = self._history.topic(name)
        found: dict[RecordId, Place] = {}
        starts: dict[int, int] = {}
        for partition in range(topic.partitions):
            start, end, records = self._read(wire, client, name, partition)
            self._check_log_start(name, topic, partition, start)
            starts[partition] = start
            self._check_partition(name, partition, (start, end), records, found)
        self._check_present(name, topic, starts, found)
        self.records_count += len(found)

    def _read(
        self, wire: LoadWire, client: WireClient, name: str, partition: int
    ) -> tuple[int, int, list[tuple[int, bytes]]]:
        """Log start, log end and all records, by either protocol; again if retention came between."""
        while True:
            start, end = log_bounds(wire, name, partition)
            try:
                if self._rng.random() < 0.5:
                    return start, end, read_from(client, name, partition, start)
                return start, end, [*read_partition(wire, name, partition, start, end, self._rng)]
            except AssertionError:
                if log_bounds(wire, name, partition)[0] == start:
                    raise

    def _check_log_start(self, name: str, topic: Incarnation, partition: int, start: int) -> None:
        known = topic.log_start.get(partition, 0)
        assert start >= known, f"{name}/{partition}: the log start offset went back from {known} to {start}"
        topic.log_start[partition] = start
        if topic.keeps == "size_bytes" and start > topic.cut_asked.get(partition, 0):
            directory = self._data_dir / "topics" / name / str(partition)
            size_bytes = sum(path.stat().st_size for path in directory.glob("*.log"))
            assert size_bytes >= RETENTION_BYTES, f"{name}/{partition}: retention left {size_bytes} bytes"

    def _check_partition(
        self,
        name: str,
        partition: int,
        bounds: tuple[int, int],
        records: Iterable[tuple[int, bytes]],
        found: dict[RecordId, Place],
    ) -> None:
        """Offsets without gaps; each producer's records in the order of sending; none twice."""
        expected_offset, end = bounds
        last_number: dict[int, int] = defaultdict(lambda: -1)
        for offset, value in records:
            assert offset == expected_offset, f"{name}/{partition}: offset {offset}, not {expected_offset}"
            expected_offset += 1
            identity = identify(value)
            place = Place(partition, offset)
            assert identity not in found, f"{name}: {identity} twice: at {found[identity]} and {place}"
            assert identity.number > last_number[identity.producer], f"{name}: {identity} late, at {place}"
            last_number[identity.producer] = identity.number
            found[identity] = place
        assert expected_offset == end, f"{name}/{partition} ends at {expected_offset}, not at {end}"

    def _check_present(
        self, name: str, topic: Incarnation, starts: dict[int, int], found: dict[RecordId, Place]
    ) -> None:
        gone_at = self._history.topics[name].gone_at
        for identity, place in found.items():
            record = self._history.records.get(identity)
            assert record is not None, f"{name}: {identity} at {place} was never sent"
            assert record.topic == name, f"{identity} of {record.topic} is in {name}, at {place}"
            assert not record.is_refused, f"{name}: {identity} was refused and is at {place}"
            assert record.over_at is None or record.over_at > topic.asked_at, (
                f"{name}: {identity} at {place} is of a topic of this name that was deleted"
            )
        for identity, record in self._history.records.items():
            if record.topic == name and record.place is not None and record.sent_at > gone_at:
                if record.place.offset >= starts[record.place.partition]:
                    assert found.get(identity) == record.place, (
                        f"{name}: {identity} was acknowledged at {record.place}, is at {found.get(identity)}"
                    )
                else:
                    self._check_may_be_gone(name, topic, identity, record)

    def _check_may_be_gone(
        self, name: str, topic: Incarnation, identity: RecordId, record: SentRecord
    ) -> None:
        assert record.place is not None
        was_cut = record.place.offset < topic.cut_asked.get(record.place.partition, 0)
        by_retention = topic.keeps == "size_bytes" or (topic.keeps == "young" and record.is_aged)
        assert was_cut or by_retention, f"{name}: {identity} at {record.place} is gone, and nothing let it go"

    # Committed offsets

    def _check_commits(self, wire: LoadWire) -> None:
        found = read_committed(wire)
        for place, notes in self._history.commits.items():
            topic = self._history.topics.get(place[1], TopicNotes())
            offset, metadata = found.pop(place, (-1, ""))
            if topic.present is None:
                assert offset == -1 or topic.was_cut_off, f"{place}: {offset}, for a topic that was deleted"
                continue
            self._check_commit(place, notes, topic.gone_at, topic.present.asked_at, offset)
            assert metadata in {"", str(offset)}, f"{place}: offset {offset} with metadata {metadata!r}"
        assert not found, f"nobody committed {found}"

    def _check_commit(
        self, place: tuple[str, str, int], notes: CommitNotes, gone_at: int, asked_at: int, offset: int
    ) -> None:
        last = notes.acknowledged
        if last is not None and last.sent_at > gone_at:
            assert offset >= last.offset, f"{place}: {last.offset} was acknowledged, {offset} is committed"
        assert offset <= notes.sent, f"{place}: {offset} is committed, at most {notes.sent} was sent"
        earlier = [commit.offset for commit in notes.over if commit.over_at < asked_at]
        assert offset == -1 or not earlier or offset > max(earlier), (
            f"{place}: {offset} was committed for a topic of this name that was deleted"
        )


def read_committed(wire: LoadWire) -> Committed:
    """What all groups have committed."""
    return {
        (group, *place): committed
        for group in GROUPS
        for place, committed in committed_offsets(wire, group).items()
    }


def read_bounds(wire: LoadWire) -> dict[tuple[str, int], tuple[int, int]]:
    """Log start and log end offset of every partition."""
    return {
        (name, partition): log_bounds(wire, name, partition)
        for name, partitions in partitions_by_topic(wire).items()
        for partition in range(partitions)
    }
