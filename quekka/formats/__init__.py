"""Bytes on the wire and on disk as values: pure functions, nothing of quekka above them but errors."""

Buffer = bytes | bytearray | memoryview
