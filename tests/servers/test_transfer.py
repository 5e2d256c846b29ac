"""From the log's file to the socket: all bytes, in order, after their line."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from quekka.servers.peer import Peer, PeerGoneError
from quekka.servers.transfer import PIECE_BYTES, Transfer

Pair = tuple[socket.socket, socket.socket]


class FileSlice:
    """A LogSlice as far as a transfer looks at it."""

    def __init__(self, fileno: int, position: int, size_bytes: int) -> None:
        self.fileno = fileno
        self.position = position
        self.size_bytes = size_bytes


class Reader:
    """Reads the other end to its end."""

    def __init__(self, connection: socket.socket) -> None:
        self.received = bytearray()
        self._connection = connection
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while data := self._connection.recv(65536):
            self.received += data

    def all(self) -> bytes:
        self._thread.join(30)
        return bytes(self.received)


@pytest.mark.parametrize(
    "size_bytes", [1, 1000, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 5]
)
def test_the_bytes_of_the_slice_follow_the_head(
    tmp_path: Path, tcp_pair: Pair, make_peer: Callable[..., Peer], size_bytes: int
) -> None:
    content = bytes(range(251)) * (size_bytes // 251 + 2)
    path = tmp_path / "log"
    path.write_bytes(b"before" + content)
    peer = make_peer()
    reader = Reader(tcp_pair[1])
    transfer = Transfer()
    with path.open("rb") as file:
        transfer.send(peer, b"+HEAD\r\n", FileSlice(file.fileno(), 6, size_bytes))  # type: ignore[arg-type]
        transfer.send(peer, b"+AGAIN\r\n", FileSlice(file.fileno(), 6, 1))  # type: ignore[arg-type]
    peer.cut()
    assert reader.all() == b"+HEAD\r\n" + content[:size_bytes] + b"+AGAIN\r\n" + content[:1]


def test_a_file_that_is_shorter_than_the_slice_ends_the_connection(
    tmp_path: Path, make_peer: Callable[..., Peer]
) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"short")
    with path.open("rb") as file, pytest.raises(PeerGoneError, match="ends before byte 5"):
        Transfer().send(make_peer(), b"+HEAD\r\n", FileSlice(file.fileno(), 0, 100))  # type: ignore[arg-type]


def test_a_file_that_cannot_be_read_ends_the_connection(
    tmp_path: Path, make_peer: Callable[..., Peer]
) -> None:
    fileno = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    try:
        with pytest.raises(PeerGoneError, match="could not be read at byte 7"):
            Transfer().send(make_peer(), b"+HEAD\r\n", FileSlice(fileno, 7, 100))  # type: ignore[arg-type]
    finally:
        os.close(fileno)


def test_released_memory_is_made_anew(tmp_path: Path, tcp_pair: Pair, make_peer: Callable[..., Peer]) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    peer = make_peer()
    transfer = Transfer()
    with path.open("rb") as file:
        for _ in range(2):
            transfer.send(peer, b">", FileSlice(file.fileno(), 0, 10))  # type: ignore[arg-type]
            transfer.release()
            assert tcp_pair[1].recv(100) == b">0123456789"


@pytest.mark.parametrize(
    "sizes_bytes",
    [(1,), (0, 5, 0, 7), (100,) * 50, (PIECE_BYTES - 1, 1, 1), (3 * PIECE_BYTES, 10, PIECE_BYTES + 1)],
    ids=["one", "empty_ones", "many", "filled_to_the_brim", "large"],
)
def test_pieces_follow_each_other_whatever_their_sizes(
    tmp_path: Path, tcp_pair: Pair, make_peer: Callable[..., Peer], sizes_bytes: tuple[int, ...]
) -> None:
    content = bytes(range(251)) * (max(sizes_bytes) // 251 + 2)
    path = tmp_path / "log"
    path.write_bytes(b"before" + content)
    peer = make_peer()
    reader = Reader(tcp_pair[1])
    with path.open("rb") as file:
        pieces: list[object] = []
        for number, size_bytes in enumerate(sizes_bytes):
            pieces += [bytearray(b"<%d>" % number), FileSlice(file.fileno(), 6, size_bytes)]
        sent_bytes = Transfer().send_pieces(peer, [*pieces, bytearray(b"end")])  # type: ignore[list-item]
    peer.cut()
    expected = b"".join(b"<%d>%b" % (number, content[:size]) for number, size in enumerate(sizes_bytes))
    assert reader.all() == expected + b"end"
    assert sent_bytes == len(expected) + 3


def test_a_piece_that_the_file_does_not_have_hangs_up(tmp_path: Path, make_peer: Callable[..., Peer]) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"short")
    with path.open("rb") as file, pytest.raises(PeerGoneError, match="the log ends before byte 5"):
        Transfer().send_pieces(make_peer(), [FileSlice(file.fileno(), 0, 6)])  # type: ignore[list-item]
