"""quekkad through its text protocol, see quekka-protocol(7)."""

import sys
from collections.abc import Sequence
from typing import ClassVar

from perf.batches import append_request, batch_of
from perf.broker_process import PROGRAM
from perf.errors import WrongReplyError
from perf.peers.connection import BATCH_BYTES, READS_UNDER_WAY, Connection, LineReader
from perf.peers.server import Server, first_line
from perf.wire import BatchReplies, Conversation, MessageReplies, publish_request

MESSAGES_PER_POLL = 1000
MESSAGE_LINE_BYTES = 100
POLLS_UNDER_WAY = 2
POLL_TIMEOUT_MS = 60_000


class QuekkaTextConnection(Connection):
    """PUBLISH, APPEND, READ and POLL.

    Threads: one thread.
    """

    def greet(self) -> None:
        self._lines = self._pluses = 0
        self._reader: LineReader | None = None

    def ping(self) -> None:
        self.socket.sendall(b"PING\r\n")
        if b"PONG" not in self.receive_some():
            raise WrongReplyError("no PONG")

    def create(self, *, fsync: bool = False) -> None:
        self._ask(f"CREATE {self.topic} segment.bytes={1 << 30}" + " flush.messages=1" * fsync)

    def delete(self) -> None:
        self._ask(f"DELETE {self.topic}")

    def request(self, payloads: Sequence[bytes]) -> bytes:
        return b"".join([publish_request(self.topic, payload) for payload in payloads])

    def batch(self) -> tuple[bytes, int]:
        batch, records = batch_of(BATCH_BYTES, self.payload, 0)
        return append_request(self.topic, batch), records

    def replies(self, data: bytes) -> int:
        before = self._lines
        self._lines += data.count(b"\n")
        self._pluses += data.count(b"+")
        if self._lines > self._pluses:
            raise WrongReplyError(f"an error among the replies: {data[-300:]!r}")
        return self._lines - before

    def read(self, count: int) -> int:
        """READ, one batch for each, several under way."""
        request, records = self.batch()
        batch_bytes = len(request) - request.index(b"\n") - 1
        replies = BatchReplies(self.socket)
        batches = count // records
        received_bytes = 0
        for index in range(batches + READS_UNDER_WAY):
            if index < batches:
                line = f"READ {self.topic} 0 {index * records} 0 max_bytes={batch_bytes}\r\n"
                self.socket.sendall(line.encode())
            if index >= READS_UNDER_WAY and index - READS_UNDER_WAY < batches:
                received_bytes += replies.next_length()
        if received_bytes != batches * batch_bytes:
            raise WrongReplyError(f"{received_bytes} bytes came, not {batches} batches of {batch_bytes}")
        return received_bytes

    def poll(self, count: int) -> None:
        """POLL by a group, decoded by the server, two requests under way."""
        self._ask(f"SEEK {self.topic} compared earliest")
        max_bytes = MESSAGES_PER_POLL * (self.record_bytes + MESSAGE_LINE_BYTES)
        request = f"POLL {self.topic} compared {MESSAGES_PER_POLL} 0 max_bytes={max_bytes}\r\n".encode()
        replies = MessageReplies(self.socket)
        asked = 0
        while replies.messages < count or replies.replies < asked:
            while asked - replies.replies < POLLS_UNDER_WAY and replies.messages < count:
                self.socket.sendall(request)
                asked += 1
            replies.receive()

    def subscribe(self) -> None:
        self._reader = LineReader(self.socket)
        self._poll_request = (
            f"POLL {self.topic} receiver {MESSAGES_PER_POLL} {POLL_TIMEOUT_MS} max_bytes=4194304\r\n".encode()
        )

    def receive(self) -> bytes:
        assert self._reader is not None, "subscribe first"
        self.socket.sendall(self._poll_request)
        words = self._reader.line().split()
        if words[0] != b"+MESSAGES":
            raise WrongReplyError(f"+MESSAGES was expected, not {words!r}")
        payloads = []
        for _ in range(int(words[1])):
            length = int(self._reader.line().split()[3])
            payloads.append(self._reader.exactly(length + 2))
        return b"".join(payloads)

    def _ask(self, line: str) -> None:
        with Conversation(self.address) as control:
            control.ask(line)


class QuekkaTextServer(Server):
    """quekkad with its default settings."""

    name = "quekka-text"
    program = sys.executable
    connection: ClassVar[type[Connection]] = QuekkaTextConnection

    @classmethod
    def version(cls) -> str:
        return first_line([sys.executable, str(PROGRAM), "--version"])

    def command(self) -> Sequence[str]:
        data, port = str(self.directory / "data"), str(self.address[1])
        return [sys.executable, str(PROGRAM), "--data-dir", data, "--port", port]
