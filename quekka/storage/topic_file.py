"""A topic's directory and the file in it that says what the topic is.

    <data>/topics/orders/topic.json       {"version": 1, "name": "orders", "topic_id": "0b5c...",
                                           "partitions": 2, "settings": {"retention.ms": "3600000"}}
    <data>/topics/orders/0/  1/           the partitions' logs
    <data>/topics/~<topic id>.new         being made: gets its name when it is whole
    <data>/topics/~<topic id>.deleted     being deleted: lost its name first

A topic's name can hold no `~`, so no topic can be mistaken for a leftover of a crash. Making and deleting a
topic is one rename, so a crash leaves a whole topic or none; `remove_leftovers` removes the rest at boot.
"""

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quekka.errors import CorruptMessageError, UnsupportedVersionError
from quekka.storage.files import FILES, Files

TOPIC_FILE_NAME = "topic.json"
VERSION = 1
LEFTOVER_MARK = "~"


@dataclass(frozen=True, slots=True)
class TopicFile:
    """What topic.json says.

    Threads: any; immutable. One thread at a time saves.
    """

    name: str
    topic_id: uuid.UUID
    partitions: int
    settings: dict[str, str] = field(default_factory=dict)
    """Only what was given for the topic, by Kafka's names; defaults are not written down."""

    @classmethod
    def load(cls, directory: Path, files: Files = FILES) -> "TopicFile":
        """Read the topic of `directory`.

        Raises CorruptMessageError naming the file and what is wrong with it, UnsupportedVersionError for one
        that a newer version wrote, OSError when it cannot be read.
        """
        path = directory / TOPIC_FILE_NAME
        try:
            document = json.loads(files.read_file(path))
        except (ValueError, RecursionError) as error:
            raise CorruptMessageError(f"{path}: not JSON: {error}") from None
        except OSError as error:
            error.filename = str(path)
            raise
        topic = cls._from_document(document, path)
        if topic.name != directory.name:
            raise CorruptMessageError(f"{path}: name is {topic.name[:256]!r}, unlike its directory")
        topic._check_directories(directory, files)
        return topic

    def _check_directories(self, directory: Path, files: Files) -> None:
        """A wrong number of partitions would make directories without end, or hide logs that are there.

        One in the middle may be missing: the others are served. One too many may be there if it is empty,
        left by a crash while partitions were added.
        """
        path = directory / TOPIC_FILE_NAME
        if not files.is_directory(directory / str(self.partitions - 1)):
            raise CorruptMessageError(
                f"{path}: {self.partitions} partitions, but there is no directory {self.partitions - 1}"
            )
        further = directory / str(self.partitions)
        if files.is_directory(further) and files.listdir(further):
            raise CorruptMessageError(
                f"{path}: {self.partitions} partitions, but there are logs in directory {self.partitions}"
            )

    @classmethod
    def _from_document(cls, document: Any, path: Path) -> "TopicFile":
        """Check every field's type, so that what is loaded can be trusted."""
        if not isinstance(document, dict):
            raise CorruptMessageError(f"{path}: not an object")
        version = _typed(document, "version", int, path)
        if version > VERSION:
            raise UnsupportedVersionError(f"{path}: version {version} is newer than {VERSION}, known here")
        partitions = _typed(document, "partitions", int, path)
        if partitions < 1:
            raise CorruptMessageError(f"{path}: {partitions} partitions")
        settings = _typed(document, "settings", dict, path)
        for name, value in settings.items():
            if not isinstance(value, str):
                raise CorruptMessageError(f"{path}: setting {name} is not text")
        try:
            topic_id = uuid.UUID(_typed(document, "topic_id", str, path))
        except ValueError:
            raise CorruptMessageError(f"{path}: topic_id is no UUID") from None
        return cls(_typed(document, "name", str, path), topic_id, partitions, settings)

    def save(self, directory: Path, files: Files = FILES) -> None:
        """Write the file, durably and in one step; raises OSError."""
        document = {
            "version": VERSION,
            "name": self.name,
            "topic_id": str(self.topic_id),
            "partitions": self.partitions,
            "settings": self.settings,
        }
        files.replace_file(directory / TOPIC_FILE_NAME, (json.dumps(document, indent=2) + "\n").encode())

    def create_directory(self, topics_path: Path, files: Files = FILES) -> Path:
        """Make the topic's directory with this file and its partitions' directories in it; raises OSError.

        `topics_path` is where topics' directories are. FileExistsError when the topic has one already.
        """
        directory = topics_path / self.name
        if files.exists(directory):
            raise FileExistsError(17, "File exists", str(directory))
        unnamed = topics_path / f"{LEFTOVER_MARK}{self.topic_id}.new"
        files.mkdir(unnamed)
        for partition in range(self.partitions):
            files.mkdir(unnamed / str(partition))
        self.save(unnamed, files)
        files.replace(unnamed, directory)
        files.fsync_directory(topics_path)
        return directory

    def delete_directory(self, topics_path: Path, files: Files = FILES) -> None:
        """Take the topic's name away, durably, then remove its files; raises OSError.

        After a failure in the middle the topic is gone, and `remove_leftovers` removes the rest.
        """
        unnamed = topics_path / f"{LEFTOVER_MARK}{self.topic_id}.deleted"
        files.replace(topics_path / self.name, unnamed)
        files.fsync_directory(topics_path)
        files.remove_tree(unnamed)


def is_leftover(name: str) -> bool:
    """Whether a directory of this name belongs to a topic that was never whole, or is deleted."""
    return name.startswith(LEFTOVER_MARK)


def remove_leftovers(topics_path: Path, files: Files = FILES) -> list[str]:
    """Remove what crashes left of topics being made or deleted; the names removed. Raises OSError."""
    leftovers = [name for name in files.listdir(topics_path) if is_leftover(name)]
    for name in leftovers:
        files.remove_tree(topics_path / name)
    return leftovers


def _typed(document: dict[str, Any], name: str, kind: type, path: Path) -> Any:
    value = document.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise CorruptMessageError(f"{path}: {name} is {'missing' if value is None else 'malformed'}")
    return value
