"""Topic settings: Kafka's names, Kafka's ranges, and clear refusals."""

from dataclasses import fields

import pytest

from quekka.errors import InvalidConfigError
from quekka.storage.log_config import TOPIC_SETTINGS, LogConfig

KAFKA_TOPIC_CONFIGS = [
    "cleanup.policy",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.difference.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
]


def test_every_topic_config_of_kafka_is_known_in_order() -> None:
    assert list(TOPIC_SETTINGS) == KAFKA_TOPIC_CONFIGS


def test_a_default_reads_back_from_what_it_is_shown_as() -> None:
    for setting in TOPIC_SETTINGS.values():
        assert setting.read(setting.show(setting.default)) == setting.default, setting.name


def test_defaults_are_those_of_the_design() -> None:
    config = LogConfig.from_settings({})
    assert config.segment_bytes == 100 * 1024 * 1024
    assert config.segment_ms == config.retention_ms == 7 * 24 * 3600 * 1000
    assert config.retention_bytes == -1
    assert config.max_message_bytes == 1024 * 1024 + 12
    assert config.flush_ms == 1000
    assert config.index_interval_bytes == 4096
    assert (config.cleanup_delete, config.cleanup_compact) == (True, False)
    assert config.message_timestamp_type == "CreateTime"


def test_a_setting_either_has_a_field_or_says_it_has_no_effect() -> None:
    names = {field.name for field in fields(LogConfig)} | {"cleanup_policy"}
    for name, setting in TOPIC_SETTINGS.items():
        has_field = name.replace(".", "_") in names
        assert has_field != setting.doc.startswith("Accepted, without effect: "), name


@pytest.mark.parametrize(
    ("text", "delete", "compact", "shown"),
    [
        ("delete", True, False, "delete"),
        ("compact", False, True, "compact"),
        ("compact,delete", True, True, "compact,delete"),
        ("delete, compact", True, True, "compact,delete"),
    ],
)
def test_cleanup_policy_is_a_list(text: str, delete: bool, compact: bool, shown: str) -> None:
    config = LogConfig.from_settings({"cleanup.policy": text})
    assert (config.cleanup_delete, config.cleanup_compact) == (delete, compact)
    assert LogConfig.effective({"cleanup.policy": text})["cleanup.policy"] == shown


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("no.such.setting", "1", "no.such.setting: no such setting"),
        ("retention.ms", "-2", "retention.ms=-2: not between -1 and"),
        ("retention.ms", "long", "retention.ms=long: not a whole number"),
        ("segment.bytes", "2147483648", "segment.bytes=2147483648: not between 14 and 2147483647"),
        ("cleanup.policy", "", "cleanup.policy=: not delete, compact"),
        ("cleanup.policy", "compact,archive", "cleanup.policy=compact,archive: not delete"),
        ("compression.type", "zstd", "compression.type=zstd: only producer is supported"),
        ("compression.type", "rar", "compression.type=rar: not one of producer"),
        ("min.cleanable.dirty.ratio", "1.5", "min.cleanable.dirty.ratio=1.5: not between 0 and 1"),
        ("min.cleanable.dirty.ratio", "nan", "min.cleanable.dirty.ratio=nan"),
        ("message.timestamp.type", "createtime", "not one of CreateTime, LogAppendTime"),
        ("preallocate", "yes", "preallocate=yes: neither true nor false"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_and_value(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidConfigError) as from_settings:
        LogConfig.from_settings({name: value})
    with pytest.raises(InvalidConfigError) as effective:
        LogConfig.effective({name: value})
    assert message in from_settings.value.message
    assert message in effective.value.message


def test_compaction_lags_must_not_contradict_each_other() -> None:
    with pytest.raises(InvalidConfigError, match=r"min\.compaction\.lag\.ms=11: more than max\.compaction"):
        LogConfig.from_settings({"min.compaction.lag.ms": "11", "max.compaction.lag.ms": "10"})


@pytest.mark.parametrize(("policy", "expected_ms"), [("compact", 60_000), ("delete", 7 * 24 * 3600 * 1000)])
def test_a_compacted_log_rolls_before_its_records_may_wait_no_longer(policy: str, expected_ms: int) -> None:
    settings = {"cleanup.policy": policy, "max.compaction.lag.ms": "60000"}
    assert LogConfig.from_settings(settings).segment_ms == expected_ms
    assert LogConfig.effective(settings)["segment.ms"] == "604800000"


def test_effective_shows_all_names_and_the_values_given() -> None:
    shown = LogConfig.effective({"retention.ms": "0500", "preallocate": "TRUE"})
    assert list(shown) == KAFKA_TOPIC_CONFIGS
    assert shown["retention.ms"] == "500"
    assert shown["preallocate"] == "true"
    assert shown["segment.bytes"] == "104857600"
    assert shown["leader.replication.throttled.replicas"] == ""
