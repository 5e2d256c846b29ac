"""Who changes topics during a mixed load: makes, deletes, makes again, widens, configures, cuts.

A name belongs to one changer, which waits for each answer; so at most one change of a topic is in doubt when
the broker dies.
"""

from collections.abc import Mapping
from contextlib import ExitStack

from history import History
from kafka_load import (
    STOPPING,
    LoadWire,
    alter_config,
    create_partitions,
    create_topic,
    delete_records,
    delete_topic,
    log_bounds,
)
from mixed_workers import Address, MixedWorker
from workload import Lines, Target

PARTITIONS_MAX = 5
RETENTION_BYTES = 30_000
ALL_OFFSETS = 2**62

SETTINGS_BY_WHAT_IS_KEPT: Mapping[str, Mapping[str, str]] = {
    "all": {"retention.ms": "-1"},
    "young": {"retention.ms": "86400000"},
    "size_bytes": {"retention.ms": "-1", "retention.bytes": str(RETENTION_BYTES)},
}

CHANGES = {
    "flush.messages": ("1", "10", "1000000"),
    "segment.bytes": ("6000", "9000", "40000"),
    "index.interval.bytes": ("0", "500", "4096"),
    "max.message.bytes": ("1048588", "2097152"),
}
"""What is configured while topics are written to, and to which values."""


class TopicChanger(MixedWorker):
    """Changes topics of its own; those that last are never deleted."""

    ends_with_connection = True

    def __init__(
        self, name: str, address: Address, history: History, seed: str, names: list[str], *, lasting: bool
    ) -> None:
        super().__init__(name, address, history, seed)
        self._names = names
        self._kinds = [self._configure, self._add_partition, self._cut]
        if not lasting:
            self._kinds += [self._delete_topic, self._delete_topic]

    def use_connection(self) -> None:
        with ExitStack() as stack:
            self._wire = stack.enter_context(LoadWire(*self.address))
            self._lines = Lines(Target(*self.address, "", 0))
            stack.callback(self._lines.close)
            while not self.is_over():
                self.change_one()

    def change_one(self) -> None:
        name = self.rng.choice(self._names)
        notes = self.history.topics.get(name)
        if notes is None or notes.present is None:
            self._create(name)
        else:
            self.rng.choice(self._kinds)(name)

    def _create(self, name: str) -> None:
        keeps = self.rng.choice([*SETTINGS_BY_WHAT_IS_KEPT])
        partitions = self.rng.randint(1, 3)
        settings = {
            **SETTINGS_BY_WHAT_IS_KEPT[keeps],
            "segment.bytes": self.rng.choice(CHANGES["segment.bytes"]),
        }
        self.history.note_creation(name, partitions, settings, keeps)
        if self._prefers_text():
            words = " ".join(f"{key}={value}" for key, value in settings.items())
            self._ask(f"CREATE {name} partitions={partitions} {words}")
        else:
            self._check(create_topic(self._wire, name, partitions, settings))
        self.history.note_created(name)

    def _delete_topic(self, name: str) -> None:
        self.history.note_deletion(name)
        if self._prefers_text():
            self._ask(f"DELETE {name}")
        else:
            self._check(delete_topic(self._wire, name, self.rng.randint(1, 6)))
        self.history.note_deleted(name)

    def _configure(self, name: str) -> None:
        setting = self.rng.choice([*CHANGES])
        value = self.rng.choice(CHANGES[setting])
        topic = self.history.topic(name)
        topic.settings_in_doubt = {setting: value}
        if self._prefers_text():
            self._ask(f"CONFIG {name} {setting}={value}")
        else:
            self._check(alter_config(self._wire, name, {setting: value}))
        topic.settings[setting] = value
        topic.settings_in_doubt = {}

    def _add_partition(self, name: str) -> None:
        topic = self.history.topic(name)
        if topic.partitions < PARTITIONS_MAX:
            topic.partitions_asked = topic.partitions + 1
            self._check(create_partitions(self._wire, name, topic.partitions_asked))
            topic.partitions = topic.partitions_asked

    def _cut(self, name: str) -> None:
        topic = self.history.topic(name)
        if topic.keeps == "all":
            return
        partition = self.rng.randrange(topic.partitions)
        start, end = log_bounds(self._wire, name, partition)
        before = self.rng.choice((start, (start + end) // 2, end, -1))
        asked = ALL_OFFSETS if before == -1 else before
        topic.cut_asked[partition] = max(asked, topic.cut_asked.get(partition, 0))
        error, low_watermark = delete_records(self._wire, name, partition, before)
        self._check(error)
        assert low_watermark >= before, (name, partition, before, low_watermark)
        topic.log_start[partition] = max(low_watermark, topic.log_start.get(partition, 0))

    def _prefers_text(self) -> bool:
        return self.rng.random() < 0.5

    def _ask(self, line: str) -> None:
        self._lines.send(line.encode() + b"\r\n")
        reply = self._lines.read()
        if reply[:2] == ["-ERR", "SHUTTING_DOWN"]:
            raise ConnectionAbortedError("the broker stops")
        assert reply[0] == "+OK", f"{line}: {' '.join(reply)}"

    def _check(self, error_number: int) -> None:
        if error_number in STOPPING:
            raise ConnectionAbortedError("the broker stops")
        assert error_number == 0, f"error {error_number}"
