"""What all that works on one partition's files has in common."""

from pathlib import Path
from typing import NamedTuple

from quekka.clock import Clock
from quekka.storage.file_cache import FileCache
from quekka.storage.files import Files
from quekka.storage.producer_state import DEFAULT_LIMITS, ProducerLimits


class LogContext(NamedTuple):
    """Where a partition's files are, through what they and the time are reached, and what the broker allows.

    Threads: any; immutable.
    """

    directory: Path
    files: Files
    file_cache: FileCache
    clock: Clock
    producer_limits: ProducerLimits = DEFAULT_LIMITS
