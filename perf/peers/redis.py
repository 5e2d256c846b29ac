"""Redis, a stream with the append-only file on, by RESP 2 over a raw socket.

Each record is an entry with one field `v`. XADD answers with the entry's id, two lines; XRANGE with four
nested arrays, of which an entry takes eight lines:

    *2 / $<length> / <id> / *2 / $1 / v / $<length> / <payload>
"""

from collections.abc import Sequence

from perf.errors import WrongReplyError
from perf.peers.connection import Connection, LineCounter
from perf.peers.server import Server, first_line
from perf.wire import receive_some

ENTRIES_PER_READ = 1000
LINES_OF_ENTRY = 8
LINES_BEFORE_ENTRIES = 5
ROOM_BYTES = 4 << 20


def resp(*words: str | bytes) -> bytes:
    """A command as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word.encode() if isinstance(word, str) else word
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class RedisConnection(Connection):
    """XADD, XRANGE and XREAD BLOCK.

    Threads: one thread.
    """

    def greet(self) -> None:
        self._acks = LineCounter(2, b"-ERR")
        self._last_id = b"0-0"
        self._room = bytearray()

    def ping(self) -> None:
        if (answer := self._ask("PING")) != b"+PONG\r\n":
            raise WrongReplyError(f"+PONG was expected, not {answer!r}")

    def delete(self) -> None:
        self._ask("DEL", self.topic)

    def request(self, payloads: Sequence[bytes]) -> bytes:
        return b"".join([resp("XADD", self.topic, "*", "v", payload) for payload in payloads])

    def replies(self, data: bytes) -> int:
        return self._acks.count(data)

    def read(self, count: int) -> int:
        """XRANGE, a thousand entries each, the next from behind the last id."""
        self._room = bytearray(ROOM_BYTES)
        last_id, received_bytes = b"-", 0
        for start in range(0, count, ENTRIES_PER_READ):
            wanted = min(ENTRIES_PER_READ, count - start)
            self.socket.sendall(resp("XRANGE", self.topic, last_id, "+", "COUNT", str(wanted)))
            end = self._receive_lines(1 + wanted * LINES_OF_ENTRY)
            received_bytes += end
            last_id = b"(" + self._id_of_last(end)
        return received_bytes

    def subscribe(self) -> None:
        self._room = bytearray(ROOM_BYTES)
        self._last_id = b"0-0"

    def receive(self) -> bytes:
        """XREAD that waits without end; its entries come after the name of the stream."""
        self.socket.sendall(
            resp("XREAD", "COUNT", str(ENTRIES_PER_READ), "BLOCK", "0", "STREAMS", self.topic, self._last_id)
        )
        end = self._receive_lines(LINES_BEFORE_ENTRIES, then_entries=True)
        self._last_id = self._id_of_last(end)
        return bytes(memoryview(self._room)[:end])

    def _receive_lines(self, lines: int, *, then_entries: bool = False) -> int:
        """How many bytes came with `lines` lines, the last of which may say how many entries follow."""
        end = found = 0
        with memoryview(self._room) as room:
            while found < lines:
                received = receive_some(self.socket, room[end:])
                found += self._room.count(b"\n", end, end + received)
                end += received
                if then_entries and found >= LINES_BEFORE_ENTRIES:
                    entries = bytes(room[:200]).split(b"\r\n")[LINES_BEFORE_ENTRIES - 1]
                    lines, then_entries = LINES_BEFORE_ENTRIES + int(entries[1:]) * LINES_OF_ENTRY, False
                if self._room.startswith(b"-"):
                    raise WrongReplyError(f"{bytes(room[:end])[:300]!r}")
        return end

    def _id_of_last(self, end: int) -> bytes:
        behind_id = b"\r\n*2\r\n$1\r\nv\r\n$"
        id_end = self._room.rfind(behind_id, 0, end)
        return bytes(self._room[self._room.rfind(b"\n", 0, id_end) + 1 : id_end])

    def _ask(self, *words: str) -> bytes:
        self.socket.sendall(resp(*words))
        answer = self.receive_some()
        if answer.startswith(b"-"):
            raise WrongReplyError(f"{words}: {answer!r}")
        return answer


class RedisServer(Server):
    """No snapshots, and no rewrite of the append-only file while it is measured."""

    name = "redis"
    program = "redis-server"
    connection = RedisConnection

    @classmethod
    def version(cls) -> str:
        return first_line([cls.program, "--version"])

    def command(self) -> Sequence[str]:
        return [
            self.program, "--bind", "127.0.0.1", "--port", str(self.address[1]), "--dir", str(self.directory),
            "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
            "--auto-aof-rewrite-percentage", "0",
        ]  # fmt: skip

    def use_fsync(self, on: bool) -> None:
        with self.connect() as control:
            control.socket.sendall(resp("CONFIG", "SET", "appendfsync", "always" if on else "everysec"))
            if (answer := control.receive_some()) != b"+OK\r\n":
                raise WrongReplyError(f"CONFIG SET: {answer!r}")
