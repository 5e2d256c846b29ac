"""Settings as Kafka shows them: name, value, where the value comes from, and what it would be without that.

Source of the numbers: org.apache.kafka.common.requests.DescribeConfigsResponse (ConfigSource, ConfigType) and
org.apache.kafka.common.config.ConfigResource (resource types).
"""

from collections.abc import Mapping
from typing import NamedTuple

from quekka.broker.config import BROKER_SETTINGS, TOPIC_DEFAULT_NAMES, BrokerConfig
from quekka.setting import Setting
from quekka.storage.log_config import TOPIC_SETTINGS, LogConfig

TOPIC_RESOURCE = 2
BROKER_RESOURCE = 4

DYNAMIC_TOPIC = 1
STATIC_BROKER = 4
DEFAULT = 5

_BOOLEAN, _STRING, _INT, _LONG, _DOUBLE, _LIST = 1, 2, 3, 5, 6, 7
_TYPES: Mapping[type, int] = {bool: _BOOLEAN, str: _STRING, int: _LONG, float: _DOUBLE, tuple: _LIST}

_TYPES_BY_NAME: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "compression.gzip.level", "compression.lz4.level", "compression.zstd.level",
            "group.initial.rebalance.delay.ms", "group.max.session.timeout.ms", "group.max.size",
            "group.min.session.timeout.ms", "index.interval.bytes", "log.index.interval.bytes",
            "log.index.size.max.bytes", "log.segment.bytes", "max.connections", "max.message.bytes",
            "message.max.bytes", "min.insync.replicas", "num.partitions", "offset.metadata.max.bytes",
            "offsets.retention.minutes", "offsets.topic.num.partitions", "offsets.topic.segment.bytes",
            "producer.id.expiration.ms", "request.timeout.ms", "segment.bytes", "segment.index.bytes",
            "socket.receive.buffer.bytes", "socket.request.max.bytes", "socket.send.buffer.bytes",
        ),
        _INT,
    ),
    "follower.replication.throttled.replicas": _LIST,
    "leader.replication.throttled.replicas": _LIST,
}  # fmt: skip
"""Where Kafka's type is not the one that the default value tells."""

_BROKER_NAMES: Mapping[str, str] = {topic_name: name for name, topic_name in TOPIC_DEFAULT_NAMES.items()}


class Synonym(NamedTuple):
    """A place where the value may come from.

    Threads: any; immutable.
    """

    name: str
    value: str
    source: int


class ConfigEntry(NamedTuple):
    """A setting; its value is that of the first synonym.

    Threads: any; immutable.
    """

    name: str
    synonyms: tuple[Synonym, ...]
    config_type: int
    documentation: str
    is_read_only: bool

    @property
    def value(self) -> str:
        return self.synonyms[0].value

    @property
    def source(self) -> int:
        return self.synonyms[0].source


def topic_entries(config: BrokerConfig, own_settings: Mapping[str, str]) -> list[ConfigEntry]:
    """All settings of a topic that was given `own_settings`; raises InvalidConfigError."""
    own = LogConfig.effective(own_settings)
    broker = LogConfig.effective(config.topic_defaults)
    return [
        ConfigEntry(name, tuple(synonyms), config_type_of(row), row.doc, is_read_only=False)
        for name, row in TOPIC_SETTINGS.items()
        for synonyms in [_topic_synonyms(config, row, own_settings, own[name], broker[name])]
    ]


def _topic_synonyms(
    config: BrokerConfig, row: Setting, own_settings: Mapping[str, str], own: str, broker: str
) -> list[Synonym]:
    """From the topic's own value to the default."""
    broker_name = _BROKER_NAMES.get(row.name, row.name)
    synonyms = []
    if row.name in own_settings:
        synonyms.append(Synonym(row.name, own, DYNAMIC_TOPIC))
    if row.name in config.topic_defaults:
        synonyms.append(Synonym(broker_name, broker, STATIC_BROKER))
    synonyms.append(Synonym(broker_name, row.show(row.default), DEFAULT))
    return synonyms


def broker_entries(config: BrokerConfig) -> list[ConfigEntry]:
    """All settings of the broker. Read only: they are given when it starts."""
    entries = []
    for name, value in config.show().items():
        row = BROKER_SETTINGS[name]
        synonyms = [Synonym(name, row.show(row.default), DEFAULT)]
        if value != synonyms[0].value:
            synonyms.insert(0, Synonym(name, value, STATIC_BROKER))
        entries.append(ConfigEntry(name, tuple(synonyms), config_type_of(row), row.doc, is_read_only=True))
    return entries


def config_type_of(row: Setting) -> int:
    """Kafka's number for the kind of value that a setting has."""
    return _TYPES_BY_NAME.get(row.name) or _TYPES[type(row.default)]
