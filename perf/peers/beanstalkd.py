"""beanstalkd with its log on, which it syncs every 50 ms, by its own protocol.

    put <priority> <delay> <time to run> <size>\\r\\n<payload>\\r\\n     INSERTED <id>\\r\\n
    reserve\\r\\n                                                    RESERVED <id> <size>\\r\\n<payload>\\r\\n

A job that was reserved and not deleted goes back to its tube when the connection ends, so a tube can be read
from its start again and again. A receiver deletes each job, together with its next reserve.
"""

from collections.abc import Sequence

from perf.errors import WrongReplyError
from perf.peers.connection import Connection, LineCounter, LineReader
from perf.peers.server import Server, first_line

TIME_TO_RUN_S = 3600
RESERVES_AT_ONCE = 250
RESERVES_UNDER_WAY = 1000
FSYNC_EVERY_MS = 50


class BeanstalkdConnection(Connection):
    """put, reserve and delete in one tube.

    Threads: one thread.
    """

    def greet(self) -> None:
        self._inserted = LineCounter(1, b"BURIED")
        self._reader = LineReader(self.socket)
        self._last_id = b""

    def ping(self) -> None:
        self._ask("use ping", "USING")

    def open_producer(self) -> None:
        self._ask(f"use {self.topic}", "USING")

    def delete(self) -> None:
        """A tube goes when its last job goes."""
        with BeanstalkdConnection(self.address, self.topic, 0) as control:
            control.drain()

    def drain(self) -> None:
        """Deletes every job of the tube, many at a time."""
        self.open_reader()
        while True:
            self.socket.sendall(b"reserve-with-timeout 0\r\n" * RESERVES_AT_ONCE)
            ids = [number for _ in range(RESERVES_AT_ONCE) if (number := self._reserved_id())]
            self.socket.sendall(b"".join([b"delete %b\r\n" % number for number in ids]))
            for _ in ids:
                self._reader.line()
            if len(ids) < RESERVES_AT_ONCE:
                return

    def request(self, payloads: Sequence[bytes]) -> bytes:
        return b"".join(
            [b"put 0 0 %d %d\r\n%b\r\n" % (TIME_TO_RUN_S, len(payload), payload) for payload in payloads]
        )

    def replies(self, data: bytes) -> int:
        return self._inserted.count(data)

    def open_reader(self) -> None:
        self._ask(f"watch {self.topic}", "WATCHING")
        self._ask("ignore default", "WATCHING")

    def read(self, count: int) -> int:
        received_bytes = asked = 0
        for start in range(0, count, RESERVES_AT_ONCE):
            while asked < count and asked < start + RESERVES_UNDER_WAY:
                more = min(RESERVES_AT_ONCE, count - asked)
                self.socket.sendall(b"reserve\r\n" * more)
                asked += more
            received_bytes += self._reader.pass_lines(2 * min(RESERVES_AT_ONCE, count - start))
        return received_bytes

    def subscribe(self) -> None:
        self.open_reader()
        self.socket.sendall(b"reserve\r\n")

    def receive(self) -> bytes:
        if self._last_id:
            self.socket.sendall(b"delete %b\r\nreserve\r\n" % self._last_id)
            if (answer := self._reader.line()) != b"DELETED":
                raise WrongReplyError(f"DELETED was expected, not {answer!r}")
        words = self._reader.line().split()
        if words[0] != b"RESERVED":
            raise WrongReplyError(f"RESERVED was expected, not {words!r}")
        self._last_id = words[1]
        return self._reader.exactly(int(words[2]) + 2)

    def _reserved_id(self) -> bytes:
        """Of the next answer to a reserve; empty when there was no job."""
        words = self._reader.line().split()
        if words[0] != b"RESERVED":
            return b""
        self._reader.exactly(int(words[2]) + 2)
        return words[1]

    def _ask(self, line: str, expected: str) -> None:
        self.socket.sendall(line.encode() + b"\r\n")
        if not (answer := self._reader.line()).startswith(expected.encode()):
            raise WrongReplyError(f"{line}: {answer!r}")


class BeanstalkdServer(Server):
    """Its log is flushed every FSYNC_EVERY_MS."""

    name = "beanstalkd"
    program = "beanstalkd"
    connection = BeanstalkdConnection

    @classmethod
    def version(cls) -> str:
        return first_line([cls.program, "-v"])

    def prepare(self) -> None:
        (self.directory / "data").mkdir(exist_ok=True)

    def command(self) -> Sequence[str]:
        return [
            self.program, "-l", self.address[0], "-p", str(self.address[1]),
            "-b", str(self.directory / "data"), "-f", str(FSYNC_EVERY_MS),
        ]  # fmt: skip
