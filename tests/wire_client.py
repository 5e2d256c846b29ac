"""A text protocol client of few lines, for tests that want to see the bytes.

It knows nothing of quekka's own client or grammar, so that a fault in those cannot hide itself.
"""

import socket
from dataclasses import dataclass, field

REPLY_TIMEOUT_S = 30.0
"""Only a hang takes this long; no test waits for it otherwise."""


@dataclass(frozen=True)
class WireMessage:
    """One message of a `+MESSAGES` reply."""

    partition: int
    offset: int
    timestamp_ms: int
    value: bytes
    options: dict[str, str] = field(default_factory=dict)


class WireClient:
    """One connection: send bytes, read replies in order."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=REPLY_TIMEOUT_S)
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> "WireClient":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self.socket.close()

    def send(self, *lines: str) -> None:
        """Send request lines, each ended with CR LF, in one piece."""
        self.send_bytes("".join(f"{line}\r\n" for line in lines).encode())

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(data)

    def end_of_requests(self) -> None:
        """Shut down the sending side, as nc does at the end of its input."""
        self.socket.shutdown(socket.SHUT_WR)

    def read_line(self) -> str:
        """One line without its line end; '' at the end of the stream."""
        line = self._reader.readline()
        assert line == b"" or line.endswith(b"\r\n"), f"a reply line ends with CR LF: {line!r}"
        return line[:-2].decode()

    def read_exactly(self, size_bytes: int) -> bytes:
        data = self._reader.read(size_bytes)
        assert len(data) == size_bytes, f"the broker closed after {len(data)} of {size_bytes} bytes"
        return data

    def read_to_end(self) -> bytes:
        """All that is still to come until the broker closes."""
        return self._reader.read()

    def ask(self, line: str, payload: bytes | None = None) -> str:
        """One request, with its payload if it has one, and the first line of its reply."""
        self.send_bytes(line.encode() + b"\r\n" + (payload or b""))
        return self.read_line()

    def publish(self, topic: str, value: bytes, options: str = "") -> tuple[int, int]:
        """Publish one message: its offset and its partition."""
        reply = self.ask(f"PUBLISH {topic} {len(value)} {options}".rstrip(), value).split(" ")
        assert reply[0] == "+OK", " ".join(reply)
        return int(reply[1]), int(reply[2])

    def ask_messages(self, line: str) -> list[WireMessage]:
        """A POLL or FETCH and the messages of its reply; none for `+EMPTY`."""
        self.send(line)
        return self.read_messages()

    def read_messages(self) -> list[WireMessage]:
        head = self.read_line().split(" ")
        if head == ["+EMPTY"]:
            return []
        assert head[0] == "+MESSAGES", " ".join(head)
        return [self._read_message() for _ in range(int(head[1]))]

    def _read_message(self) -> WireMessage:
        partition, offset, timestamp_ms, length, *options = self.read_line().split(" ")
        value = self.read_exactly(int(length) + 2)
        assert value.endswith(b"\r\n"), f"a payload is followed by CR LF: {value[-8:]!r}"
        pairs = (option.split("=", 1) for option in options)
        return WireMessage(int(partition), int(offset), int(timestamp_ms), value[:-2], dict(pairs))
