"""Producer ids: a number for each idempotent producer, never given twice in the life of a data directory.

    <data>/producer-ids      version=1
                             next.producer.id=3000

The file says where the next block begins. A block of ids is reserved by replacing the file, durably, before
the first of them is given away; what a crash leaves of a block is never used. So an id costs a write once in
a block, and two producers can never be taken for one, which would have the log refuse records as duplicates.

Source: org.apache.kafka.coordinator.transaction.ProducerIdManager, ProducerIdsBlock.
"""

import threading
from pathlib import Path

from quekka.errors import CorruptMessageError, KafkaStorageError, UnsupportedVersionError
from quekka.storage.files import FILES, Files

PRODUCER_IDS_NAME = "producer-ids"
VERSION = 1
BLOCK_IDS = 1000
"""As many as Kafka's brokers reserve at once."""
PRODUCER_ID_MAX = 2**63 - 1


class ProducerIds:
    """The producer ids of one data directory; the file is read when the first one is wanted.

    Guarded by `_mutex`: all attributes that begin with `_next` or `_block`.

    Threads: any.
    """

    def __init__(self, data_path: Path, files: Files = FILES) -> None:
        self.path = data_path / PRODUCER_IDS_NAME
        self._files = files
        self._mutex = threading.Lock()
        self._next_id = 0
        self._block_end = 0

    def next_id(self) -> int:
        """A producer id that nobody has had.

        Raises KafkaStorageError when the file cannot be read or written, CorruptMessageError when it is
        damaged, UnsupportedVersionError when a newer version wrote it; then no id is given away.
        """
        with self._mutex:
            if self._next_id == self._block_end:
                self._reserve_block_locked()
            self._next_id += 1
            return self._next_id - 1

    def _reserve_block_locked(self) -> None:
        assert self._mutex.locked()
        try:
            start = self._block_end or self._read()
            self._files.replace_file(self.path, format_block(start + BLOCK_IDS))
        except OSError as error:
            raise KafkaStorageError(f"{self.path}: {error.strerror or error}") from error
        self._next_id, self._block_end = start, start + BLOCK_IDS

    def _read(self) -> int:
        if not self._files.exists(self.path):
            return 0
        return parse_block(self._files.read_file(self.path), str(self.path))


def format_block(next_id: int) -> bytes:
    """The file's contents when the next block begins at `next_id`."""
    return f"version={VERSION}\nnext.producer.id={next_id}\n".encode()


def parse_block(data: bytes, where: str) -> int:
    """Where the next block begins; `where` is the file's name for messages.

    Raises CorruptMessageError, UnsupportedVersionError.
    """
    pairs = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
    properties = {name: value for name, _, value in pairs}
    version = _whole_number(properties, "version", where)
    if version > VERSION:
        raise UnsupportedVersionError(
            f"{where}: version={version} is newer than this program, which knows up to {VERSION}"
        )
    return _whole_number(properties, "next.producer.id", where)


def _whole_number(properties: dict[str, str], name: str, where: str) -> int:
    value = properties.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= PRODUCER_ID_MAX):
        raise CorruptMessageError(f"{where}: {name}={value[:32]!r} is no number that could be meant")
    return int(value)
