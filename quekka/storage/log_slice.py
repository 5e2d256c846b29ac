"""A stretch of one .log file: what a read answers, to be sent or read by whoever asked."""

from quekka.storage.file_cache import OpenFile

BASE_OFFSET_BYTES = 8
"""With it a batch begins (quekka-log(5))."""


class LogSlice:
    """Whole record batches, as bytes of an open file.

    The file stays open and its bytes stay the same for as long as the slice lives, whatever becomes of the
    segment. `position` and `size_bytes` say where in the file it lies.

    Threads: any; what can be read of it never changes.
    """

    __slots__ = ("_file", "_next_offset", "position", "size_bytes")

    def __init__(
        self, file: OpenFile | None, position: int, size_bytes: int, next_offset: int | None = None
    ) -> None:
        """`next_offset` where it is known; without it, the slice ends where another batch begins."""
        self._file = file
        self._next_offset = next_offset
        self.position = position
        self.size_bytes = size_bytes

    @property
    def fileno(self) -> int:
        """Descriptor for sendfile; -1 for an empty slice."""
        return -1 if self._file is None else self._file.fileno

    def read(self) -> bytes:
        """All of it; raises KafkaStorageError naming the file."""
        return b"" if self._file is None else self._file.read(self.position, self.size_bytes)

    def read_into(self, buffer: memoryview) -> int:
        """Read all of it to the start of `buffer`, which must have room; the number of bytes.

        Raises KafkaStorageError naming the file.
        """
        if self._file is not None:
            self._file.read_into(buffer[: self.size_bytes], self.position)
        return self.size_bytes

    @property
    def next_offset(self) -> int:
        """All its records are before it; raises KafkaStorageError naming the file."""
        if self._next_offset is None and self._file is not None:
            head = self._file.read(self.position + self.size_bytes, BASE_OFFSET_BYTES)
            self._next_offset = int.from_bytes(head, "big")
        return self._next_offset or 0

    @property
    def place(self) -> str:
        """Where it lies, for messages."""
        return "nowhere" if self._file is None else f"{self._file.path} from byte {self.position}"

    def __repr__(self) -> str:
        where = "" if self._file is None else f" of {self.place}"
        return f"<LogSlice {self.size_bytes} bytes{where}>"


EMPTY_SLICE = LogSlice(None, 0, 0)
