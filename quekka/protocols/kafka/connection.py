"""One Kafka connection without its socket: received bytes in, requests out.

The caller owns the socket and, as with asyncio's BufferedProtocol, the connection owns the memory:

    size = receive_into(connection.get_buffer())
    events = connection.buffer_updated(size)

Bodies in the events are slices of that memory, and writable. A body is true until the next `get_buffer()`,
that of a Produce request until `reclaim()`, because its records may be on their way to the log while the
next request is received.

Clients send several requests without waiting and expect the answers in their order, so the receiver handles
the events one after the other. A size is compared with `socket.request.max.bytes` before any memory is found
for it, and memory grows with what came, not with what was announced.

What is not served is answered as Kafka does: an ApiVersions version that is not known in version 0 with the
list of what is served (KIP-511), Produce 0 to 2 with UNSUPPORTED_VERSION (they are listed for librdkafka's
sake, see `api_keys`), all else by closing.
"""

import struct
from typing import NamedTuple

from quekka.errors import InvalidRequestError, QuekkaError, UnsupportedVersionError
from quekka.protocols.kafka.api_keys import API_VERSIONS, APIS_BY_KEY, PRODUCE, Api
from quekka.protocols.kafka.codec import encode_response
from quekka.protocols.kafka.framing import REQUEST_BYTES_MIN, SIZE_BYTES, RequestHeader, read_request_header
from quekka.protocols.memory_pool import Lender, MemoryPool
from quekka.protocols.stream_buffer import StreamBuffer
from quekka.protocols.text.payload_buffer import PayloadBuffer

INLINE_BYTES_MAX = 64 * 1024
"""A frame up to this size waits in the stream buffer until it is whole; a larger one gets its own memory."""

_SIZE = struct.Struct(">i")


class Request(NamedTuple):
    """A request that is served, its body not yet understood."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    body: memoryview


class Refused(NamedTuple):
    """A frame that is no request, or none that is served: to be logged in its place."""

    error: QuekkaError
    header: RequestHeader | None = None
    reply: bytes = b""
    """A whole frame to send, or nothing."""
    closes: bool = True


Event = Request | Refused


class KafkaConnection:
    """The parser's state between reads. `receive_max_bytes` is the largest frame that is accepted."""

    def __init__(self, receive_max_bytes: int, lender: Lender | None = None) -> None:
        self.closed = False
        """True after an event that closes: what follows is not read."""
        self._receive_max_bytes = receive_max_bytes
        self._pool = MemoryPool(lender)
        self._stream = StreamBuffer(self._pool)
        self._large: PayloadBuffer | None = None

    @property
    def in_frame(self) -> bool:
        """True while a frame is here in part: an end of the stream now breaks it off."""
        return self._large is not None or len(self._stream) > 0

    def get_buffer(self) -> memoryview:
        """Where the next received bytes go; never empty."""
        return self._stream.writable() if self._large is None else self._large.writable()

    def buffer_updated(self, size_bytes: int) -> list[Event]:
        """The requests that became whole with the `size_bytes` put into `get_buffer()`."""
        large = self._large
        if large is None:
            self._stream.wrote(size_bytes)
            return self._split()
        large.wrote(size_bytes)
        if large.missing_bytes:
            return []
        self._large = None
        return [self._understand(large.lend())]

    def feed(self, data: bytes) -> list[Event]:
        """As `get_buffer` and `buffer_updated`, for bytes received elsewhere; copies the bodies."""
        events: list[Event] = []
        position = 0
        while position < len(data) and not self.closed:
            space = self.get_buffer()
            piece = data[position : position + len(space)]
            space[: len(piece)] = piece
            position += len(piece)
            events += map(_own, self.buffer_updated(len(piece)))
        return events

    def reclaim(self) -> None:
        """Use the memory of all bodies handed out so far again."""
        self._pool.reclaim()

    def release(self) -> None:
        """Give back the memory of a burst, as far as nothing waits in it."""
        self._stream.release()
        self._pool.release()

    def _split(self) -> list[Event]:
        """Cut whole frames off the stream."""
        events: list[Event] = []
        stream = self._stream
        while stream.end - stream.start >= SIZE_BYTES and not self.closed:
            size_bytes = _SIZE.unpack_from(stream.data, stream.start)[0]
            body = stream.start + SIZE_BYTES
            if not REQUEST_BYTES_MIN <= size_bytes <= self._receive_max_bytes:
                events.append(self._refuse_size(size_bytes))
            elif body + size_bytes <= stream.end:
                stream.consume_to(body + size_bytes)
                event = self._understand(stream.view[body : body + size_bytes])
                events.append(event)
                if isinstance(event, Request) and event.api_key == PRODUCE:
                    stream.lend()
            else:
                self._wait_for(size_bytes, body)
                break
        return events

    def _wait_for(self, size_bytes: int, body: int) -> None:
        """Decide where the rest of a frame that is not here whole will be collected."""
        if size_bytes > INLINE_BYTES_MAX:
            stream = self._stream
            self._large = PayloadBuffer(self._pool, size_bytes, stream.view[body : stream.end])
            stream.consume_to(stream.end)

    def _refuse_size(self, size_bytes: int) -> Refused:
        self.closed = True
        start = self._stream.start
        first = bytes(self._stream.view[start : start + SIZE_BYTES])
        return Refused(InvalidRequestError(
            f"a frame of {size_bytes} bytes, {REQUEST_BYTES_MIN} to {self._receive_max_bytes} are allowed"
            " (socket.request.max.bytes)" + _hint(first)
        ))  # fmt: skip

    def _understand(self, frame: memoryview) -> Event:
        try:
            header, body = read_request_header(frame)
        except InvalidRequestError as error:
            self.closed = True
            return Refused(error)
        api = APIS_BY_KEY.get(header.api_key)
        if api is not None and api.serves(header.api_version):
            return Request(*header, frame[body:])
        refused = _refuse(header, api, frame[body:])
        self.closed = refused.closes
        return refused


def _refuse(header: RequestHeader, api: Api | None, body: memoryview) -> Refused:
    if api is None:
        what = f"api key {header.api_key} version {header.api_version}"
        return Refused(InvalidRequestError(f"{what} is not served"), header)
    error = UnsupportedVersionError(
        f"{api.name} version {header.api_version} is not served,"
        f" {max(api.versions.first, api.served_from)} to {api.versions.last} are"
    )
    reply = b""
    if api.key == API_VERSIONS:
        reply = _api_versions_reply(header.correlation_id)
    elif api.key == PRODUCE and header.api_version in api.versions:
        reply = _produce_reply(header, body)
    return Refused(error, header, reply, closes=not reply)


def _api_versions_reply(correlation_id: int) -> bytes:
    from quekka.protocols.kafka.api_18_api_versions import ApiVersionsResponse, api_versions

    response = ApiVersionsResponse(UnsupportedVersionError.number, api_versions())
    return bytes(encode_response(API_VERSIONS, 0, correlation_id, response))


def _produce_reply(header: RequestHeader, body: memoryview) -> bytes:
    """Nothing where the client wants none, or sent what cannot be understood."""
    from quekka.protocols.kafka.api_00_produce import read_request, refusal

    try:
        request = read_request(body, header.api_version)
    except InvalidRequestError:
        return b""
    if request.acks == 0:
        return b""
    return bytes(encode_response(PRODUCE, header.api_version, header.correlation_id, refusal(request)))


def _hint(first: bytes) -> str:
    """What somebody may have sent whose first bytes make no size."""
    if first.startswith(b"\x16\x03"):
        return "; this looks like TLS"
    return f"; this looks like text: {first.decode()!r}" if first.isascii() and min(first) >= 0x20 else ""


def _own(event: Event) -> Event:
    """The same event with a body that stays true."""
    return event._replace(body=memoryview(bytearray(event.body))) if isinstance(event, Request) else event
