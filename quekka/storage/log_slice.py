"""A stretch of one .log file: what a read answers, to be sent or read by whoever asked."""

from quekka.storage.file_cache import OpenFile


class LogSlice:
    """Whole record batches, as bytes of an open file.

    The file stays open and its bytes stay the same for as long as the slice lives, whatever becomes of the
    segment. `position` and `size_bytes` say where in the file it lies.

    Threads: any; immutable.
    """

    __slots__ = ("_file", "position", "size_bytes")

    def __init__(self, file: OpenFile | None, position: int, size_bytes: int) -> None:
        self._file = file
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
    def place(self) -> str:
        """Where it lies, for messages."""
        return "nowhere" if self._file is None else f"{self._file.path} from byte {self.position}"

    def __repr__(self) -> str:
        where = "" if self._file is None else f" of {self.place}"
        return f"<LogSlice {self.size_bytes} bytes{where}>"


EMPTY_SLICE = LogSlice(None, 0, 0)
