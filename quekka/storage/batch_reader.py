"""Reading a .log file batch by batch, bytes and all, as cleaning, dumping and verifying do.

Unlike a walk over headers (batch_walk.py) this reads everything once, a chunk at a time, so memory is
bounded by the chunk and the largest batch.
"""

from collections.abc import Iterator
from typing import NamedTuple

from quekka.errors import CorruptMessageError
from quekka.formats.record_batch import HEADER_BYTES, BatchHeader, read_header
from quekka.storage.batch_walk import no_batch
from quekka.storage.file_cache import OpenFile

CHUNK_BYTES = 1 << 20
"""What is read per step, where no batch is larger."""


class BatchBytes(NamedTuple):
    """One batch as it is in its file.

    Threads: any; immutable.
    """

    position: int
    header: BatchHeader
    data: memoryview
    """The whole batch, header included."""


def read_batches(file: OpenFile, position: int, end: int) -> Iterator[BatchBytes]:
    """The batches from the one at `position` to the file's byte `end`; CRCs are not checked.

    Raises CorruptMessageError naming file and position where there is no batch or a cut one,
    KafkaStorageError when the file cannot be read.
    """
    wanted_bytes = CHUNK_BYTES
    while position < end:
        chunk = memoryview(file.read(position, min(wanted_bytes, end - position)))
        at = 0
        wanted_bytes = CHUNK_BYTES
        while at < len(chunk):
            if len(chunk) - at < HEADER_BYTES and at > 0:
                break
            header = _header(file, position + at, chunk[at:])
            if position + at + header.size_bytes > end:
                left_bytes = end - position - at
                raise no_batch(
                    file, position + at, f"a batch of {header.size_bytes} bytes, {left_bytes} are left"
                )
            if at + header.size_bytes > len(chunk):
                wanted_bytes = max(wanted_bytes, header.size_bytes)
                break
            yield BatchBytes(position + at, header, chunk[at : at + header.size_bytes])
            at += header.size_bytes
        position += at


def _header(file: OpenFile, position: int, chunk: memoryview) -> BatchHeader:
    try:
        return read_header(chunk)
    except CorruptMessageError as error:
        raise no_batch(file, position, error.message.removeprefix("byte 0: ")) from None
