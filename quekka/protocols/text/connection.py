"""One text connection without its socket: received bytes in, requests out.

The caller owns the socket and, as with asyncio's BufferedProtocol, the connection owns the memory:

    size = receive_into(connection.get_buffer())
    events = connection.buffer_updated(size) if size else connection.eof_received()

The values of a `PublishRun` are true until the next `get_buffer()`, the payloads of an `AppendRun` until
`reclaim()`, so that they can be read from while the next ones are received.

Three rules shape the code. A payload is skipped, not understood as requests, when its line is refused. A
run of PUBLISH lines for one topic becomes one event, and a line that repeats the line before costs one
comparison. What a peer can make us hold is bounded: a line, one small payload, or a payload that
`payload_limit` allowed.
"""

from collections.abc import Callable
from typing import NamedTuple

from quekka.errors import (
    BadRequestError,
    LineTooLongError,
    MessageTooLargeError,
    QuekkaError,
    UnknownCommandError,
)
from quekka.protocols.memory_pool import Lender, MemoryPool
from quekka.protocols.stream_buffer import StreamBuffer
from quekka.protocols.text.grammar import LINE_BYTES_MAX
from quekka.protocols.text.line import (
    find_command,
    match_publish,
    read_length,
    read_request,
    split_line,
    wants_no_reply,
)
from quekka.protocols.text.payload_buffer import PayloadBuffer
from quekka.protocols.text.request import ACKS_NONE, Append, Publish, Quit, Request

INLINE_BYTES_MAX = 64 * 1024
"""A payload up to this size waits in the stream buffer until it is whole; a larger one gets its own."""

_LINE_ENDS_BYTES = 2


class PublishRun(NamedTuple):
    """PUBLISH requests that followed each other, all for one topic and with the same `acks`."""

    topic: str
    acks: int
    requests: list[Publish]
    values: list[memoryview]
    """True until the next `get_buffer()`."""


class AppendRun(NamedTuple):
    """APPEND requests that followed each other, all for one partition and with the same `acks`."""

    topic: str
    partition: int
    acks: int
    payloads: list[memoryview]
    """True until `reclaim()`; they may be changed in place."""


class Refused(NamedTuple):
    """A request that cannot be understood or is too large; it is answered in its place."""

    error: QuekkaError
    silent: bool = False
    """The client asked for no reply with acks=0."""
    closes: bool = False
    """Nobody knows where the next request would begin."""


Event = Request | PublishRun | AppendRun | Refused
PayloadLimit = Callable[[Publish | Append], int]


class TextConnection:
    """The parser's state between reads.

    `payload_limit` says how large the payload of a request may be; it is asked only about payloads that are
    not here whole.
    """

    def __init__(self, payload_limit: PayloadLimit, lender: Lender | None = None) -> None:
        self.closed = False
        """True after QUIT or an error that closes: what follows is not read."""
        self._payload_limit = payload_limit
        self._pool = MemoryPool(lender)
        self._stream = StreamBuffer(self._pool)
        self._large: tuple[Publish | Append, PayloadBuffer] | None = None
        self._skip_bytes = 0
        self._skip_reason: Refused | None = None
        self._last_line: tuple[bytes, Publish | Append] | None = None
        """The last request with a payload, for one whose line is the same."""
        self._last_plain: tuple[bytes, Request] | None = None
        """The last one without, for a client that polls."""

    def get_buffer(self) -> memoryview:
        """Where the next received bytes go; never empty."""
        if self._large is not None:
            return self._large[1].writable()
        return self._stream.writable()

    def buffer_updated(self, size_bytes: int) -> list[Event]:
        """The requests that became whole with the `size_bytes` put into `get_buffer()`."""
        if self._large is not None:
            return self._receive_large(*self._large, size_bytes)
        self._stream.wrote(size_bytes)
        return self._parse()

    def feed(self, data: bytes) -> list[Event]:
        """As `get_buffer` and `buffer_updated`, for bytes received elsewhere; the values are copies."""
        events: list[Event] = []
        position = 0
        while position < len(data) and not self.closed:
            space = self.get_buffer()
            piece = data[position : position + len(space)]
            space[: len(piece)] = piece
            position += len(piece)
            events += map(_own, self.buffer_updated(len(piece)))
        return events

    def eof_received(self) -> list[Event]:
        """What is left to answer when the peer sends no more: a request that broke off."""
        if self.closed:
            return []
        self.closed = True
        if self._skip_reason is not None:
            return [self._skip_reason]
        if self._large is not None:
            return [_broken_off(self._large[1].received_bytes, self._large[1].length)]
        return self._broken_off_line()

    def reclaim(self) -> None:
        """Use the memory of all payloads handed out so far again."""
        self._pool.reclaim()

    def release(self) -> None:
        """Give back the memory of a burst, as far as nothing waits in it."""
        self._stream.release()
        self._pool.release()

    def _parse(self) -> list[Event]:
        events: list[Event] = []
        stream = self._stream
        while stream.start < stream.end and not self.closed and self._step(events):
            pass
        return events

    def _step(self, events: list[Event]) -> bool:
        """Read one request, or a run of equal ones; False when there is not enough for that."""
        if self._skip_reason is not None:
            return self._skip(events, self._skip_reason)
        stream = self._stream
        start = stream.start
        last = self._last_line
        if last is not None and stream.data.startswith(last[0], start, stream.end):
            return self._take_payload(events, *last)
        common = match_publish(stream.data, start, stream.end)
        if common is not None:
            return self._take_publishes(events, *common)
        newline = stream.data.find(b"\n", start, start + LINE_BYTES_MAX + _LINE_ENDS_BYTES)
        if not start <= newline < stream.end:
            return self._wait_for_line(events)
        raw = bytes(stream.view[start : newline + 1])
        if self._last_plain is not None and raw == self._last_plain[0]:
            stream.consume_to(newline + 1)
            events.append(self._last_plain[1])
            return True
        line = raw[:-2] if raw.endswith(b"\r\n") else raw[:-1]
        if len(line) > LINE_BYTES_MAX:
            return self._refuse(events, _line_too_long(), closes=True)
        words = split_line(line)
        if words:
            return self._take_request(events, raw, words)
        stream.consume_to(newline + 1)
        return True

    def _wait_for_line(self, events: list[Event]) -> bool:
        if len(self._stream) >= LINE_BYTES_MAX + _LINE_ENDS_BYTES:
            self._refuse(events, _line_too_long(), closes=True)
        return False

    def _take_request(self, events: list[Event], raw: bytes, words: list[bytes]) -> bool:
        """Act on a line, which begins where the stream begins; False when its payload is not here yet."""
        after_line = self._stream.start + len(raw)
        try:
            command = find_command(words[0])
        except UnknownCommandError as error:
            self._stream.consume_to(after_line)
            return self._refuse(events, error)
        try:
            length = read_length(command, words)
        except BadRequestError as error:
            return self._refuse(events, error, closes=True)
        try:
            request = read_request(command, words)
        except QuekkaError as error:
            self._stream.consume_to(after_line)
            return self._refuse_payload(events, length, Refused(error, wants_no_reply(command, words)))
        if isinstance(request, Publish | Append):
            return self._take_payload(events, raw, request)
        self._stream.consume_to(after_line)
        self.closed = isinstance(request, Quit)
        self._last_plain = raw, request
        events.append(request)
        return True

    def _take_payload(self, events: list[Event], line: bytes, request: Publish | Append) -> bool:
        """Act on a request with a payload; the stream begins with its line."""
        if isinstance(request, Publish):
            return self._take_publishes(events, line, request)
        self._last_line = line, request
        stream = self._stream
        body = stream.start + len(line)
        after = body + request.length
        if after > stream.end:
            return self._wait_for_payload(events, request, body)
        _append_run_for(events, request).payloads.append(stream.view[body:after])
        stream.lend()
        stream.consume_to(after)
        return True

    def _take_publishes(self, events: list[Event], line: bytes, request: Publish) -> bool:
        """Take whole messages as long as there are any for one topic; the stream begins with `line`.

        Each message costs one comparison where its line is the one before, one regular expression else.
        """
        stream = self._stream
        data, view, position, end = stream.data, stream.view, stream.start, stream.end
        if position + len(line) + request.length > end:
            return self._wait_for_payload(events, request, position + len(line))
        run = _publish_run_for(events, request)
        add_request, add_value = run.requests.append, run.values.append
        while (after := (body := position + len(line)) + request.length) <= end:
            add_request(request)
            add_value(view[body:after])
            position = after
            if not data.startswith(line, position, end):
                common = match_publish(data, position, end)
                if common is None or common[1].topic != run.topic or common[1].acks != run.acks:
                    break
                line = common[0]
                if common[1] != request:  # the same object for the same request makes it cheap to compare
                    request = common[1]
        self._last_line = line, request
        stream.consume_to(position)
        return True

    def _wait_for_payload(self, events: list[Event], request: Publish | Append, body: int) -> bool:
        """Decide where the payload of `request`, which is not here whole, will be collected."""
        limit = self._payload_limit(request)
        stream = self._stream
        if request.length > limit:
            stream.consume_to(body)
            error = MessageTooLargeError(f"a payload of {request.length} bytes, {limit} are allowed here")
            return self._refuse_payload(events, request.length, Refused(error, request.acks == ACKS_NONE))
        if request.length > INLINE_BYTES_MAX:
            self._large = (request, PayloadBuffer(self._pool, request.length, stream.view[body : stream.end]))
            stream.consume_to(stream.end)
        return False

    def _receive_large(self, request: Publish | Append, large: PayloadBuffer, size_bytes: int) -> list[Event]:
        large.wrote(size_bytes)
        if large.missing_bytes:
            return []
        self._large = None
        payload = large.lend()
        if isinstance(request, Append):
            return [AppendRun(request.topic, request.partition, request.acks, [payload])]
        return [PublishRun(request.topic, request.acks, [request], [payload])]

    def _refuse(self, events: list[Event], error: QuekkaError, *, closes: bool = False) -> bool:
        self.closed = closes
        events.append(Refused(error, closes=closes))
        return not closes

    def _refuse_payload(self, events: list[Event], length: int, refused: Refused) -> bool:
        self._skip_bytes = length
        self._skip_reason = refused
        return self._skip(events, refused)

    def _skip(self, events: list[Event], refused: Refused) -> bool:
        """Read past a payload that nobody wants, then answer."""
        stream = self._stream
        size_bytes = min(self._skip_bytes, len(stream))
        stream.consume_to(stream.start + size_bytes)
        self._skip_bytes -= size_bytes
        if self._skip_bytes:
            return False
        self._skip_reason = None
        events.append(refused)
        return True

    def _broken_off_line(self) -> list[Event]:
        stream = self._stream
        rest = bytes(stream.view[stream.start : stream.end]).lstrip(b"\r\n")
        line, newline, body = rest.partition(b"\n")
        if not rest.strip(b" \r\n"):
            return []
        if newline:
            words = split_line(line.removesuffix(b"\r"))
            return [_broken_off(len(body), read_length(find_command(words[0]), words))]
        return [Refused(BadRequestError("the connection ended before the line did"), closes=True)]


def _own(event: Event) -> Event:
    """The same event with values that stay true."""
    if isinstance(event, PublishRun):
        return event._replace(values=[memoryview(bytes(value)) for value in event.values])
    return event


def _publish_run_for(events: list[Event], request: Publish) -> PublishRun:
    """The run at the end of `events` that `request` continues, or a new one."""
    if events:
        last = events[-1]
        if isinstance(last, PublishRun) and last.topic == request.topic and last.acks == request.acks:
            return last
    run = PublishRun(request.topic, request.acks, [], [])
    events.append(run)
    return run


def _append_run_for(events: list[Event], request: Append) -> AppendRun:
    """The run at the end of `events` that `request` continues, or a new one."""
    if events:
        last = events[-1]
        if isinstance(last, AppendRun) and last[:3] == (request.topic, request.partition, request.acks):
            return last
    run = AppendRun(request.topic, request.partition, request.acks, [])
    events.append(run)
    return run


def _line_too_long() -> LineTooLongError:
    return LineTooLongError(f"a line has at most {LINE_BYTES_MAX} bytes")


def _broken_off(received_bytes: int, length: int) -> Refused:
    error = BadRequestError(f"the connection ended after {received_bytes} of {length} payload bytes")
    return Refused(error, closes=True)
