"""Counting lines instead of parsing them."""

import socket

import pytest

from perf.errors import WrongReplyError
from perf.peers.connection import LineCounter, LineReader


def test_replies_of_several_lines_are_counted_however_they_are_cut() -> None:
    counter = LineCounter(2, b"-ERR")
    assert [counter.count(data) for data in (b"$3\r\n0-1\r\n$3", b"\r\n", b"0-2\r\n$3\r\n0-3\r\n")] == [
        1,
        0,
        2,
    ]


def test_an_error_is_raised_with_its_words() -> None:
    with pytest.raises(WrongReplyError, match="out of memory"):
        LineCounter(1, b"-ERR").count(b"-ERR out of memory\r\n")


def test_lines_and_blocks_are_taken_in_turns() -> None:
    sender, receiver = socket.socketpair()
    with sender, receiver:
        sender.sendall(b"RESERVED 1 5\r\nab\ncd\r\nDELETED\r\n")
        reader = LineReader(receiver)
        assert reader.line() == b"RESERVED 1 5"
        assert reader.exactly(7) == b"ab\ncd\r\n"
        assert reader.line() == b"DELETED"


def test_lines_that_came_too_many_count_for_the_next_call() -> None:
    sender, receiver = socket.socketpair()
    with sender, receiver:
        sender.sendall(b"first\r\na\nb\nc\nd\n")
        reader = LineReader(receiver)
        reader.line()
        assert reader.pass_lines(3) > 0
        assert reader.pass_lines(1) == 0
