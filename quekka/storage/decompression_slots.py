"""How many threads may hold decompressed records of clients at the same time.

A batch of two kilobytes may decompress to 64 MiB (`DEFAULT_MAX_DECOMPRESSED_BYTES` in
formats/record_batch.py), and while they are copied into their final form they are there twice. A connection
can ask for that with every request, so connections wait for a slot; what all of them together can take is

    SLOTS * 2 * 64 MiB

Waiting costs little, because Python walks the records of one thread at a time anyhow; the second slot lets
one thread decompress, which needs no GIL, while another one walks. Cleaning has one thread and needs none.
"""

import threading
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from quekka.errors import QuekkaError
from quekka.formats.compression import NONE

SLOTS = 2


class _DecompressionSlots:
    """Held for as long as decompressed records are.

    Threads: any.
    """

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(SLOTS)

    def __enter__(self) -> None:
        self._free.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, QuekkaError):
            error.without_frames()  # the records are in one of them
        self._free.release()


_SLOTS = _DecompressionSlots()
_NO_SLOT = nullcontext()


def decompression_slot(codec: int) -> AbstractContextManager[None]:
    """What to hold while the records of a batch are decompressed and looked at; nothing for plain ones.

    Memory is the process's, so all brokers in it share the slots. Never hold one while waiting for a peer.
    """
    return _NO_SLOT if codec == NONE else _SLOTS
