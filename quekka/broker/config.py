"""The broker's settings: one table that options, file, environment and quekka.conf(5) share.

Names are Kafka's where Kafka has the setting. A topic's own settings (storage/log_config.py) have their
defaults for all topics here, under the names Kafka gives them in server.properties (`log.segment.bytes` for
`segment.bytes`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from quekka.setting import Setting, boolean, find_setting, integer, real
from quekka.storage.log_config import TOPIC_SETTINGS

TOPIC_DEFAULT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "log.cleanup.policy": "cleanup.policy",
        "log.cleaner.delete.retention.ms": "delete.retention.ms",
        "log.cleaner.min.cleanable.ratio": "min.cleanable.dirty.ratio",
        "log.cleaner.min.compaction.lag.ms": "min.compaction.lag.ms",
        "log.flush.interval.messages": "flush.messages",
        "log.flush.interval.ms": "flush.ms",
        "log.index.interval.bytes": "index.interval.bytes",
        "log.index.size.max.bytes": "segment.index.bytes",
        "log.message.timestamp.after.max.ms": "message.timestamp.after.max.ms",
        "log.message.timestamp.before.max.ms": "message.timestamp.before.max.ms",
        "log.message.timestamp.type": "message.timestamp.type",
        "log.retention.bytes": "retention.bytes",
        "log.retention.ms": "retention.ms",
        "log.roll.ms": "segment.ms",
        "log.segment.bytes": "segment.bytes",
        "message.max.bytes": "max.message.bytes",
    }
)
"""Broker setting to the topic setting whose default it is."""


def _advertised_listeners(value: str) -> tuple[str, ...]:
    """Addresses separated by commas, each with or without Kafka's `NAME://`, as `host:port`."""
    return tuple(_advertised_address(word.strip()) for word in value.split(",") if word.strip())


def _advertised_address(text: str) -> str:
    address = text.rpartition("://")[2]
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"'{text}' is not host:port")
    if host.strip("[]") in ("0.0.0.0", "::"):
        raise ValueError(f"'{text}' is nothing that a client could connect to")
    return address


_OWN_SETTINGS = (
    Setting(
        "advertised.listeners",
        _advertised_listeners,
        (),
        "Where Kafka clients are told to connect, host:port; of several, separated by commas, the one whose "
        "port was reached, else the first. Empty: the address that the client reached.",
        dynamic=False,
    ),
    Setting(
        "auto.create.topics.enable",
        boolean,
        True,
        "Create a topic that does not exist when something is published to it or a Kafka client asks for it.",
    ),
    Setting(
        "busy.poll.us",
        integer(0, 1_000_000),
        100,
        "How long a connection's thread looks for the next request before it sleeps. When embedded: 0.",
        dynamic=False,
    ),
    Setting(
        "connections.max.idle.ms",
        integer(1, 2**31 - 1),
        600_000,
        "A connection that neither sends a byte nor takes one of its reply for this long is closed.",
    ),
    Setting(
        "group.initial.rebalance.delay.ms",
        integer(0, 2**31 - 1),
        0,
        "How long the first rebalance of a Kafka group waits for more members.",
    ),
    Setting(
        "group.max.session.timeout.ms",
        integer(1, 2**31 - 1),
        1_800_000,
        "The longest session timeout that a Kafka consumer may ask for.",
    ),
    Setting("group.max.size", integer(1, 2**31 - 1), 1000, "The most members that a Kafka group may have."),
    Setting(
        "group.min.session.timeout.ms",
        integer(1, 2**31 - 1),
        6_000,
        "The shortest session timeout that a Kafka consumer may ask for.",
    ),
    Setting(
        "log.cleaner.backoff.ms",
        integer(1),
        15_000,
        "How often compacted topics are looked at for segments worth cleaning.",
        dynamic=False,
    ),
    Setting(
        "log.cleaner.keys.max",
        integer(1),
        1_000_000,
        "How many distinct keys one cleaning pass holds in memory; what is beyond waits for the next pass.",
    ),
    Setting(
        "log.open.files.max",
        integer(16),
        512,
        "How many segment and index files are kept open at once, over all topics, beside those in use.",
        dynamic=False,
    ),
    Setting(
        "log.retention.check.interval.ms",
        integer(1),
        300_000,
        "How often topics are looked at for segments that retention lets go.",
        dynamic=False,
    ),
    Setting(
        "max.connections", integer(1, 1_000_000), 10_000, "Connections served at once, over all listeners."
    ),
    Setting(
        "max.groups",
        integer(1),
        100_000,
        "Consumer groups held at once; a further one is refused with POLICY_VIOLATION.",
    ),
    Setting(
        "max.incremental.fetch.session.cache.slots",
        integer(0),
        1000,
        "Kafka consumers whose partitions are remembered, so that they need not name all in each Fetch.",
        dynamic=False,
    ),
    Setting(
        "max.partitions",
        integer(1),
        100_000,
        "Partitions held at once, over all topics; a further one is refused with POLICY_VIOLATION.",
    ),
    Setting(
        "num.partitions", integer(1, 100_000), 1, "Partitions of a topic created without naming a number."
    ),
    Setting(
        "offset.metadata.max.bytes",
        integer(0, 2**31 - 1),
        4096,
        "The longest text that may be stored with a committed offset.",
    ),
    Setting(
        "offsets.retention.check.interval.ms",
        integer(1),
        600_000,
        "How often groups are looked at for committed offsets that have expired.",
        dynamic=False,
    ),
    Setting(
        "offsets.retention.minutes",
        integer(1, 2**31 - 1),
        10_080,
        "How long committed offsets are kept after their commit and after the group lost its last member.",
    ),
    Setting(
        "offsets.topic.num.partitions",
        integer(1, 1000),
        1,
        "Partitions of __consumer_offsets, when it is created.",
        dynamic=False,
    ),
    Setting(
        "offsets.topic.segment.bytes",
        integer(1024, 2**31 - 1),
        16 * 1024 * 1024,
        "segment.bytes of __consumer_offsets, when it is created.",
        dynamic=False,
    ),
    Setting(
        "producer.id.expiration.ms",
        integer(1),
        86_400_000,
        "How long a partition remembers the sequences of an idempotent producer that writes nothing to it.",
        dynamic=False,
    ),
    Setting(
        "producer.ids.max",
        integer(1, 1_000_000),
        1000,
        "How many idempotent producers a partition remembers; with one more, the one that was silent longest "
        "is forgotten.",
        dynamic=False,
    ),
    Setting(
        "queued.max.request.bytes",
        integer(1024),
        32 * 1024 * 1024,
        "Bytes of appends that may wait for one topic's writer thread; producers wait while it is full.",
    ),
    Setting(
        "replication.factor.clamp.enable",
        boolean,
        False,
        "Create a topic that is asked for with several replicas, with the one there is, instead of refusing.",
    ),
    Setting(
        "request.memory.max.bytes",
        integer(1024 * 1024),
        256 * 1024 * 1024,
        "Memory for requests larger than 256 KiB, of all connections together; with more, they wait.",
    ),
    Setting(
        "request.timeout.ms",
        integer(1, 2**31 - 1),
        30_000,
        "How long an append waits for room in the topic's queue; then THROTTLING_QUOTA_EXCEEDED refuses it. "
        "And how long a large request waits for memory; half of it is how long one may stop in its middle.",
    ),
    Setting(
        "socket.receive.buffer.bytes",
        integer(-1, 2**31 - 1),
        -1,
        "SO_RCVBUF of accepted connections; -1 leaves it to the system.",
    ),
    Setting(
        "socket.request.max.bytes",
        integer(1024, 2**31 - 1),
        100 * 1024 * 1024,
        "The largest request of any protocol; a larger one is refused before memory is given to it.",
    ),
    Setting(
        "socket.send.buffer.bytes",
        integer(-1, 2**31 - 1),
        -1,
        "SO_SNDBUF of accepted connections; -1 leaves it to the system.",
    ),
    Setting(
        "thread.switch.interval.ms",
        real(0.005, 1000.0),
        0.5,
        "How long a thread may compute before another has its turn. Set by quekkad, not when embedded.",
        dynamic=False,
    ),
    Setting(
        "writer.idle.ms",
        integer(1),
        10_000,
        "A topic's writer thread that had nothing to do for this long ends; the next append starts it again.",
        dynamic=False,
    ),
)


def _topic_default(name: str, topic_name: str) -> Setting:
    row = TOPIC_SETTINGS[topic_name]
    return Setting(
        name,
        row.parse,
        row.default,
        f"The default of {topic_name} for topics that do not set it.",
        dynamic=False,
    )


BROKER_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        row.name: row
        for row in sorted(
            (*_OWN_SETTINGS, *(_topic_default(*names) for names in TOPIC_DEFAULT_NAMES.items())),
            key=lambda row: row.name,
        )
    }
)
"""Every broker setting by name, sorted."""

EMBEDDED_DEFAULTS: Mapping[str, str] = MappingProxyType({"busy.poll.us": "0"})
"""Where a broker in another program has another default: its threads share the GIL with that program's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """The broker's settings as values; a field is its setting's name with `_` for `.`.

    Threads: any; immutable.
    """

    advertised_listeners: tuple[str, ...] = ()
    auto_create_topics_enable: bool = True
    busy_poll_us: int = 100
    connections_max_idle_ms: int = 600_000
    group_initial_rebalance_delay_ms: int = 0
    group_max_session_timeout_ms: int = 1_800_000
    group_max_size: int = 1000
    group_min_session_timeout_ms: int = 6_000
    log_cleaner_backoff_ms: int = 15_000
    log_cleaner_keys_max: int = 1_000_000
    log_open_files_max: int = 512
    log_retention_check_interval_ms: int = 300_000
    max_connections: int = 10_000
    max_groups: int = 100_000
    max_incremental_fetch_session_cache_slots: int = 1000
    max_partitions: int = 100_000
    num_partitions: int = 1
    offset_metadata_max_bytes: int = 4096
    offsets_retention_check_interval_ms: int = 600_000
    offsets_retention_minutes: int = 10_080
    offsets_topic_num_partitions: int = 1
    offsets_topic_segment_bytes: int = 16 * 1024 * 1024
    producer_id_expiration_ms: int = 86_400_000
    producer_ids_max: int = 1000
    queued_max_request_bytes: int = 32 * 1024 * 1024
    replication_factor_clamp_enable: bool = False
    request_memory_max_bytes: int = 256 * 1024 * 1024
    request_timeout_ms: int = 30_000
    socket_receive_buffer_bytes: int = -1
    socket_request_max_bytes: int = 100 * 1024 * 1024
    socket_send_buffer_bytes: int = -1
    thread_switch_interval_ms: float = 0.5
    writer_idle_ms: int = 10_000
    topic_defaults: Mapping[str, str] = field(default_factory=dict)
    """Topic settings (by the topic's names) that the operator changed for all topics."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> "BrokerConfig":
        """Read texts by setting name; raises InvalidConfigError that names the one that cannot be."""
        values: dict[str, Any] = {}
        topic_defaults: dict[str, str] = {}
        for name, value in settings.items():
            parsed = find_setting(BROKER_SETTINGS, name).read(value)
            if name in TOPIC_DEFAULT_NAMES:
                topic_defaults[TOPIC_DEFAULT_NAMES[name]] = value
            else:
                values[name.replace(".", "_")] = parsed
        return cls(**values, topic_defaults=MappingProxyType(topic_defaults))

    def show(self) -> dict[str, str]:
        """Every setting by name with the text of its present value."""
        shown = {}
        for name, row in BROKER_SETTINGS.items():
            if name in TOPIC_DEFAULT_NAMES:
                shown[name] = self.topic_defaults.get(TOPIC_DEFAULT_NAMES[name], row.show(row.default))
            else:
                shown[name] = row.show(getattr(self, name.replace(".", "_")))
        return shown


def field_names() -> list[str]:
    """The setting names that have a field of their own (a test holds them against the table)."""
    return [row.name.replace("_", ".") for row in fields(BrokerConfig) if row.name != "topic_defaults"]
