r"""Records as the text protocol shows them.

    +MESSAGES 2\r\n
    0 41 1700000000000 5\r\n                       partition, offset, timestamp, length
    hello\r\n
    0 42 1700000000001 0 key=user%2042 null=1\r\n  a record with a null value
    \r\n

Source: quekka-protocol(7), Replies.
"""

from collections.abc import Iterable

from quekka.formats.record import RawRecord
from quekka.protocols.text.percent import encode_name, encode_value

_PARTS = 3
"""A message is kept as its line, its payload and a line end, so that a payload is copied only once more."""
_LINE_END = b"\r\n"


class MessageRenderer:
    """Collects messages until there are enough: `max_messages`, or more than `max_bytes` in all.

    The first message is taken, however large.
    """

    __slots__ = ("_max_bytes", "_max_messages", "_parts", "size_bytes")

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self.size_bytes = 0
        """Of all messages, without the line before them."""

    @property
    def count(self) -> int:
        return len(self._parts) // _PARTS

    @property
    def is_full(self) -> bool:
        return self.count >= self._max_messages or self.size_bytes >= self._max_bytes

    @property
    def room_bytes(self) -> int:
        """How many bytes may still come; at least 1, as long as nothing came."""
        return max(self._max_bytes - self.size_bytes, 0 if self._parts else 1)

    def reply(self) -> bytes:
        """`+MESSAGES` and the messages."""
        return b"".join([b"+MESSAGES %d\r\n" % self.count, *self._parts])

    def add(self, partition: int, records: Iterable[RawRecord]) -> int | None:
        """Take records of one partition; the offset of the first one left out, None if all were taken."""
        append, room = self._parts.append, self._max_messages - self.count
        # The first message has no limit; after it, the limit is what max_bytes leaves.
        limit_bytes = self._max_bytes if self._parts else 0
        size_bytes = self.size_bytes
        try:
            for offset, timestamp_ms, key, value, headers in records:
                if key is None and not headers and value is not None:
                    line = f"{partition} {offset} {timestamp_ms} {len(value)}\r\n".encode("ascii")
                    payload = value
                else:
                    line = _line_with_options(partition, (offset, timestamp_ms, key, value, headers))
                    payload = value or b""
                after_bytes = size_bytes + len(line) + len(payload) + len(_LINE_END)
                if room <= 0 or after_bytes > limit_bytes > 0:
                    return offset
                append(line)
                append(payload)
                append(_LINE_END)
                room -= 1
                size_bytes = after_bytes
                limit_bytes = self._max_bytes
        finally:
            self.size_bytes = size_bytes
        return None

    def cut_out(self, start: int, end: int | None = None) -> None:
        """Forget the messages from number `start` to before `end`, or to the last one."""
        cut = slice(start * _PARTS, None if end is None else end * _PARTS)
        self.size_bytes -= sum(map(len, self._parts[cut]))
        del self._parts[cut]


def _line_with_options(partition: int, record: RawRecord) -> bytes:
    offset, timestamp_ms, key, value, headers = record
    words = [b"%d %d %d %d" % (partition, offset, timestamp_ms, len(value or b""))]
    if key is not None:
        words.append(b"key=" + encode_value(key))
    if value is None:
        words.append(b"null=1")
    for name, header in headers:
        words.append(b"header.%b=%b" % (encode_name(name.encode("utf-8")), encode_value(header or b"")))
    return b" ".join(words) + _LINE_END
