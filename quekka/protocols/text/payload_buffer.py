"""Memory of its own for a payload too large for the stream buffer: received in place, never copied again.

It grows with the bytes that really came, not with the length that the line claimed, so a peer pays for
every byte it makes the broker hold. Up to `KEPT_BYTES_MAX` are kept for the next payload, because fresh
memory costs a page fault for every 4 KiB.
"""

FIRST_BYTES = 1024 * 1024
KEPT_BYTES_MAX = 4 * 1024 * 1024


class PayloadBuffer:
    """One payload at a time: `begin`, `writable` and `wrote` until `missing_bytes` is 0, then `payload`."""

    __slots__ = ("_length", "_received", "_view")

    def __init__(self) -> None:
        self._view = memoryview(bytearray())
        self._length = 0
        self._received = 0

    @property
    def length(self) -> int:
        return self._length

    @property
    def received_bytes(self) -> int:
        return self._received

    @property
    def missing_bytes(self) -> int:
        return self._length - self._received

    def begin(self, length: int, first: memoryview) -> None:
        """Expect `length` bytes, of which `first` are here already; the payload before is no longer true."""
        self._length = length
        self._received = 0
        if len(self._view) < min(length, FIRST_BYTES):
            self._view = memoryview(bytearray(max(len(first), min(length, FIRST_BYTES))))
        self._view[: len(first)] = first
        self._received = len(first)

    def writable(self) -> memoryview:
        """Memory for the next bytes of this payload, and no more than that."""
        if self._received == len(self._view):
            grown = memoryview(bytearray(min(self._length, 2 * len(self._view))))
            grown[: self._received] = self._view
            self._view = grown
        return self._view[self._received : self._length]

    def wrote(self, size_bytes: int) -> None:
        self._received += size_bytes

    def payload(self) -> memoryview:
        """The whole payload; true until the next `begin`."""
        return self._view[: self._length]

    def release(self, kept_bytes_max: int = KEPT_BYTES_MAX) -> None:
        """Give memory back if it is more than `kept_bytes_max`; slices handed out stay true."""
        if len(self._view) > kept_bytes_max:
            self._view = memoryview(bytearray())
