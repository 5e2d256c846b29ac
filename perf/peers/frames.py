"""Frames that begin with their length in four bytes, big-endian: Kafka's, and those of RabbitMQ's streams."""

import socket

from perf.wire import receive_some

ROOM_BYTES = 1 << 20
LENGTH_BYTES = 4


class FrameReader:
    """Takes frames off a socket, whole, or only their first bytes.

    Threads: one thread.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._room = bytearray(ROOM_BYTES)
        self._view = memoryview(self._room)
        self._start = self._end = 0

    def whole(self) -> bytes:
        """The next frame without its length."""
        length = self._length()
        self._start += LENGTH_BYTES
        frame = bytearray(length)
        kept = min(length, self._end - self._start)
        frame[:kept] = self._view[self._start : self._start + kept]
        self._start += kept
        with memoryview(frame) as rest:
            while kept < length:
                kept += receive_some(self._socket, rest[kept:])
        return bytes(frame)

    def head(self, size_bytes: int) -> tuple[int, bytes]:
        """The next frame's length, and its first bytes; the others are received and forgotten."""
        length = self._length()
        self._need(LENGTH_BYTES + min(size_bytes, length))
        self._start += LENGTH_BYTES
        head = bytes(self._view[self._start : self._start + min(size_bytes, length)])
        left = length
        while left > self._end - self._start:
            left -= self._end - self._start
            self._start, self._end = 0, receive_some(self._socket, self._room)
        self._start += left
        return length, head

    def _length(self) -> int:
        self._need(LENGTH_BYTES)
        return int.from_bytes(self._view[self._start : self._start + LENGTH_BYTES], "big")

    def _need(self, size_bytes: int) -> None:
        while self._end - self._start < size_bytes:
            kept = self._end - self._start
            self._view[:kept] = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, kept
            self._end += receive_some(self._socket, self._view[kept:])
