"""A Kafka client of few lines: one connection, requests as values, responses as values.

It uses the broker's own codec, which the tests of protocols/kafka hold against another implementation.
"""

import socket
import struct
from dataclasses import fields
from typing import Any

from quekka.protocols.kafka.api_keys import APIS_BY_KEY
from quekka.protocols.kafka.codec import decode_response, encode_request
from quekka.protocols.kafka.framing import RequestHeader

REPLY_TIMEOUT_S = 30.0
"""Only a hang takes this long; no test waits for it otherwise."""


class KafkaWire:
    """One connection: `ask` for a request and its response, `send` and `receive` to pipeline."""

    def __init__(self, host: str, port: int, client_id: str | None = "wire") -> None:
        self.socket = socket.create_connection((host, port), timeout=REPLY_TIMEOUT_S)
        self._reader = self.socket.makefile("rb")
        self._client_id = client_id
        self._sent = 0
        self._expected: list[tuple[int, int, int]] = []

    def __enter__(self) -> "KafkaWire":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self.socket.close()

    def ask(self, api_key: int, version: int, request: Any) -> Any:
        """Send a request and give the response."""
        self.send(api_key, version, request)
        return self.receive()

    def send(self, api_key: int, version: int, request: Any) -> None:
        """Send a request whose response will be received later."""
        self._expected.append((api_key, version, self._sent))
        self.send_only(api_key, version, request)

    def send_only(self, api_key: int, version: int, request: Any) -> None:
        """Send a request that has no response: Produce with acks=0."""
        header = RequestHeader(api_key, version, self._sent, self._client_id)
        self.send_bytes(encode_request(header, request))
        self._sent += 1

    def send_bytes(self, data: bytes | bytearray) -> None:
        self.socket.sendall(data)

    def receive(self) -> Any:
        """The response to the oldest request that has had none."""
        api_key, version, sent = self._expected.pop(0)
        frame = self.receive_frame()
        assert frame, f"the broker closed instead of answering {APIS_BY_KEY[api_key].name}"
        correlation_id, response = decode_response(api_key, version, frame)
        assert correlation_id == sent
        return response

    def receive_frame(self) -> bytes:
        """What follows the size of the next frame; nothing when the broker closed."""
        size = self._reader.read(4)
        return self._reader.read(struct.unpack(">i", size)[0]) if size else b""

    def is_closed(self) -> bool:
        """Wait for the broker to say something or to close; True when it closed."""
        return self._reader.read(1) == b""


def values(message: Any) -> Any:
    """Plain tuples in the place of messages, so that a whole response fits into one line of a table."""
    if isinstance(message, list | tuple):
        return [values(element) for element in message]
    if hasattr(message, "__dataclass_fields__"):
        return tuple(values(getattr(message, field.name)) for field in fields(message))
    return message
