"""Frames off a socket, however they are cut."""

import random
import socket
import struct
import threading

import pytest

from perf.errors import WrongReplyError
from perf.peers.frames import FrameReader

FRAMES = [b"", b"abc", b"x" * 3000, b"y" * (3 << 20), b"end"]


def send(sender: socket.socket, data: bytes, seed: int) -> None:
    rng = random.Random(seed)
    position = 0
    while position < len(data):
        size = rng.choice([1, 7, 1000, 1 << 18])
        sender.sendall(data[position : position + size])
        position += size


def sent_in_pieces(sender: socket.socket, seed: int) -> threading.Thread:
    data = b"".join(struct.pack(">I", len(frame)) + frame for frame in FRAMES)
    thread = threading.Thread(target=send, args=(sender, data, seed))
    thread.start()
    return thread


def test_frames_come_whole(seed: int) -> None:
    sender, receiver = socket.socketpair()
    with sender, receiver:
        thread = sent_in_pieces(sender, seed)
        frames = FrameReader(receiver)
        assert [frames.whole() for _ in FRAMES] == FRAMES
        thread.join()


def test_heads_come_and_the_rest_is_passed(seed: int) -> None:
    sender, receiver = socket.socketpair()
    with sender, receiver:
        thread = sent_in_pieces(sender, seed)
        frames = FrameReader(receiver)
        assert [frames.head(10) for _ in FRAMES] == [(len(frame), frame[:10]) for frame in FRAMES]
        thread.join()


def test_an_end_within_a_frame_is_raised() -> None:
    sender, receiver = socket.socketpair()
    with sender, receiver:
        sender.sendall(struct.pack(">I", 10) + b"short")
        sender.shutdown(socket.SHUT_WR)
        with pytest.raises(WrongReplyError):
            FrameReader(receiver).whole()
