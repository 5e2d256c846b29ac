"""Where the last batches of the active segment lie, each of them.

Most reads ask for what was just appended. The offset index knows only every few kilobytes, so those reads
would have to walk through batch headers on disk; these two columns answer them from memory.

As an index they only grow, and a view knows how many rows of them it may see. When they get long, the writer
goes on with new ones that begin with the latest rows; views keep the old ones for as long as they live.
"""

from array import array
from bisect import bisect_left, bisect_right

RECENT_BATCHES = 256
"""How many batches at least are known, once there were so many; twice as many at most."""


class RecentBatches:
    """Offsets and positions of the latest batches, in their order and without a gap between them in the file.

    Threads: the topic's writer changes it; readers search the first `count` rows, a number that comes with
    their view.
    """

    __slots__ = ("last_offsets", "positions")

    def __init__(self) -> None:
        self.last_offsets = array("q")
        self.positions = array("q")

    def append(self, last_offset: int, position: int) -> "RecentBatches":
        """Add the batch that starts at `position`; the rows to go on with, these or new ones."""
        rows = self
        if len(self.positions) >= 2 * RECENT_BATCHES:
            rows = RecentBatches()
            rows.last_offsets = self.last_offsets[-RECENT_BATCHES:]
            rows.positions = self.positions[-RECENT_BATCHES:]
        rows.last_offsets.append(last_offset)
        rows.positions.append(position)
        return rows

    @property
    def count(self) -> int:
        return len(self.positions)

    def truncate(self, count: int) -> None:
        """Forget the rows from number `count` on; no published view may count them."""
        del self.last_offsets[count:]
        del self.positions[count:]

    def find(self, count: int, offset: int) -> int:
        """Row of the first batch that ends at or after `offset`; -1 where that may lie before all rows."""
        row = bisect_left(self.last_offsets, offset, 0, count)
        if row == count or (row == 0 and self.positions[0] > 0):
            return -1
        return row

    def end_of_whole_batches(self, count: int, row: int, size_bytes: int, max_bytes: int) -> int:
        """Where to end a slice that starts with the batch of `row`: within `max_bytes`, but not before its
        end.

        `size_bytes` is the segment's size in the same view.
        """
        limit = self.positions[row] + max_bytes
        if limit >= size_bytes:
            return size_bytes
        end_row = bisect_right(self.positions, limit, row + 1, count) - 1
        if end_row > row:
            return self.positions[end_row]
        return self.positions[row + 1] if row + 1 < count else size_bytes
