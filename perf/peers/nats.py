"""NATS JetStream, a stream on files, by the NATS client protocol over a raw socket.

Records are published with a reply subject, on which JetStream acknowledges each by a message of two lines:

    PUB <subject> <reply> <size>\\r\\n<payload>\\r\\n
    MSG <reply> <sid> <size>\\r\\n{"stream":"...","seq":123}\\r\\n

A server asks PING some two seconds after a connection was made, whatever else is under way, and is answered.

Reading is by a pull consumer without acknowledgements, several requests under way; a waiting receiver has a
push consumer, which gives each record as soon as it is stored.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from perf.errors import NoSuchModeError, WrongReplyError
from perf.peers.connection import READS_UNDER_WAY, Connection, LineReader
from perf.peers.server import Server, first_line
from perf.wire import receive_some

MESSAGES_PER_READ = 1000
ROOM_BYTES = 1 << 20
PING = b"PING\r\n"
CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'


class NatsConnection(Connection):
    """PUB with acknowledgements of JetStream, and its consumers.

    Threads: one thread.
    """

    def greet(self) -> None:
        self._reader = LineReader(self.socket)
        self._room = bytearray()
        self._tail = b""
        self._lines_ahead = 0
        self._consumer = ""
        inbox = f"_INBOX.{uuid.uuid4().hex}"
        self._asked, self._acked, self._pulled, self._pushed = (f"{inbox}.{number}" for number in range(4))
        if not self._reader.line().startswith(b"INFO"):
            raise WrongReplyError("no INFO")
        self.socket.sendall(CONNECT)
        self.ping()

    def ping(self) -> None:
        self.socket.sendall(b"PING\r\n")
        self._expect(b"PONG")

    def create(self, *, fsync: bool = False) -> None:
        if fsync:
            raise NoSuchModeError("this version has no fsync before the acknowledgement")
        config = {"name": self.topic, "subjects": [self.topic], "storage": "file", "retention": "limits"}
        self._control(f"STREAM.CREATE.{self.topic}", config)

    def delete(self) -> None:
        self._control(f"STREAM.DELETE.{self.topic}", {})

    def open_producer(self) -> None:
        self._subscribe(self._acked)

    def request(self, payloads: Sequence[bytes]) -> bytes:
        subjects = f"{self.topic} {self._acked}".encode()
        return b"".join([b"PUB %b %d\r\n%b\r\n" % (subjects, len(payload), payload) for payload in payloads])

    def replies(self, data: bytes) -> int:
        """By the end of each acknowledgement's JSON."""
        if b'"error"' in data:
            raise WrongReplyError(f"{data[-300:]!r}")
        self._answer_pings(data, len(data))
        return data.count(b"}")

    def open_reader(self) -> None:
        """A pull consumer that lives as long as this connection."""
        config = {"deliver_policy": "all", "ack_policy": "none", "replay_policy": "instant"}
        made = self._ask(f"CONSUMER.CREATE.{self.topic}", {"stream_name": self.topic, "config": config})
        self._consumer = made["name"]
        self._subscribe(self._pulled)

    def read(self, count: int) -> int:
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.topic}.{self._consumer}"
        shares = [min(MESSAGES_PER_READ, count - start) for start in range(0, count, MESSAGES_PER_READ)]
        received_bytes = 0
        for index in range(len(shares) + READS_UNDER_WAY):
            if index < len(shares):
                asked = json.dumps({"batch": shares[index]}).encode()
                self.socket.sendall(
                    f"PUB {subject} {self._pulled} {len(asked)}\r\n".encode() + asked + b"\r\n"
                )
            if READS_UNDER_WAY <= index < len(shares) + READS_UNDER_WAY:
                received_bytes += self._pass_messages(shares[index - READS_UNDER_WAY])
        return received_bytes

    def subscribe(self) -> None:
        self._subscribe(self._pushed)
        config = {"deliver_policy": "all", "ack_policy": "none", "deliver_subject": self._pushed}
        self._control(f"CONSUMER.CREATE.{self.topic}", {"stream_name": self.topic, "config": config})

    def receive(self) -> bytes:
        return self._reader.exactly(int(self._expect(b"MSG")[-1]) + 2)

    def _expect(self, word: bytes) -> list[bytes]:
        """The words of the next line, which begins with `word`, or is a PING."""
        while (words := self._reader.line().split()) == [b"PING"]:
            self.socket.sendall(b"PONG\r\n")
        if words[0] != word:
            raise WrongReplyError(f"{word!r} was expected, not {words!r}")
        return words

    def _pass_messages(self, count: int) -> int:
        """Waits for `count` messages of two lines; how many bytes came meanwhile."""
        self._room = self._room or bytearray(ROOM_BYTES)
        size_bytes = 0
        while self._lines_ahead < 2 * count:
            received = receive_some(self.socket, self._room)
            size_bytes += received
            pings = self._answer_pings(self._room, received)
            self._lines_ahead += self._room.count(b"\n", 0, received) - pings
        self._lines_ahead -= 2 * count
        return size_bytes

    def _answer_pings(self, data: bytes | bytearray, end: int) -> int:
        """How many lines of PING ended in what was received just now, one of them perhaps begun before."""
        across = self._tail + data[: min(end, len(PING) - 1)]
        pings = across.count(PING) + data.count(PING, 0, end)
        if pings:
            self.socket.sendall(b"PONG\r\n" * pings)
        self._tail = bytes((self._tail + data[max(0, end - len(PING) + 1) : end])[1 - len(PING) :])
        return pings

    def _subscribe(self, subject: str) -> None:
        self.socket.sendall(f"SUB {subject} 1\r\n".encode())
        self.ping()

    def _control(self, api: str, question: Mapping[str, Any]) -> None:
        """On another connection, so that no answer comes between acknowledgements or records."""
        with NatsConnection(self.address, self.topic, 0) as control:
            control._ask(api, question)

    def _ask(self, api: str, question: Mapping[str, Any]) -> dict[str, Any]:
        asked = json.dumps(question).encode()
        self.socket.sendall(
            f"SUB {self._asked} 9\r\nPUB $JS.API.{api} {self._asked} {len(asked)}\r\n".encode()
        )
        self.socket.sendall(asked + b"\r\nUNSUB 9 1\r\n")
        size_bytes = int(self._expect(b"MSG")[-1])
        answer: dict[str, Any] = json.loads(self._reader.exactly(size_bytes + 2))
        if "error" in answer:
            raise WrongReplyError(f"{api}: {answer['error']}")
        return answer


class NatsServer(Server):
    """JetStream with its default settings; what is stored is synced every two minutes."""

    name = "nats"
    program = "nats-server"
    connection = NatsConnection

    @classmethod
    def version(cls) -> str:
        return first_line([cls.program, "--version"])

    def command(self) -> Sequence[str]:
        return [
            self.program, "--jetstream", "--store_dir", str(self.directory / "data"),
            "--addr", self.address[0], "--port", str(self.address[1]),
        ]  # fmt: skip
