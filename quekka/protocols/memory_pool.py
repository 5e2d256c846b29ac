"""Memory that a connection uses over and over, since fresh memory costs a page fault for every 4 KiB.

    take ----> in use ----> lend ----> lent to whoever got slices of it
      ^           |                        |
      |           v give_back              v reclaim: the slices are no longer needed
      +------- spare <---------------------+

Sizes are powers of two, so that one payload's memory fits the next one.
"""

KEPT_BYTES_MAX = 4 * 1024 * 1024


class MemoryPool:
    """Spare and lent memory of one connection."""

    __slots__ = ("_lent", "_spare", "_spare_bytes")

    def __init__(self) -> None:
        self._lent: list[bytearray] = []
        self._spare: dict[int, list[bytearray]] = {}
        self._spare_bytes = 0

    @property
    def spare_bytes(self) -> int:
        return self._spare_bytes

    def take(self, size_bytes: int) -> bytearray:
        """Memory of at least `size_bytes`, with whatever was in it before."""
        size_bytes = 1 << (size_bytes - 1).bit_length()
        spare = self._spare.get(size_bytes)
        if not spare:
            return bytearray(size_bytes)
        self._spare_bytes -= size_bytes
        return spare.pop()

    def give_back(self, memory: bytearray) -> None:
        """Memory that nobody has slices of."""
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
