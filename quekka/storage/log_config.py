"""A topic's settings: every name that Kafka has for a topic, and the values a log works by.

All of Kafka's topic configs are accepted, so that tools which set them (Kafka Streams, Connect, consoles) can
create their topics here. Those that have nothing to act on in one process say so at the start of their `doc`.
Source: org.apache.kafka.common.config.TopicConfig and LogConfig. Quekka's own defaults are segment.bytes and
flush.ms, because one broker on a small machine is the usual case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from quekka.errors import InvalidConfigError
from quekka.setting import Setting, boolean, choice, find_setting, integer, real, text

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
DAY_MS = 24 * 60 * 60 * 1000
LARGEST_INDEX_ENTRY_BYTES = 12

COMPRESSION_TYPES = ("uncompressed", "zstd", "lz4", "snappy", "gzip")


def _cleanup_policy(value: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in value.split(","))
    if not set(words) <= {"delete", "compact"}:
        raise ValueError("not delete, compact, or compact,delete")
    return tuple(sorted(set(words)))


def _compression_type(value: str) -> str:
    if value in COMPRESSION_TYPES:
        raise ValueError("only producer is supported: batches are kept as the producer compressed them")
    return choice("producer")(value)


def _without_effect(name: str, parse: Any, default: Any, why: str) -> Setting:
    return Setting(name, parse, default, f"Accepted, without effect: {why}")


_ONE_BROKER = "there is one broker and no replica."
_NO_TIERS = "there is no remote storage."
_KEEPS_COMPRESSION = "batches are kept as the producer compressed them."

_SETTINGS = (
    Setting(
        "cleanup.policy",
        _cleanup_policy,
        ("delete",),
        "What happens to old records: delete (by age and size), compact (the last record of each key stays), "
        "or compact,delete.",
    ),
    _without_effect("compression.gzip.level", integer(-1, 9), -1, _KEEPS_COMPRESSION),
    _without_effect("compression.lz4.level", integer(1, 17), 9, _KEEPS_COMPRESSION),
    Setting(
        "compression.type",
        _compression_type,
        "producer",
        "producer: batches are kept as the producer compressed them. Kafka's other values are refused.",
    ),
    _without_effect("compression.zstd.level", integer(-131072, 22), 3, _KEEPS_COMPRESSION),
    Setting(
        "delete.retention.ms",
        integer(0),
        DAY_MS,
        "How long a tombstone stays in a compacted topic, so that readers from the start see it.",
    ),
    _without_effect(
        "file.delete.delay.ms",
        integer(0),
        60_000,
        "files are removed at once, and who reads them reads on.",
    ),
    Setting(
        "flush.messages",
        integer(1),
        INT64_MAX,
        "Records after which the log is synced; with 1 an append is on disk before it is acknowledged.",
    ),
    Setting("flush.ms", integer(0), 1000, "How long an acknowledged record may wait for fsync."),
    _without_effect("follower.replication.throttled.replicas", text, "", _ONE_BROKER),
    Setting(
        "index.interval.bytes",
        integer(0, INT32_MAX),
        4096,
        "How many bytes of batches lie between two index entries.",
    ),
    _without_effect("leader.replication.throttled.replicas", text, "", _ONE_BROKER),
    _without_effect("local.retention.bytes", integer(-2), -2, _NO_TIERS),
    _without_effect("local.retention.ms", integer(-2), -2, _NO_TIERS),
    Setting(
        "max.compaction.lag.ms",
        integer(1),
        INT64_MAX,
        "The longest a record of a compacted topic stays uncompacted, whatever the dirty ratio.",
    ),
    Setting(
        "max.message.bytes", integer(0, INT32_MAX), 1_048_588, "The largest record batch, as it is stored."
    ),
    _without_effect("message.downconversion.enable", boolean, True, "old formats are not served."),
    _without_effect("message.format.version", text, "3.0-IV1", "the format is always magic 2."),
    Setting(
        "message.timestamp.after.max.ms",
        integer(0),
        60 * 60 * 1000,
        "How far a record's timestamp may lie after the broker's time.",
    ),
    Setting(
        "message.timestamp.before.max.ms",
        integer(0),
        INT64_MAX,
        "How far a record's timestamp may lie before the broker's time.",
    ),
    _without_effect(
        "message.timestamp.difference.max.ms",
        integer(0),
        INT64_MAX,
        "message.timestamp.before.max.ms and message.timestamp.after.max.ms took its place.",
    ),
    Setting(
        "message.timestamp.type",
        choice("CreateTime", "LogAppendTime"),
        "CreateTime",
        "Whose time a record carries: the producer's (CreateTime) or the broker's (LogAppendTime).",
    ),
    Setting(
        "min.cleanable.dirty.ratio",
        real(0, 1),
        0.5,
        "The part of a compacted log that must be uncompacted before compaction runs.",
    ),
    Setting(
        "min.compaction.lag.ms",
        integer(0),
        0,
        "The shortest a record of a compacted topic stays uncompacted.",
    ),
    _without_effect("min.insync.replicas", integer(1, INT32_MAX), 1, _ONE_BROKER),
    _without_effect("preallocate", boolean, False, "segment files grow as they are written."),
    _without_effect("remote.log.copy.disable", boolean, False, _NO_TIERS),
    _without_effect("remote.log.delete.on.disable", boolean, False, _NO_TIERS),
    _without_effect("remote.storage.enable", boolean, False, _NO_TIERS),
    Setting(
        "retention.bytes",
        integer(-1),
        -1,
        "The size above which a partition's oldest segments are deleted; -1: none.",
    ),
    Setting(
        "retention.ms",
        integer(-1),
        7 * DAY_MS,
        "The age above which old segments are deleted; -1: none.",
    ),
    Setting(
        "segment.bytes", integer(14, INT32_MAX), 100 * 1024 * 1024, "The size at which a segment is rolled."
    ),
    Setting(
        "segment.index.bytes",
        integer(LARGEST_INDEX_ENTRY_BYTES, INT32_MAX),
        10 * 1024 * 1024,
        "The size of an index at which its segment is rolled.",
    ),
    _without_effect("segment.jitter.ms", integer(0), 0, "segments are rolled at segment.ms."),
    Setting("segment.ms", integer(1), 7 * DAY_MS, "The age at which a segment is rolled, full or not."),
    _without_effect("unclean.leader.election.enable", boolean, False, _ONE_BROKER),
)

TOPIC_SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _SETTINGS}
"""Every topic setting by Kafka's name, in order of the names."""


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The settings a log acts on, as values; a field is named as its setting, with `_` for `.`.

    Threads: any; immutable. A changed setting is a new LogConfig.
    """

    cleanup_delete: bool
    cleanup_compact: bool
    compression_type: str
    delete_retention_ms: int
    flush_messages: int
    flush_ms: int
    index_interval_bytes: int
    max_compaction_lag_ms: int
    max_message_bytes: int
    message_timestamp_after_max_ms: int
    message_timestamp_before_max_ms: int
    message_timestamp_type: Literal["CreateTime", "LogAppendTime"]
    min_cleanable_dirty_ratio: float
    min_compaction_lag_ms: int
    retention_bytes: int
    retention_ms: int
    segment_bytes: int
    segment_index_bytes: int
    segment_ms: int
    """For a compacted log at most max.compaction.lag.ms: only sealed segments are compacted."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> "LogConfig":
        """The config of a topic with these settings, defaults for the rest; raises InvalidConfigError."""
        values = {name: setting.default for name, setting in TOPIC_SETTINGS.items()}
        for name, value in settings.items():
            values[name] = find_setting(TOPIC_SETTINGS, name).read(value)
        if values["min.compaction.lag.ms"] > values["max.compaction.lag.ms"]:
            raise InvalidConfigError(
                f"min.compaction.lag.ms={values['min.compaction.lag.ms']}: "
                f"more than max.compaction.lag.ms={values['max.compaction.lag.ms']}"
            )
        by_field = {name.replace(".", "_"): value for name, value in values.items()}
        by_field["cleanup_delete"] = "delete" in values["cleanup.policy"]
        by_field["cleanup_compact"] = "compact" in values["cleanup.policy"]
        if by_field["cleanup_compact"]:
            by_field["segment_ms"] = min(values["segment.ms"], values["max.compaction.lag.ms"])
        return cls(**{field.name: by_field[field.name] for field in fields(cls)})

    @staticmethod
    def effective(settings: Mapping[str, str]) -> dict[str, str]:
        """Every setting of a topic as text, given or default; raises InvalidConfigError."""
        given = {name: find_setting(TOPIC_SETTINGS, name).read(value) for name, value in settings.items()}
        return {
            name: setting.show(given.get(name, setting.default)) for name, setting in TOPIC_SETTINGS.items()
        }
