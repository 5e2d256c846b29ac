"""The readers that count instead of parsing, over a real socket and in pieces of any size."""

import random
import socket
from collections.abc import Callable, Iterator

import pytest

from perf.errors import WrongReplyError
from perf.wire import BatchReplies, LineReplies, MessageReplies, payload_of


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection: what the broker would write to, what the client reads from."""
    broker, client = socket.socketpair()
    with broker, client:
        yield broker, client


def in_pieces(data: bytes, seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    while data:
        size = rng.randint(1, 40)
        yield data[:size]
        data = data[size:]


def message(offset: int, payload: bytes) -> bytes:
    return b"0 %d 1700000000000 %d\r\n%b\r\n" % (offset, len(payload), payload)


def test_payloads_hold_nothing_that_is_counted() -> None:
    payload = payload_of(1000)
    assert len(payload) == 1000
    assert not set(payload) & set(b"+-\r\n")


def test_replies_of_one_line_are_counted(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].sendall(b"+OK 0 0\r\n+OK 1 0\r\n+OK 2 0\r\n")
    LineReplies(pair[1]).expect(3)


@pytest.mark.parametrize(
    "answer", [b"+OK 0 0\r\n-ERR MESSAGE_TOO_LARGE 9\r\n", b"+OK 0 0\r\n"], ids=["error", "end"]
)
def test_an_error_or_the_end_among_them_is_raised(
    pair: tuple[socket.socket, socket.socket], answer: bytes
) -> None:
    pair[0].sendall(answer)
    pair[0].shutdown(socket.SHUT_WR)
    with pytest.raises(WrongReplyError):
        LineReplies(pair[1]).expect(2)


def test_messages_are_counted_however_they_are_cut(
    pair: tuple[socket.socket, socket.socket], seed: int
) -> None:
    payload = payload_of(50)
    reply = b"+MESSAGES 3\r\n" + b"".join(message(offset, payload) for offset in range(3))
    replies = MessageReplies(pair[1])
    for piece in in_pieces(reply * 4 + b"+EMPTY\r\n", seed):
        pair[0].sendall(piece)
        replies.receive()
    assert (replies.replies, replies.messages) == (5, 12)


def test_an_error_instead_of_messages_is_raised(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].sendall(b"-ERR UNKNOWN_TOPIC_OR_PARTITION nothing\r\n")
    with pytest.raises(WrongReplyError, match="UNKNOWN_TOPIC"):
        MessageReplies(pair[1]).receive()


@pytest.mark.parametrize("cut", [bytes, lambda data: data[:20]], ids=["all_at_once", "first_line_cut"])
def test_batches_are_skipped_by_the_length_of_their_reply(
    pair: tuple[socket.socket, socket.socket], cut: Callable[[bytes], bytes]
) -> None:
    data = b"".join(b"+BATCHES %d 0 9\r\n" % size + b"\n" * size for size in (0, 70, 1000))
    first = cut(data)
    pair[0].sendall(first)
    pair[0].sendall(data[len(first) :])
    replies = BatchReplies(pair[1])
    assert [replies.next_length() for _ in range(3)] == [0, 70, 1000]


def test_another_reply_than_batches_is_raised(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].sendall(b"+EMPTY\r\n")
    with pytest.raises(WrongReplyError, match="EMPTY"):
        BatchReplies(pair[1]).next_length()
