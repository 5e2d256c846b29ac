"""A connection without a socket: whatever way the bytes are cut, the same requests come out."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.protocols.stream_buffer import LARGEST_BYTES
from quekka.protocols.text import request
from quekka.protocols.text.connection import (
    INLINE_BYTES_MAX,
    AppendRun,
    PublishRun,
    Refused,
    TextConnection,
)
from quekka.protocols.text.request import Append, Poll, Publish

LIMIT = 1000

# What a connection says about its input, written so that it does not depend on how the input was cut.
PUBLISHED, APPENDED, REFUSED = "published", "appended", "refused"


def connect(limit: int = LIMIT) -> TextConnection:
    return TextConnection(lambda _request: limit)


def flatten(events: list[object]) -> Iterator[object]:
    """Runs one by one, since how long they are depends on how much came at once."""
    for event in events:
        if isinstance(event, PublishRun):
            assert len(event.requests) == len(event.values)
            for asked, value in zip(event.requests, event.values, strict=True):
                assert (event.topic, event.acks, asked.length) == (asked.topic, asked.acks, len(value))
                yield PUBLISHED, asked, bytes(value)
        elif isinstance(event, AppendRun):
            for payload in event.payloads:
                yield APPENDED, event.topic, event.partition, event.acks, bytes(payload)
        elif isinstance(event, Refused):
            yield REFUSED, event.error.code, event.silent, event.closes
        else:
            yield event


def receive(connection: TextConnection, data: bytes, read_bytes: int = 10**9) -> list[object]:
    """Everything that comes of `data`, received in reads of that size, and of the end of the stream."""
    found: list[object] = []
    position = 0
    while position < len(data) and not connection.closed:
        space = connection.get_buffer()
        piece = data[position : position + min(read_bytes, len(space))]
        space[: len(piece)] = piece
        position += len(piece)
        found += flatten(list(connection.buffer_updated(len(piece))))
        connection.reclaim()
    return found + list(flatten(list(connection.eof_received())))


def published(value: bytes, **fields: object) -> tuple[object, ...]:
    return PUBLISHED, Publish("logs", len(value), **fields), value  # type: ignore[arg-type]


def refused(code: str, *, silent: bool = False, closes: bool = False) -> tuple[object, ...]:
    return REFUSED, code, silent, closes


PING = request.Ping()
BROKEN_OFF = refused("BAD_REQUEST", closes=True)

CASES: dict[str, tuple[bytes, list[object]]] = {
    "nothing": (b"", []),
    "one_request": (b"PING\r\n", [PING]),
    "line_feed_only": (b"PING\n", [PING]),
    "pipelined": (b"PING\r\nTOPICS\r\nPING\r\n", [PING, request.Topics(), PING]),
    "empty_lines": (b"\r\n\n  \r\nPING\r\n\r\n\n", [PING]),
    "spaces_around_words": (b"  PING  \r\n", [PING]),
    "publish": (b"PUBLISH logs 5\r\nhello", [published(b"hello")]),
    "publish_with_echo_line_end": (b"PUBLISH logs 5\r\nhello\nPING\n", [published(b"hello"), PING]),
    "publish_empty_payload": (b"PUBLISH logs 0\r\nPING\r\n", [published(b""), PING]),
    "publish_run_crlf": (b"PUBLISH logs 2\r\nab\r\n" * 3, [published(b"ab")] * 3),
    "publish_run_lf": (b"PUBLISH logs 2\nab\n" * 3, [published(b"ab")] * 3),
    "publish_run_without_line_ends": (b"PUBLISH logs 2\r\nab" * 3, [published(b"ab")] * 3),
    "publish_run_mixed_line_ends": (
        b"PUBLISH logs 2\r\nabPUBLISH logs 2\r\ncd\n\r\n\nPUBLISH logs 2\nef\r\nPUBLISH logs 2\r\ngh",
        [published(b"ab"), published(b"cd"), published(b"ef"), published(b"gh")],
    ),
    "publish_run_different_lengths": (
        b"PUBLISH logs 2\r\nab\r\nPUBLISH logs 3\r\nabc\r\nPUBLISH logs 2\r\nab",
        [published(b"ab"), published(b"abc"), published(b"ab")],
    ),
    "publish_run_keys": (
        b"PUBLISH logs 1 key=a\r\n1\r\nPUBLISH logs 1 key=%20\r\n2\r\nPUBLISH logs 1\r\n3\r\n",
        [published(b"1", key=b"a"), published(b"2", key=b" "), published(b"3")],
    ),
    "publish_topics_in_turn": (
        b"PUBLISH a 1\r\n1\r\nPUBLISH b 1\r\n2\r\nPUBLISH a 1\r\n3\r\n",
        [(PUBLISHED, Publish(topic, 1), value) for topic, value in (("a", b"1"), ("b", b"2"), ("a", b"3"))],
    ),
    "publish_acks_in_turn": (
        b"PUBLISH logs 1 acks=0\r\n1\r\nPUBLISH logs 1\r\n2\r\nPUBLISH logs 1 acks=0\r\n3\r\n",
        [published(b"1", acks=0), published(b"2"), published(b"3", acks=0)],
    ),
    "payload_that_looks_like_requests": (
        b"PUBLISH logs 12\r\nPING\r\nQUIT\r\nPING\r\n",
        [published(b"PING\r\nQUIT\r\n"), PING],
    ),
    "payload_that_looks_like_its_line": (
        b"PUBLISH logs 16\r\nPUBLISH logs 16\nPING\r\n",
        [published(b"PUBLISH logs 16\n"), PING],
    ),
    "append": (b"APPEND logs 3 4\r\n\x00\n\r\xffPING\n", [(APPENDED, "logs", 3, -1, b"\x00\n\r\xff"), PING]),
    "append_run": (b"APPEND logs 3 2 acks=0\r\nab\r\n" * 3, [(APPENDED, "logs", 3, 0, b"ab")] * 3),
    "append_and_publish_in_turn": (
        b"APPEND logs 0 1\r\naPUBLISH logs 1\r\nbAPPEND logs 0 1\r\nc",
        [(APPENDED, "logs", 0, -1, b"a"), published(b"b"), (APPENDED, "logs", 0, -1, b"c")],
    ),
    "unknown_command": (b"FOO\r\nPING\r\n", [refused("UNKNOWN_COMMAND"), PING]),
    "bad_request": (b"POLL logs\r\nPING\r\n", [refused("BAD_REQUEST"), PING]),
    "payload_of_a_refused_line_is_skipped": (
        b"PUBLISH lo/gs 6\r\nPING\r\nPING\r\n",
        [refused("INVALID_TOPIC_EXCEPTION"), PING],
    ),
    "payload_of_a_refused_append_is_skipped": (
        b"APPEND logs x 6\r\nPING\r\nPING\r\n",
        [refused("BAD_REQUEST"), PING],
    ),
    "refused_with_acks_0_is_silent": (
        b"PUBLISH lo/gs 1 acks=0\r\naPING\r\n",
        [refused("INVALID_TOPIC_EXCEPTION", silent=True), PING],
    ),
    "refused_without_payload_bytes": (
        b"PUBLISH lo/gs 0\r\nPING\n",
        [refused("INVALID_TOPIC_EXCEPTION"), PING],
    ),
    "refused_between_publishes": (
        b"PUBLISH logs 1\r\naPUBLISH logs 1 key=%\r\nbPUBLISH logs 1\r\nc",
        [published(b"a"), refused("BAD_REQUEST"), published(b"c")],
    ),
    "length_is_no_number": (b"PUBLISH logs five\r\nPING\r\n", [refused("BAD_REQUEST", closes=True)]),
    "length_is_missing": (b"PUBLISH logs\r\nPING\r\n", [refused("BAD_REQUEST", closes=True)]),
    "length_is_negative": (b"APPEND logs 0 -1\r\nPING\r\n", [refused("BAD_REQUEST", closes=True)]),
    "length_is_missing_with_acks_0": (b"PUBLISH logs acks=0\r\n", [refused("BAD_REQUEST", closes=True)]),
    "quit_ends_it": (b"PING\r\nQUIT\r\nPING\r\n", [PING, request.Quit()]),
    "longest_line": (b"GROUP " + b"g" * 8186 + b"\r\nPING\n", [refused("INVALID_GROUP_ID"), PING]),
    "longest_line_with_line_feed": (
        b"GROUP " + b"g" * 8186 + b"\nPING\n",
        [refused("INVALID_GROUP_ID"), PING],
    ),
    "line_too_long": (b"GROUP " + b"g" * 8187 + b"\r\nPING\n", [refused("LINE_TOO_LONG", closes=True)]),
    "line_too_long_with_line_feed": (
        b"GROUP " + b"g" * 8187 + b"\nPING\n",
        [refused("LINE_TOO_LONG", closes=True)],
    ),
    "line_without_an_end": (b"x" * 20_000, [refused("LINE_TOO_LONG", closes=True)]),
    "cut_line": (b"PING\r\nPIN", [PING, BROKEN_OFF]),
    "cut_after_carriage_return": (b"PING\r", [BROKEN_OFF]),
    "cut_payload": (b"PUBLISH logs 5\r\nhell", [BROKEN_OFF]),
    "cut_payload_after_a_whole_one": (
        b"PUBLISH logs 5\r\nhello\r\nPUBLISH logs 5\r\nhell",
        [published(b"hello"), BROKEN_OFF],
    ),
    "cut_before_the_payload": (b"PUBLISH logs 5\r\n", [BROKEN_OFF]),
    "cut_skipped_payload": (b"PUBLISH lo/gs 5\r\nab", [refused("INVALID_TOPIC_EXCEPTION")]),
    "cut_in_spaces": (b"PING\r\n  ", [PING]),
}


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES)
def test_input_in_one_piece(data: bytes, expected: list[object]) -> None:
    assert receive(connect(), data) == expected


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES)
def test_input_byte_by_byte(data: bytes, expected: list[object]) -> None:
    assert receive(connect(), data, 1) == expected


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES)
def test_input_received_elsewhere(data: bytes, expected: list[object]) -> None:
    connection = connect()
    found = list(flatten(list(connection.feed(data))))
    assert found + list(flatten(list(connection.eof_received()))) == expected


LARGE = b"z" * (INLINE_BYTES_MAX + 1)
LARGER = bytes(range(256)) * 5000


@pytest.mark.parametrize("read_bytes", [999, 65536, 10**9])
def test_large_payloads_have_memory_of_their_own(read_bytes: int) -> None:
    data = b"".join(
        b"PUBLISH logs %d\r\n%b\r\nAPPEND logs 0 %d\r\n%bPING\r\n" % (len(large), large, len(large), large)
        for large in (LARGE, LARGER)
    )
    expected = [
        item
        for large in (LARGE, LARGER)
        for item in (published(large), (APPENDED, "logs", 0, -1, large), PING)
    ]
    assert receive(connect(10**7), data, read_bytes) == expected


@pytest.mark.parametrize("read_bytes", [999, 10**9])
def test_a_payload_over_the_limit_is_read_past_and_refused(read_bytes: int) -> None:
    data = b"PUBLISH logs %d\r\n%bPING\r\n" % (len(LARGER), LARGER)
    assert receive(connect(len(LARGER) - 1), data, read_bytes) == [refused("MESSAGE_TOO_LARGE"), PING]
    assert receive(connect(len(LARGER)), data, read_bytes) == [published(LARGER), PING]


def test_a_refused_payload_costs_no_memory_whatever_its_length() -> None:
    connection = connect()
    connection.feed(b"APPEND logs 0 999999999999999999\r\n")
    for _ in range(100):
        space = connection.get_buffer()
        assert len(space) <= LARGEST_BYTES
        assert connection.buffer_updated(len(space)) == []


def test_acks_0_keeps_a_payload_over_the_limit_silent() -> None:
    data = b"PUBLISH logs %d acks=0\r\n%bPING\r\n" % (len(LARGER), LARGER)
    assert receive(connect(), data, 9999) == [refused("MESSAGE_TOO_LARGE", silent=True), PING]


def test_the_limit_is_asked_for_with_the_request() -> None:
    asked: list[Publish | Append] = []

    def limit(about: Publish | Append) -> int:
        asked.append(about)
        return 10

    connection = TextConnection(limit)
    connection.feed(b"PUBLISH logs 11\r\n")
    assert asked == [Publish("logs", 11)]


def test_a_run_is_one_event() -> None:
    connection = connect()
    data = b"PUBLISH logs 2\r\nab\r\n" * 100
    space = connection.get_buffer()
    space[: len(data)] = data
    (run,) = connection.buffer_updated(len(data))
    assert isinstance(run, PublishRun)
    assert len(run.requests) == 100
    assert all(asked is run.requests[0] for asked in run.requests), "comparing them would cost time"


def test_appended_payloads_stay_true_until_they_are_reclaimed() -> None:
    connection = connect(10**7)
    payloads = []
    for number in range(20):
        large = bytes((number,)) * (INLINE_BYTES_MAX + 1)
        for body in (b"%04d" % number, large):
            for event in connection.feed(b"APPEND logs 0 %d\r\n%b" % (len(body), body)):
                assert isinstance(event, AppendRun)
                payloads += [(payload, body) for payload in event.payloads]
    assert len(payloads) == 40
    assert all(payload == body for payload, body in payloads)


def test_memory_follows_the_load_and_is_released() -> None:
    connection = connect()
    smallest = len(connection.get_buffer())
    for _ in range(10):
        space = connection.get_buffer()
        space[:] = b"\n" * len(space)
        connection.buffer_updated(len(space))
    assert len(connection.get_buffer()) == LARGEST_BYTES
    connection.release()
    assert len(connection.get_buffer()) == smallest


def test_nothing_is_read_after_the_end() -> None:
    connection = connect()
    assert connection.eof_received() == []
    assert connection.closed
    assert connection.feed(b"PING\r\n") == []
    assert connection.eof_received() == []


REQUESTS = st.one_of(
    st.sampled_from(
        [b"PING\r\n", b"TOPICS\n", b"\r\n", b"POLL a b 5\r\n", b"NOPE\r\n", b"POLL\r\n", b"  \n"]
    ),
    st.builds(
        lambda topic, value, option, end: (
            b"PUBLISH %b %d%b\r\n%b%b" % (topic, len(value), option, value, end)
        ),
        st.sampled_from([b"a", b"b", b"bad/"]),
        st.binary(max_size=40),
        st.sampled_from([b"", b"", b" key=k", b" acks=0", b" key=%zz", b" partition=1 key=x"]),
        st.sampled_from([b"", b"\n", b"\r\n"]),
    ),
    st.builds(
        lambda value, end: b"APPEND a 0 %d\r\n%b%b" % (len(value), value, end),
        st.binary(max_size=40),
        st.sampled_from([b"", b"\r\n"]),
    ),
)


@given(st.lists(REQUESTS, max_size=12), st.lists(st.integers(1, 60), min_size=1, max_size=20))
@settings(deadline=None)
def test_any_split_gives_the_same_requests(requests: list[bytes], sizes: list[int]) -> None:
    data = b"".join(requests)
    whole = receive(connect(), data)
    connection = connect()
    found: list[object] = []
    position = turn = 0
    while position < len(data):
        piece = data[position : position + sizes[turn % len(sizes)]]
        position += len(piece)
        turn += 1
        space = connection.get_buffer()
        space[: len(piece)] = piece
        found += flatten(list(connection.buffer_updated(len(piece))))
        connection.reclaim()
    found += flatten(list(connection.eof_received()))
    assert found == whole


@given(st.lists(st.binary(max_size=200), max_size=20))
@settings(deadline=None)
def test_garbage_is_refused_and_nothing_else_happens(pieces: list[bytes]) -> None:
    connection = connect()
    for piece in pieces:
        if connection.closed:
            break
        space = connection.get_buffer()
        space[: len(piece)] = piece
        if piece:
            connection.buffer_updated(len(piece))
    connection.eof_received()
    assert connection.closed


def test_a_line_that_comes_again_is_the_same_request_and_another_is_not() -> None:
    connection = TextConnection(lambda _: 1000)
    events = connection.feed(b"POLL logs g 1\r\nPOLL logs g 1\r\nPOLL logs g 2\r\nPING\r\nPOLL logs g 1\r\n")
    assert [type(event).__name__ for event in events] == ["Poll", "Poll", "Poll", "Ping", "Poll"]
    assert [event.max_messages for event in events if isinstance(event, Poll)] == [1, 1, 2, 1]
    assert events[0] is events[1]


def test_what_follows_quit_is_not_read_though_quit_came_before() -> None:
    connection = TextConnection(lambda _: 1000)
    assert len(connection.feed(b"QUIT\r\nQUIT\r\nPING\r\n")) == 1
    assert connection.closed
