"""One reused piece of memory between a socket and a parser: big reads, no copy for each message.

        0          start            end                 capacity
        +----------+----------------+-------------------+
        | consumed | received, not  | free: the next    |
        |          | yet consumed   | recv_into         |
        +----------+----------------+-------------------+

The memory starts small, because most connections are idle, and doubles up to a limit while the peer fills
it to the brim, because a read of 256 KiB carries hundreds of pipelined requests for the price of one system
call.

Slices that a parser hands out stay true until the next `writable()`, which moves what is left to the front.
"""

SMALLEST_BYTES = 4 * 1024
LARGEST_BYTES = 256 * 1024


class StreamBuffer:
    """Received bytes that wait to be understood.

    `data[start:end]` is what was received and not consumed. A parser reads it in place and calls `consume`.
    """

    __slots__ = ("_full", "_largest_bytes", "_smallest_bytes", "data", "end", "start", "view")

    def __init__(self, smallest_bytes: int = SMALLEST_BYTES, largest_bytes: int = LARGEST_BYTES) -> None:
        self._smallest_bytes = smallest_bytes
        self._largest_bytes = largest_bytes
        self._full = False
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
        """The free memory for the next read, never empty; slices handed out before are no longer true.

        Raises BufferError when the largest size is full of bytes that nobody consumes: a parser must refuse
        such input before that.
        """
        if self.start == self.end:
            self.start = self.end = 0
        if self._full and len(self.data) < self._largest_bytes:
            self._move_to(bytearray(min(2 * len(self.data), self._largest_bytes)))
        elif self.start:
            self._move_to(self.data)
        if self.end == len(self.data):
            raise BufferError(f"{self.end} bytes that nobody consumed")
        return self.view[self.end :]

    def wrote(self, size_bytes: int) -> None:
        """Say that `size_bytes` were put at the front of `writable()`."""
        self.end += size_bytes
        self._full = self.end == len(self.data)

    def consume_to(self, position: int) -> None:
        """Forget everything before `position`."""
        self.start = position

    def release(self) -> None:
        """Give back the memory of a burst; does nothing while bytes are waiting."""
        if self.start == self.end and len(self.data) > self._smallest_bytes:
            self.start = self.end = 0
            self._move_to(bytearray(self._smallest_bytes))

    def _move_to(self, data: bytearray) -> None:
        size_bytes = self.end - self.start
        view = self.view if data is self.data else memoryview(data)
        view[:size_bytes] = self.view[self.start : self.end]
        self.data = data
        self.view = view
        self.start = 0
        self.end = size_bytes
        self._full = False
