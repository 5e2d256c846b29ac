"""Per-topic checkpoint files: one offset per partition, replaced as a whole, never trusted blindly.

    <data>/topics/<topic>/recovery-point-offset-checkpoint    below it the log is known to be on disk
    <data>/topics/<topic>/log-start-offset-checkpoint         below it records are deleted
    <data>/topics/<topic>/cleaner-offset-checkpoint           below it a compacted log is clean

The text inside is Kafka's (formats/checkpoint.py). Nothing is lost with one of them: without a recovery
point the whole log is checked at boot, without a log start offset the first segment's base offset stands,
and without a cleaner offset all is cleaned again. So a reader that finds a damaged one says so in the log
and goes on.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from quekka.errors import CorruptMessageError
from quekka.formats.checkpoint import format_checkpoint, parse_checkpoint
from quekka.storage.files import FILES, Files

RECOVERY_POINT_NAME = "recovery-point-offset-checkpoint"
LOG_START_OFFSET_NAME = "log-start-offset-checkpoint"
CLEANER_OFFSET_NAME = "cleaner-offset-checkpoint"
CHECKPOINT_NAMES = (RECOVERY_POINT_NAME, LOG_START_OFFSET_NAME, CLEANER_OFFSET_NAME)

PLAUSIBLE_OFFSET_MAX = 2**62
"""A million records a second for more than a hundred thousand years."""

logger = logging.getLogger(__name__)


class CheckpointFile:
    """One topic's checkpoint of one kind.

    Threads: any may read; one at a time writes.
    """

    def __init__(self, topic_directory: Path, name: str, files: Files = FILES) -> None:
        """`name` is one of CHECKPOINT_NAMES; the topic's name is that of its directory."""
        self.path = topic_directory / name
        self._topic = topic_directory.name
        self._files = files

    def read(self) -> dict[int, int] | None:
        """The offsets by partition; None, with a warning, when the file is missing or damaged."""
        try:
            return self.read_strictly()
        except FileNotFoundError:
            return None
        except (CorruptMessageError, OSError) as error:
            logger.warning("%s is not used: %s", self.path, str(error))
            return None

    def read_strictly(self) -> dict[int, int]:
        """The offsets by partition; raises OSError, or CorruptMessageError that names the line."""
        offsets = {}
        for (topic, partition), offset in parse_checkpoint(self._files.read_file(self.path)).items():
            if topic != self._topic:
                raise CorruptMessageError(f"checkpoint of topic {topic!r}, not {self._topic!r}")
            if offset > PLAUSIBLE_OFFSET_MAX:
                raise CorruptMessageError(f"checkpoint: offset {offset} is none that a log can have reached")
            offsets[partition] = offset
        return offsets

    def write(self, offsets: Mapping[int, int], *, durable: bool = True) -> None:
        """Replace the file in one step; raises OSError. Unless `durable`, a power cut may undo it."""
        by_topic = {(self._topic, partition): offset for partition, offset in offsets.items()}
        self._files.replace_file(self.path, format_checkpoint(by_topic), durable=durable)
