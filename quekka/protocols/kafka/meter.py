"""What one request may become in memory: a bound for the elements of all its arrays together.

Bytes on the wire are few beside what they become in Python: three of them may be a struct of a hundred bytes
or more, and arrays lie within arrays. So the elements of a whole frame are counted, not only those of each
array (`primitives.ARRAY_ELEMENTS_MAX`). An element takes a byte on the wire at least; hence a frame of up to
`FRAME_ELEMENTS_MAX` bytes cannot have too many, and nearly all requests are read without being counted.

What is not an element is bounded by the bytes of the frame itself: a text, for instance, takes four bytes in
memory for one on the wire at most.
"""

from quekka.formats import Buffer
from quekka.protocols.kafka import primitives
from quekka.protocols.kafka.primitives import MalformedError, Reader, Value

FRAME_ELEMENTS_MAX = 256 * 1024
"""More than twice as many as there may be partitions (max.partitions), each of which a request may name."""


class Meter:
    """Counts the elements of one request; its methods are those of `primitives`, with a bound for the sum."""

    __slots__ = ("_room",)

    def __init__(self, elements_max: int = FRAME_ELEMENTS_MAX) -> None:
        self._room = elements_max

    def count(self, elements: int) -> None:
        """Take notice of so many elements before they are read; raises MalformedError."""
        self._room -= max(elements, 0)
        if self._room < 0:
            raise MalformedError(f"more than {FRAME_ELEMENTS_MAX} array elements in one request")

    def read_elements(
        self, buf: Buffer, position: int, count: int, read: Reader[Value], element_bytes_min: int
    ) -> tuple[tuple[Value, ...], int]:
        self.count(count)
        return primitives.read_elements(buf, position, count, read, element_bytes_min)

    def read_numbers(
        self, buf: Buffer, position: int, count: int, letter: str
    ) -> tuple[tuple[int, ...], int]:
        self.count(count)
        return primitives.read_numbers(buf, position, count, letter)
