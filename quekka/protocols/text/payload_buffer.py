"""Memory of its own for a payload too large for the stream buffer: received in place, never copied.

It grows with the bytes that really came, not with the length that the line claimed, so a peer pays for every
byte it makes the broker hold.
"""

from quekka.protocols.memory_pool import MemoryPool

FIRST_BYTES = 64 * 1024
"""For a payload whose length is only a claim: a line of a few bytes must not cost a megabyte."""
REUSED_BYTES = 1024 * 1024
"""For one from a peer that has sent such payloads: the memory for them is here, and grows in fewer steps."""


class PayloadBuffer:
    """A payload of `length` bytes on its way: `writable` and `wrote` until `missing_bytes` is 0."""

    __slots__ = ("_memory", "_pool", "_view", "length", "received_bytes")

    def __init__(self, pool: MemoryPool, length: int, first: memoryview) -> None:
        """`first` are the bytes that are here already."""
        self.length = length
        self.received_bytes = 0
        self._pool = pool
        self._memory = bytearray()
        self._view = memoryview(self._memory)
        start_bytes = REUSED_BYTES if pool.has_spare(min(length, REUSED_BYTES)) else FIRST_BYTES
        self._move_to(pool.take(min(length, max(start_bytes, len(first)))))
        self._view[: len(first)] = first
        self.received_bytes = len(first)

    @property
    def missing_bytes(self) -> int:
        return self.length - self.received_bytes

    def writable(self) -> memoryview:
        """Memory for the next bytes of this payload, and for no more than that."""
        if self.received_bytes == len(self._view):
            old = self._memory
            self._move_to(self._pool.take(min(self.length, 2 * self.received_bytes)))
            self._pool.give_back(old)
        return self._view[self.received_bytes :]

    def wrote(self, size_bytes: int) -> None:
        """Say that `size_bytes` were put at the front of `writable()`."""
        self.received_bytes += size_bytes

    def lend(self) -> memoryview:
        """The whole payload, once nothing is missing; true until the pool reclaims it."""
        self._pool.lend(self._memory)
        return self._view

    def _move_to(self, memory: bytearray) -> None:
        received = self._view[: self.received_bytes]
        self._memory = memory
        self._view = memoryview(memory)[: self.length]
        self._view[: self.received_bytes] = received
