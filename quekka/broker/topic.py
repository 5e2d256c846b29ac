"""A topic: a name, an id, settings, partitions and one writer."""

import itertools
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType

from quekka.broker.partition import Partition
from quekka.broker.topic_writer import TopicWriter
from quekka.errors import UnknownTopicOrPartitionError
from quekka.storage.log_config import LogConfig
from quekka.topic_name import is_internal


class Topic:
    """What the broker knows of a topic.

    Constant: `name`, `topic_id`, `is_internal`, `writer`, `write_checkpoints`.
    Replaced by assignment, by the TopicManager only: `config`, `own_settings`, `partitions`.

    Threads: any.
    """

    def __init__(
        self,
        name: str,
        topic_id: uuid.UUID,
        own_settings: Mapping[str, str],
        defaults: Mapping[str, str],
        writer: TopicWriter,
        write_checkpoints: Callable[..., bool],
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.is_internal = is_internal(name)
        self.writer = writer
        self.write_checkpoints = write_checkpoints
        self.partitions: tuple[Partition, ...] = ()
        self._defaults = MappingProxyType(dict(defaults))
        self._turns = itertools.count()
        self.configure(own_settings)

    def configure(self, own_settings: Mapping[str, str]) -> None:
        """Take over settings; raises InvalidConfigError and changes nothing where one cannot be so."""
        self.config = self.config_with(own_settings)
        self.own_settings = MappingProxyType(dict(own_settings))
        for partition in self.partitions:
            partition.log.config = self.config

    def config_with(self, own_settings: Mapping[str, str]) -> LogConfig:
        """What these settings mean with the broker's defaults; raises InvalidConfigError."""
        return LogConfig.from_settings({**self._defaults, **own_settings})

    def settings(self) -> dict[str, str]:
        """Every topic setting by Kafka's name with the text of the value in effect."""
        return LogConfig.effective({**self._defaults, **self.own_settings})

    def partition(self, index: int) -> Partition:
        """Raises UnknownTopicOrPartitionError that names the topic, the number and how many there are."""
        partitions = self.partitions
        if not 0 <= index < len(partitions):
            raise UnknownTopicOrPartitionError(
                f"topic {self.name} has no partition {index}: it has {len(partitions)}, from 0"
            )
        return partitions[index]

    def next_partition(self) -> int:
        """The partition whose turn it is, for a record without a key."""
        return next(self._turns) % len(self.partitions)

    def wake_all(self) -> None:
        """Have everyone who waits on a partition of this topic look again."""
        for partition in self.partitions:
            partition.log_end.fire()

    def __repr__(self) -> str:
        return f"<Topic {self.name} {len(self.partitions)} partitions>"
