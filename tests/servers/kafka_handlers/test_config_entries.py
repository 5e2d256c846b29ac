"""A setting's value is that of the first place that has one."""

from quekka.broker.config import BROKER_SETTINGS, BrokerConfig
from quekka.servers.kafka_handlers.config_entries import (
    DEFAULT,
    DYNAMIC_TOPIC,
    STATIC_BROKER,
    broker_entries,
    config_type_of,
    topic_entries,
)
from quekka.storage.log_config import TOPIC_SETTINGS


def test_a_topics_own_value_comes_before_the_brokers_and_that_before_the_default() -> None:
    config = BrokerConfig.from_settings({"log.retention.ms": "10", "log.segment.bytes": "2000"})
    entries = {entry.name: entry for entry in topic_entries(config, {"retention.ms": "5"})}
    assert [place.source for place in entries["retention.ms"].synonyms] == [
        DYNAMIC_TOPIC,
        STATIC_BROKER,
        DEFAULT,
    ]
    told = {name: (entries[name].value, entries[name].source) for name in ("retention.ms", "segment.bytes")}
    assert told == {"retention.ms": ("5", DYNAMIC_TOPIC), "segment.bytes": ("2000", STATIC_BROKER)}
    assert entries["flush.ms"].source == DEFAULT
    assert not entries["flush.ms"].is_read_only
    assert entries.keys() == TOPIC_SETTINGS.keys()


def test_the_brokers_settings_are_read_only() -> None:
    config = BrokerConfig.from_settings({"num.partitions": "7", "log.retention.ms": "10"})
    entries = {entry.name: entry for entry in broker_entries(config)}
    assert entries.keys() == BROKER_SETTINGS.keys()
    assert all(entry.is_read_only for entry in entries.values())
    for name, value in (("num.partitions", "7"), ("log.retention.ms", "10")):
        assert (entries[name].value, entries[name].source) == (value, STATIC_BROKER)
        assert entries[name].synonyms[1].source == DEFAULT
    assert entries["max.groups"].source == DEFAULT


def test_every_setting_has_a_type_that_kafka_knows() -> None:
    types = {config_type_of(row) for row in (*TOPIC_SETTINGS.values(), *BROKER_SETTINGS.values())}
    assert types <= {1, 2, 3, 5, 6, 7}
    assert config_type_of(TOPIC_SETTINGS["cleanup.policy"]) == 7
    assert config_type_of(TOPIC_SETTINGS["segment.bytes"]) == 3
    assert config_type_of(TOPIC_SETTINGS["follower.replication.throttled.replicas"]) == 7
    assert config_type_of(TOPIC_SETTINGS["preallocate"]) == 1
