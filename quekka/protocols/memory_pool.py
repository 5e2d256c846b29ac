"""Memory that a connection uses over and over, since fresh memory costs a page fault for every 4 KiB.

    take ----> in use ----> lend ----> lent to whoever got slices of it
      ^           |                        |
      |           v give_back              v reclaim: the slices are no longer needed
      +------- spare <---------------------+

Sizes are powers of two, so that one payload's memory fits the next one. Of memory larger than a stream buffer
ever is, a lender is told how much is in use, before more of it is.
"""

from typing import Protocol

KEPT_BYTES_MAX = 4 * 1024 * 1024
SMALL_BYTES_MAX = 256 * 1024
"""Memory up to this size is not asked for."""


class Lender(Protocol):
    """Who looks after the memory of many connections."""

    def hold(self, size_bytes: int) -> None:
        """So much large memory is to be in use. May wait, or raise, where that is more than before."""


class UnboundedLender:
    """Has as much as anybody wants."""

    def hold(self, size_bytes: int) -> None:
        """Nothing to look after."""


class MemoryPool:
    """Spare and lent memory of one connection."""

    __slots__ = ("_large_bytes", "_lender", "_lent", "_spare", "_spare_bytes")

    def __init__(self, lender: Lender | None = None) -> None:
        self._lender = lender or UnboundedLender()
        self._large_bytes = 0
        self._lent: list[bytearray] = []
        self._spare: dict[int, list[bytearray]] = {}
        self._spare_bytes = 0

    @property
    def spare_bytes(self) -> int:
        return self._spare_bytes

    def has_spare(self, size_bytes: int) -> bool:
        """Whether `take` of so much would make no new memory."""
        return bool(self._spare.get(1 << (size_bytes - 1).bit_length()))

    def take(self, size_bytes: int) -> bytearray:
        """Memory of at least `size_bytes`, with whatever was in it before; raises what the lender does."""
        size_bytes = 1 << (size_bytes - 1).bit_length()
        if size_bytes > SMALL_BYTES_MAX:
            self._lender.hold(self._large_bytes + size_bytes)
            self._large_bytes += size_bytes
        spare = self._spare.get(size_bytes)
        if not spare:
            return bytearray(size_bytes)
        self._spare_bytes -= size_bytes
        return spare.pop()

    def give_back(self, memory: bytearray) -> None:
        """Memory that nobody has slices of."""
        if len(memory) > SMALL_BYTES_MAX:
            self._large_bytes -= len(memory)
            self._lender.hold(self._large_bytes)
        if self._spare_bytes + len(memory) <= KEPT_BYTES_MAX:
            self._spare_bytes += len(memory)
            self._spare.setdefault(len(memory), []).append(memory)

    def lend(self, memory: bytearray) -> None:
        """Memory that others have slices of; it stays as it is until `reclaim`."""
        self._lent.append(memory)

    def reclaim(self) -> None:
        """All slices are no longer needed: what was lent is spare."""
        for memory in self._lent:
            self.give_back(memory)
        self._lent.clear()

    def release(self) -> None:
        """Give spare memory to the system."""
        self._spare.clear()
        self._spare_bytes = 0
