"""RabbitMQ, a stream, by the binary protocol of its plugin rabbitmq_stream.

    frame      length uint32, key uint16, version uint16, body
    request    with a correlation id uint32 before its body; the response's key has its highest bit set
    response   correlation id uint32, code uint16 (1 is good), body
    string     length int16, bytes      bytes      length int32, bytes

Publish, PublishConfirm, Deliver and Credit have no correlation id. Source: PROTOCOL.adoc of the plugin.

The server runs as the current user with everything below its directory, and has an Erlang port mapper of its
own, which would outlive it otherwise.
"""

import contextlib
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from perf.errors import NoSuchModeError, WrongReplyError
from perf.peers.connection import Connection
from perf.peers.frames import FrameReader
from perf.peers.server import Server, free_port
from perf.wire import Address

DECLARE_PUBLISHER, PUBLISH, CONFIRM, PUBLISH_ERROR, SUBSCRIBE, DELIVER, CREDIT = 1, 2, 3, 4, 7, 8, 9
CREATE, DELETE, PROPERTIES, HANDSHAKE, AUTHENTICATE, TUNE, OPEN = 13, 14, 17, 18, 19, 20, 21
VERSION = 1
GOOD = 1
ANSWER = 0x8000
FRAME_BYTES_MAX = 1 << 20
FROM_FIRST = 1
CREDITS = 10
CHUNK_HEAD_BYTES = 64
RECORDS_AT = 4 + 1 + 1 + 1 + 2
"""In a Deliver frame: key, version, subscription id; in the chunk magic, type, entries: then its records."""


def string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def frame(key: int, body: bytes) -> bytes:
    return struct.pack(">IHH", 4 + len(body), key, VERSION) + body


class RabbitmqConnection(Connection):
    """One publisher or one subscription, numbered 1.

    Threads: one thread.
    """

    def __init__(self, address: Address, topic: str, record_bytes: int) -> None:
        self._pending = b""
        self._confirmed = 0
        self._records_each_request = 1
        super().__init__(address, topic, record_bytes)

    def greet(self) -> None:
        self._frames = FrameReader(self.socket)
        self._ask(PROPERTIES, struct.pack(">I", 0))
        self._ask(HANDSHAKE, b"")
        password = b"\0guest\0guest"
        self._ask(AUTHENTICATE, string("PLAIN") + struct.pack(">i", len(password)) + password)
        self._expect(TUNE)
        # No heartbeats: a server that is set aside would miss them.
        self.socket.sendall(frame(TUNE, struct.pack(">II", FRAME_BYTES_MAX, 0)))
        self._ask(OPEN, string("/"))

    def ping(self) -> None:
        """To be greeted is answer enough."""

    def create(self, *, fsync: bool = False) -> None:
        if fsync:
            raise NoSuchModeError("streams have no fsync before the confirm")
        self._control(CREATE, string(self.topic) + struct.pack(">I", 0))

    def delete(self) -> None:
        self._control(DELETE, string(self.topic))

    def open_producer(self) -> None:
        self._ask(DECLARE_PUBLISHER, struct.pack(">B", 1) + string("") + string(self.topic))

    def request(self, payloads: Sequence[bytes]) -> bytes:
        """A frame for each record."""
        return b"".join([self._publish([payload]) for payload in payloads])

    def batch(self) -> tuple[bytes, int]:
        """A frame as large as the server takes; each of its records is confirmed."""
        records = (FRAME_BYTES_MAX - 64) // (8 + 4 + self.record_bytes)
        self._records_each_request = records
        return self._publish([self.payload] * records), records

    def replies(self, data: bytes) -> int:
        """Confirmed records, as requests; several frames may come at once, and any be cut."""
        data = self._pending + data if self._pending else data
        position = confirmed = 0
        while position + 8 <= len(data):
            length, key = struct.unpack_from(">IH", data, position)
            if position + 4 + length > len(data):
                break
            if key != CONFIRM:
                raise WrongReplyError(f"a confirm was expected, not {data[position : position + 40]!r}")
            confirmed += struct.unpack_from(">I", data, position + 9)[0]
            position += 4 + length
        self._pending = data[position:]
        self._confirmed += confirmed
        whole, self._confirmed = divmod(self._confirmed, self._records_each_request)
        return whole

    def read(self, count: int) -> int:
        """Chunks as they are stored, not unpacked; a credit for each that came."""
        self._subscribe()
        received_bytes = records = 0
        while records < count:
            length, head = self._frames.head(CHUNK_HEAD_BYTES)
            records += self._records_of(head)
            received_bytes += length
        if records != count:
            raise WrongReplyError(f"{records} records came, {count} are stored")
        return received_bytes

    def subscribe(self) -> None:
        self._subscribe()

    def receive(self) -> bytes:
        chunk = self._frames.whole()
        self._records_of(chunk)
        return chunk

    def _subscribe(self) -> None:
        where = struct.pack(">H", FROM_FIRST) + struct.pack(">HI", CREDITS, 0)
        self._ask(SUBSCRIBE, struct.pack(">B", 1) + string(self.topic) + where)

    def _records_of(self, head: bytes) -> int:
        """How many records the chunk has, whose credit is given back."""
        if struct.unpack_from(">H", head)[0] != DELIVER:
            raise WrongReplyError(f"a chunk was expected, not {head[:40]!r}")
        self.socket.sendall(frame(CREDIT, struct.pack(">BH", 1, 1)))
        records: int = struct.unpack_from(">I", head, RECORDS_AT)[0]
        return records

    def _publish(self, payloads: Sequence[bytes]) -> bytes:
        """Publishing ids matter only to named publishers, so all are zero."""
        messages = b"".join([struct.pack(">Qi", 0, len(payload)) + payload for payload in payloads])
        return frame(PUBLISH, struct.pack(">BI", 1, len(payloads)) + messages)

    def _control(self, key: int, body: bytes) -> None:
        with RabbitmqConnection(self.address, self.topic, 0) as control:
            control._ask(key, body)

    def _ask(self, key: int, body: bytes) -> None:
        self.socket.sendall(frame(key, struct.pack(">I", 0) + body))
        answer = self._expect(key | ANSWER)
        code = struct.unpack_from(">H", answer, 8)[0]
        if code != GOOD:
            raise WrongReplyError(f"request {key} was refused with code {code}")

    def _expect(self, key: int) -> bytes:
        answer = self._frames.whole()
        found = struct.unpack_from(">H", answer)[0]
        if found != key:
            raise WrongReplyError(f"frame {key} was expected, not {found}")
        return answer


class RabbitmqServer(Server):
    """Default settings, and the one plugin."""

    name = "rabbitmq"
    program = "rabbitmq-server"
    connection = RabbitmqConnection

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._mapper_port = free_port()
        self._mapper: subprocess.Popen[bytes] | None = None

    @classmethod
    def why_not(cls) -> str:
        if why := super().why_not():
            return why
        return "" if shutil.which("epmd") else "epmd is not installed"

    @classmethod
    def version(cls) -> str:
        found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
        return found[-1].name if found else "unknown"

    @classmethod
    def script(cls) -> str:
        """The server's own start script: distributions put one before it that wants root."""
        own = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        return str(own) if own.exists() else cls.program

    def command(self) -> Sequence[str]:
        return [self.script()]

    def environment(self) -> Mapping[str, str]:
        here = self.directory
        return {
            "HOME": str(here),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"perf{self.address[1]}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(here / "none.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "pid"),
        }

    def prepare(self) -> None:
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{free_port()}\n"
            f"stream.listeners.tcp.1 = 127.0.0.1:{self.address[1]}\n"
            "loopback_users = none\n"
        )
        (self.directory / "enabled_plugins").write_text("[rabbitmq_stream].\n")
        mapper = ["epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1"]
        self._mapper = subprocess.Popen(mapper, stdin=subprocess.DEVNULL)

    def kill(self) -> None:
        super().kill()
        mapper, self._mapper = self._mapper, None
        if mapper is not None:
            with contextlib.suppress(ProcessLookupError):
                mapper.kill()
            mapper.wait()
