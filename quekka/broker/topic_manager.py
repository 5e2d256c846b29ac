"""The topics there are: created, found, changed, deleted.

Files first, map second: a topic is in the map only when its topic.json is on disk, and is out of the map
before its files go. Reading the map takes no lock; changing it takes `_mutex`, under which files are made,
so that two CREATEs of one name cannot meet. A topic that is deleted is waited for without that lock, since
its writer brings to disk what it has; its name is free when all of it is gone, and a CREATE of that name
waits for that. No append and no read ever takes the lock.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from quekka.broker.commands import BeginFlushCommand
from quekka.broker.completion import Completion
from quekka.broker.config import BrokerConfig
from quekka.broker.topic import Topic
from quekka.broker.topic_factory import TopicFactory
from quekka.errors import (
    CorruptMessageError,
    InvalidConfigError,
    InvalidPartitionsError,
    InvalidTopicError,
    KafkaStorageError,
    PolicyViolationError,
    QuekkaError,
    ShuttingDownError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    UnsupportedVersionError,
)
from quekka.setting import find_setting
from quekka.storage.data_dir import DataDir
from quekka.storage.files import Files
from quekka.storage.log_config import TOPIC_SETTINGS, LogConfig
from quekka.storage.topic_file import TOPIC_FILE_NAME, TopicFile, remove_leftovers
from quekka.topic_name import OFFSETS_TOPIC, check_topic_name, check_writable, collision_key, is_internal

logger = logging.getLogger(__name__)


class TopicManager:
    """All topics of the broker by name.

    Threads: any; `load` and `close` by the thread that starts and stops the broker.
    """

    def __init__(self, data_dir: DataDir, files: Files, config: BrokerConfig, factory: TopicFactory) -> None:
        self.config = config
        """Replaced by assignment when a setting changes."""
        self.on_create: Callable[[str], None] = _nobody_to_tell
        """Called with the name of a topic that is about to be made, under `_mutex`; may raise to refuse."""
        self.on_delete: Callable[[str], None] = _nobody_to_tell
        """Called with the name of a topic that is gone."""
        self._data_dir = data_dir
        self._files = files
        self._factory = factory
        self._mutex = threading.Lock()
        self._topics: dict[str, Topic] = {}
        self._collision_keys: dict[str, str] = {}
        self._not_served: dict[str, str] = {}
        """Topics that `load` left as they are, and why; their names stay taken."""
        self._half_done: set[str] = set()
        """Names that may still have a directory, as making or deleting their topic has failed half-way."""
        self._ending: dict[str, Completion[None]] = {}
        """Topics that are being deleted: out of the map, their names still taken."""

    def load(self) -> None:
        """Open every topic of the data directory.

        One whose topic.json or logs cannot be read is left as it is, with an error in the log and for
        whoever asks for it; the others are served. Raises KafkaStorageError when not even names can be read.
        """
        for name in self._names_on_disk():
            try:
                topic = self._load(self._data_dir.topic_directory(name))
            except (CorruptMessageError, UnsupportedVersionError, KafkaStorageError, OSError) as error:
                logger.error("topic %s is not served: %s", name, str(error))
                self._not_served[name] = str(error)
                self._collision_keys[collision_key(name)] = name
                continue
            self._show_locked(topic)

    def _names_on_disk(self) -> list[str]:
        try:
            for leftover in remove_leftovers(self._data_dir.topics_path, self._files):
                logger.info("removed %s, left by a crash while a topic was made or deleted", leftover)
            return self._data_dir.topic_names()
        except OSError as error:
            raise KafkaStorageError(f"the topics cannot be read: {error}") from error

    def _load(self, directory: Path) -> Topic:
        described = TopicFile.load(directory, self._files)
        try:
            return self._factory.open(directory, described, was_clean_stop=self._data_dir.was_clean_stop)
        except InvalidConfigError as error:
            raise CorruptMessageError(f"{directory / TOPIC_FILE_NAME}: {error.message}") from error

    # Finding

    def find(self, name: str) -> Topic | None:
        return self._topics.get(name)

    def get(self, name: str) -> Topic:
        """Raises UnknownTopicOrPartitionError, InvalidTopicError for what can be no topic's name, and
        KafkaStorageError that says why for a topic that could not be loaded.
        """
        topic = self._topics.get(name)
        if topic is None:
            check_topic_name(name)
            self.check_served(name)
            raise UnknownTopicOrPartitionError(f"there is no topic {name}")
        return topic

    def check_served(self, name: str) -> None:
        """Raises KafkaStorageError that says why for a topic that is there but could not be loaded."""
        if name in self._not_served:
            raise KafkaStorageError(f"topic {name} is not served: {self._not_served[name]}")

    def get_or_create(self, name: str) -> Topic:
        """The topic to publish to, made by this call where `auto.create.topics.enable` allows it."""
        topic = self._topics.get(name)
        if topic is not None:
            return topic
        if not self.config.auto_create_topics_enable:
            return self.get(name)
        try:
            return self.create(name)
        except TopicAlreadyExistsError:
            return self.get(name)

    def names(self, internal: bool = False) -> list[str]:
        """All topics, sorted; the broker's own only if `internal`."""
        return sorted(name for name in list(self._topics) if internal or not is_internal(name))

    def all(self) -> list[Topic]:
        """All topics there are at this moment, the broker's own among them."""
        return list(self._topics.values())

    # Changing

    def create(
        self, name: str, partitions: int | None = None, settings: Mapping[str, str] | None = None
    ) -> Topic:
        """Make a topic.

        Raises InvalidTopicError, TopicAlreadyExistsError, InvalidPartitionsError, InvalidConfigError,
        PolicyViolationError (max.partitions), KafkaStorageError.
        """
        check_writable(check_topic_name(name))
        return self._create(
            name, self.config.num_partitions if partitions is None else partitions, settings or {}
        )

    def check_create(self, name: str, partitions: int, settings: Mapping[str, str]) -> None:
        """Raise what `create` would raise before it makes anything."""
        check_writable(check_topic_name(name))
        LogConfig.from_settings(settings)
        with self._mutex:
            self._check_new_name_locked(name)
            self._check_partitions_locked(name, partitions, 0)

    def create_offsets_topic(self) -> Topic:
        """The topic of committed offsets; made by the first commit."""
        settings = {
            "cleanup.policy": "compact",
            "segment.bytes": str(self.config.offsets_topic_segment_bytes),
            "compression.type": "producer",
        }
        try:
            return self._create(OFFSETS_TOPIC, self.config.offsets_topic_num_partitions, settings)
        except TopicAlreadyExistsError:
            return self.get(OFFSETS_TOPIC)

    def _create(self, name: str, partitions: int, settings: Mapping[str, str]) -> Topic:
        LogConfig.from_settings(settings)
        while (ended := self._ending.get(name)) is not None:
            ended.wait()
        with self._mutex:
            self._check_new_name_locked(name)
            self._check_partitions_locked(name, partitions, 0)
            self.on_create(name)
            described = TopicFile(name, uuid.uuid4(), partitions, dict(settings))
            try:
                directory = self._make_directory_locked(described)
            except OSError as error:
                self._half_done.add(name)
                raise KafkaStorageError(f"topic {name} could not be made: {error}") from error
            try:
                topic = self._factory.open(directory, described, was_clean_stop=True)
            except QuekkaError:
                self._take_back_locked(described)
                raise
            self._show_locked(topic)
        logger.info("topic %s created: %d partitions", name, partitions)
        return topic

    def delete(self, name: str) -> None:
        """Take a topic away with all it holds; appends that wait are refused, readers who wait are woken.

        Raises UnknownTopicOrPartitionError, TopicAuthorizationFailedError (the broker's own),
        KafkaStorageError.
        """
        check_writable(name)
        with self._mutex:
            topic = self.get(name)
            del self._topics[name]
            ended = self._ending[name] = Completion()
        try:
            self._end(topic, UnknownTopicOrPartitionError(f"topic {name} was deleted"))
            self._delete_files(topic)
            self.on_delete(name)
        finally:
            with self._mutex:
                del self._ending[name]
                del self._collision_keys[collision_key(name)]
            ended.complete(None)
        logger.info("topic %s deleted", name)

    def alter(self, name: str, settings: Mapping[str, str]) -> Topic:
        """Change settings of a topic; an empty text takes a setting back to its default.

        Raises UnknownTopicOrPartitionError, InvalidConfigError, KafkaStorageError; nothing is changed then.
        """
        with self._mutex:
            topic = self.get(name)
            own = _altered(topic, settings)
            self._save_locked(TopicFile(name, topic.topic_id, len(topic.partitions), own))
            topic.configure(own)
        # A timer that waits for the old flush.ms must not keep records waiting longer than the new one.
        topic.writer.submit_if_running(BeginFlushCommand())
        return topic

    def check_alter(self, name: str, settings: Mapping[str, str]) -> None:
        """Raise what `alter` would raise before it changes anything."""
        _altered(self.get(name), settings)

    def create_partitions(self, name: str, total: int) -> Topic:
        """Give a topic more partitions; raises InvalidPartitionsError where that is not more, or too many."""
        with self._mutex:
            topic = self.get(name)
            present = len(topic.partitions)
            self._check_more_partitions_locked(topic, total)
            directory = self._data_dir.topic_directory(name)
            try:
                for index in range(present, total):
                    self._files.makedirs(directory / str(index))
            except OSError as error:
                raise KafkaStorageError(f"topic {name}: partitions could not be made: {error}") from error
            self._save_locked(TopicFile(name, topic.topic_id, total, dict(topic.own_settings)))
            self._factory.add_partitions(topic, directory, total)
        return topic

    def check_create_partitions(self, name: str, total: int) -> None:
        """Raise what `create_partitions` would raise before it makes anything."""
        with self._mutex:
            self._check_more_partitions_locked(self.get(name), total)

    def close(self) -> bool:
        """End every writer and close every log; True when all that was appended is on disk.

        Of topics that are not served nobody knows that: the next open has to check them all the same.
        """
        for ended in list(self._ending.values()):
            ended.wait()
        topics = self.all()
        ends = [topic.writer.stop(ShuttingDownError("the broker is stopping")) for topic in topics]
        is_clean = not self._not_served
        for topic, end in zip(topics, ends, strict=True):
            try:
                end.wait()
            except QuekkaError:
                is_clean = False
            topic.writer.join()
            is_clean = _close_logs(topic) and is_clean
            is_clean = topic.write_checkpoints(at_stop=True) and is_clean
        return is_clean

    def _end(self, topic: Topic, reason: QuekkaError) -> None:
        end = topic.writer.stop(reason)
        for partition in topic.partitions:
            partition.is_gone = True
        topic.wake_all()
        try:
            end.wait()
        except QuekkaError as error:
            logger.warning("topic %s: %s", topic.name, error.message)
        topic.writer.join()
        _close_logs(topic)
        for partition in topic.partitions:
            partition.log.retire()

    def _delete_files(self, topic: Topic) -> None:
        described = TopicFile(topic.name, topic.topic_id, len(topic.partitions))
        try:
            described.delete_directory(self._data_dir.topics_path, self._files)
        except OSError as error:
            self._half_done.add(topic.name)
            raise KafkaStorageError(
                f"topic {topic.name} is gone, but not all of its files: {error}"
            ) from error

    # Below here the caller holds `_mutex`, or nobody else is there yet.

    def _show_locked(self, topic: Topic) -> None:
        self._topics[topic.name] = topic
        self._collision_keys[collision_key(topic.name)] = topic.name

    def _make_directory_locked(self, described: TopicFile) -> Path:
        topics_path = self._data_dir.topics_path
        if described.name in self._half_done:
            if self._files.exists(topics_path / described.name):
                described.delete_directory(topics_path, self._files)
            self._half_done.discard(described.name)
        return described.create_directory(topics_path, self._files)

    def _take_back_locked(self, described: TopicFile) -> None:
        """Free the name of a topic that was made but cannot be opened; nobody was told that it is there."""
        try:
            described.delete_directory(self._data_dir.topics_path, self._files)
        except OSError as error:
            self._half_done.add(described.name)
            logger.error("topic %s could not be made, and its files stay: %s", described.name, str(error))

    def _save_locked(self, described: TopicFile) -> None:
        try:
            described.save(self._data_dir.topic_directory(described.name), self._files)
        except OSError as error:
            raise KafkaStorageError(f"topic {described.name} could not be changed: {error}") from error

    def _check_new_name_locked(self, name: str) -> None:
        self.check_served(name)
        other = self._collision_keys.get(collision_key(name))
        if other == name:
            raise TopicAlreadyExistsError(f"topic {name} exists already")
        if other is not None:
            raise InvalidTopicError(f"topic {name} collides with topic {other}: . and _ count as the same")

    def _check_more_partitions_locked(self, topic: Topic, total: int) -> None:
        present = len(topic.partitions)
        if total <= present:
            raise InvalidPartitionsError(f"topic {topic.name} has {present} partitions: {total} is not more")
        self._check_partitions_locked(topic.name, total, present)

    def _check_partitions_locked(self, name: str, total: int, present: int) -> None:
        if total < 1:
            raise InvalidPartitionsError(f"topic {name} needs at least 1 partition, not {total}")
        in_use = sum(len(topic.partitions) for topic in self._topics.values())
        if in_use - present + total > self.config.max_partitions:
            raise PolicyViolationError(
                f"{total} partitions for topic {name} are more than there is room for: "
                f"{in_use} of max.partitions={self.config.max_partitions} are in use"
            )


def _close_logs(topic: Topic) -> bool:
    """Close the topic's logs, each of them; False when one could not bring all it had to disk."""
    is_clean = True
    for partition in topic.partitions:
        # A log that a failed sync has closed to appends has nothing left to sync, and is not on disk.
        is_clean = is_clean and partition.log.writer.closed_reason is None
        try:
            partition.log.close()
        except KafkaStorageError as error:
            logger.error("%s: closed without all of it on disk: %s", partition, error.message)
            is_clean = False
    return is_clean


def _altered(topic: Topic, settings: Mapping[str, str]) -> dict[str, str]:
    """The topic's own settings after a change; raises InvalidConfigError where it cannot be."""
    for setting in settings:
        find_setting(TOPIC_SETTINGS, setting)
    changed = {**topic.own_settings, **settings}
    own = {key: value for key, value in changed.items() if value != "" or key not in settings}
    topic.config_with(own)
    return own


def _nobody_to_tell(_name: str) -> None:
    """What `on_create` and `on_delete` are until the groups are there."""
