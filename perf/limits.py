"""What this machine can do at best: a broker's figures mean something only beside these.

loopback       bytes a second through one TCP connection over 127.0.0.1, sender and receiver two processes
sendfile       the same from a file in the page cache, by sendfile(2)
pread_send     the same from that file, by pread(2) into one buffer and send(2)
echo           a message of 1 KB to a blocking Python thread in another process and back
write          bytes a second that write(2) takes into the page cache
sync           one fdatasync after 4 KB, as `flush.messages=1` needs for every group of appends
"""

import os
import socket
import time
from pathlib import Path

from perf.figures import Figure, percentile
from perf.remote_client import RemoteClient, Round
from perf.wire import Address, connect, receive_some

BLOCK_BYTES = 1 << 20
LOOPBACK_BLOCKS = 2048
ECHO_BYTES = 1024
ECHO_COUNT = 3000
WRITE_BLOCKS = 512
FILE_BLOCKS = 256
SYNC_BYTES = 4096
SYNC_COUNT = 50
ROUNDS = 3


def measure_limits(directory: Path) -> list[Figure]:
    """All of them; files are made in `directory` and removed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with RemoteClient(Peer, (address,)) as peer:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                loopback_gb_per_s = [measure_loopback(connection, peer) for _ in range(ROUNDS)]
                sendfile_gb_per_s, pread_send_gb_per_s = measure_file(directory, connection, peer)
                echo_s = measure_echo(connection, peer)
    sync_s = measure_sync(directory)
    return [
        Figure("loopback", "GB/s", loopback_gb_per_s),
        Figure("sendfile", "GB/s", sendfile_gb_per_s),
        Figure("pread_send", "GB/s", pread_send_gb_per_s),
        Figure("echo_p50", "ms", [percentile(echo_s, 0.5) * 1e3]),
        Figure("echo_p99", "ms", [percentile(echo_s, 0.99) * 1e3]),
        Figure("write", "GB/s", [measure_write(directory) for _ in range(ROUNDS)]),
        Figure("sync_p50", "ms", [percentile(sync_s, 0.5) * 1e3]),
        Figure("sync_p99", "ms", [percentile(sync_s, 0.99) * 1e3]),
    ]


class Peer:
    """In the child: swallows `count` blocks, or, asked for a negative count, echoes so many messages."""

    def __init__(self, address: Address) -> None:
        self._socket = connect(address)
        self._buffer = bytearray(BLOCK_BYTES)

    def run(self, count: int) -> Round:
        started_at = time.monotonic()
        left = abs(count) * (ECHO_BYTES if count < 0 else BLOCK_BYTES)
        received_bytes = left
        while left > 0:
            received = receive_some(self._socket, self._buffer)
            if count < 0:
                self._socket.sendall(memoryview(self._buffer)[:received])
            left -= received
        return Round(abs(count), received_bytes, time.monotonic() - started_at)

    def close(self) -> None:
        self._socket.close()


def measure_loopback(connection: socket.socket, peer: RemoteClient) -> float:
    """Gigabytes a second."""
    peer.begin(LOOPBACK_BLOCKS)
    block = bytes(BLOCK_BYTES)
    for _ in range(LOOPBACK_BLOCKS):
        connection.sendall(block)
    return peer.finish().gb_per_s


def measure_file(
    directory: Path, connection: socket.socket, peer: RemoteClient
) -> tuple[list[float], list[float]]:
    """Gigabytes a second of each way to send a file, several times each, in turns."""
    path = directory / "limit-file"
    sendfile_gb_per_s, pread_send_gb_per_s = [], []
    try:
        with path.open("w+b", buffering=0) as file:
            for _ in range(FILE_BLOCKS):
                file.write(bytes(BLOCK_BYTES))
            for _ in range(ROUNDS):
                sendfile_gb_per_s.append(measure_sendfile(file.fileno(), connection, peer))
                pread_send_gb_per_s.append(measure_pread_send(file.fileno(), connection, peer))
    finally:
        path.unlink()
    return sendfile_gb_per_s, pread_send_gb_per_s


def measure_sendfile(fileno: int, connection: socket.socket, peer: RemoteClient) -> float:
    peer.begin(LOOPBACK_BLOCKS)
    for _ in range(LOOPBACK_BLOCKS // FILE_BLOCKS):
        position = 0
        while sent := os.sendfile(connection.fileno(), fileno, position, BLOCK_BYTES):
            position += sent
    return peer.finish().gb_per_s


def measure_pread_send(fileno: int, connection: socket.socket, peer: RemoteClient) -> float:
    peer.begin(LOOPBACK_BLOCKS)
    buffer = bytearray(BLOCK_BYTES)
    for index in range(LOOPBACK_BLOCKS):
        os.preadv(fileno, [buffer], index % FILE_BLOCKS * BLOCK_BYTES)
        connection.sendall(buffer)
    return peer.finish().gb_per_s


def measure_echo(connection: socket.socket, peer: RemoteClient) -> list[float]:
    """Seconds of each round trip, ascending."""
    peer.begin(-ECHO_COUNT)
    message = bytes(ECHO_BYTES)
    latencies_s = []
    for _ in range(ECHO_COUNT):
        sent_at = time.monotonic()
        connection.sendall(message)
        left = ECHO_BYTES
        while left:
            left -= len(connection.recv(left))
        latencies_s.append(time.monotonic() - sent_at)
    peer.finish()
    return sorted(latencies_s)


def measure_write(directory: Path) -> float:
    """Gigabytes a second into the page cache."""
    path = directory / "limit-write"
    block = bytes(BLOCK_BYTES)
    try:
        with path.open("wb", buffering=0) as file:
            started_at = time.monotonic()
            for _ in range(WRITE_BLOCKS):
                file.write(block)
            return WRITE_BLOCKS * BLOCK_BYTES / (time.monotonic() - started_at) / 1e9
    finally:
        path.unlink()


def measure_sync(directory: Path) -> list[float]:
    """Seconds of each write and fdatasync, ascending."""
    path = directory / "limit-sync"
    latencies_s = []
    try:
        with path.open("wb", buffering=0) as file:
            for _ in range(SYNC_COUNT):
                started_at = time.monotonic()
                file.write(bytes(SYNC_BYTES))
                os.fdatasync(file.fileno())
                latencies_s.append(time.monotonic() - started_at)
    finally:
        path.unlink()
    return sorted(latencies_s)
