"""The memory between a socket and a parser: big reads, no copy for each message.

    0          start            end                 capacity
    +----------+----------------+-------------------+
    | consumed | received, not  | free: the next    |
    |          | yet consumed   | recv_into         |
    +----------+----------------+-------------------+

The memory starts small, because most connections are idle, and doubles up to a limit while the peer fills
it to the brim, because a read of 256 KiB carries hundreds of pipelined requests for the price of one system
call.

Slices that a parser hands out stay true until the next `writable()`, which moves what is left to the front;
or, after `lend()`, until the pool reclaims them, since the buffer then goes on in other memory.
"""

from quekka.protocols.memory_pool import MemoryPool

SMALLEST_BYTES = 4 * 1024
LARGEST_BYTES = 256 * 1024


class StreamBuffer:
    """Received bytes that wait to be understood.

    `data[start:end]` is what was received and not consumed. A parser reads it in place and calls
    `consume_to`.
    """

    __slots__ = (
        "_is_full",
        "_is_lent",
        "_largest_bytes",
        "_pool",
        "_smallest_bytes",
        "data",
        "end",
        "start",
        "view",
    )

    def __init__(
        self,
        pool: MemoryPool,
        smallest_bytes: int = SMALLEST_BYTES,
        largest_bytes: int = LARGEST_BYTES,
    ) -> None:
        """Sizes are powers of two, as the pool's."""
        self._pool = pool
        self._smallest_bytes = smallest_bytes
        self._largest_bytes = largest_bytes
        self._is_full = False
        self._is_lent = False
        self.data = bytearray(smallest_bytes)
        self.view = memoryview(self.data)
        self.start = 0
        self.end = 0

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def capacity_bytes(self) -> int:
        return len(self.data)

    def writable(self) -> memoryview:
        """The free memory for the next read, never empty; slices handed out before may be no longer true.

        Raises BufferError when the largest size is full of bytes that nobody consumes: a parser must refuse
        such input before that.
        """
        capacity_bytes = len(self.data)
        if self._is_full and capacity_bytes < self._largest_bytes:
            self._move_to(self._pool.take(2 * capacity_bytes))
        elif self._is_lent:
            self._move_to(self._pool.take(capacity_bytes))
        elif self.start:
            self._move_to_front()
        if self.end == len(self.data):
            raise BufferError(f"{self.end} bytes that nobody consumed")
        return self.view[self.end :]

    def wrote(self, size_bytes: int) -> None:
        """Say that `size_bytes` were put at the front of `writable()`."""
        self.end += size_bytes
        self._is_full = self.end == len(self.data)

    def consume_to(self, position: int) -> None:
        """Forget everything before `position`."""
        self.start = position

    def lend(self) -> None:
        """Have the slices handed out so far stay true until the pool reclaims them."""
        self._is_lent = True

    def release(self) -> None:
        """Give back the memory of a burst; does nothing while bytes are waiting."""
        if self.start == self.end and len(self.data) > self._smallest_bytes:
            self._move_to(self._pool.take(self._smallest_bytes))

    def _move_to_front(self) -> None:
        size_bytes = self.end - self.start
        self.view[:size_bytes] = self.view[self.start : self.end]
        self.start = 0
        self.end = size_bytes
        self._is_full = False

    def _move_to(self, data: bytearray) -> None:
        old, rest = self.data, self.view[self.start : self.end]
        self.data = data
        self.view = memoryview(data)
        self.view[: len(rest)] = rest
        self.start = 0
        self.end = len(rest)
        if self._is_lent:
            self._pool.lend(old)
        else:
            self._pool.give_back(old)
        self._is_full = self._is_lent = False
