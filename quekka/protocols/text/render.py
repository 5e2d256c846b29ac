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


def messages(rendered: list[bytes]) -> bytes:
    """The whole reply to a read that gave `rendered` messages."""
    return b"+MESSAGES %d\r\n%b" % (len(rendered), b"".join(rendered))


class MessageRenderer:
    """Collects rendered messages until there are enough: `max_messages`, or more than `max_bytes` in all.

    The first message is taken, however large.
    """

    __slots__ = ("_max_bytes", "_max_messages", "rendered", "size_bytes")

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self.rendered: list[bytes] = []
        self.size_bytes = 0

    @property
    def is_full(self) -> bool:
        return len(self.rendered) >= self._max_messages or self.size_bytes >= self._max_bytes

    @property
    def room_bytes(self) -> int:
        """How many bytes may still come; at least 1, as long as nothing came."""
        return max(self._max_bytes - self.size_bytes, 0 if self.rendered else 1)

    def cut_out(self, start: int, end: int | None = None) -> None:
        """Forget the messages from `start` to before `end`, or to the last one."""
        self.size_bytes -= sum(map(len, self.rendered[start:end]))
        del self.rendered[start:end]

    def add(self, partition: int, records: Iterable[RawRecord]) -> int | None:
        """Take records of one partition; the offset of the first one left out, None if all were taken."""
        rendered = self.rendered
        append = rendered.append
        size_bytes, max_bytes = self.size_bytes, self._max_bytes
        room = self._max_messages - len(rendered)
        try:
            for offset, timestamp_ms, key, value, headers in records:
                if key is None and not headers and value is not None:
                    message = b"%d %d %d %d\r\n%b\r\n" % (partition, offset, timestamp_ms, len(value), value)
                else:
                    message = _with_options(partition, (offset, timestamp_ms, key, value, headers))
                size_bytes += len(message)
                if room <= 0 or (size_bytes > max_bytes and rendered):
                    size_bytes -= len(message)
                    return offset
                room -= 1
                append(message)
        finally:
            self.size_bytes = size_bytes
        return None


def _with_options(partition: int, record: RawRecord) -> bytes:
    offset, timestamp_ms, key, value, headers = record
    words = [b"%d %d %d %d" % (partition, offset, timestamp_ms, len(value or b""))]
    if key is not None:
        words.append(b"key=" + encode_value(key))
    if value is None:
        words.append(b"null=1")
    for name, header in headers:
        words.append(b"header.%b=%b" % (encode_name(name.encode("utf-8")), encode_value(header or b"")))
    return b"%b\r\n%b\r\n" % (b" ".join(words), value or b"")
