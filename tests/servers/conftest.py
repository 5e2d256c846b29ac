"""Real sockets and brokers for the tests of the servers."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.servers.peer import Peer

StartBroker = Callable[..., Broker]


@pytest.fixture
def tcp_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection: the accepting one first."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connecting = socket.create_connection(listening.getsockname(), timeout=30)
        accepted, _ = listening.accept()
    with connecting, accepted:
        yield accepted, connecting


@pytest.fixture
def make_peer(tcp_pair: tuple[socket.socket, socket.socket]) -> Callable[..., Peer]:
    """A Peer on the accepting end: `make_peer(idle_s=...)`."""

    def make(idle_s: float = 30.0) -> Peer:
        return Peer(tcp_pair[0], 1, idle_s)

    return make


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[StartBroker]:
    """A broker with settings of its own: `start_broker({"max.connections": "2"})`."""
    brokers: list[Broker] = []

    def start(
        settings: dict[str, str] | None = None, listen: str = "127.0.0.1:0", **options: object
    ) -> Broker:
        broker = Broker(tmp_path / f"data-{len(brokers)}", listen, settings, **options)  # type: ignore[arg-type]
        broker.start()
        brokers.append(broker)
        return broker

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def client_of(connect: Callable[[str, int], WireClient]) -> Callable[[Broker], WireClient]:
    """One more connection to a broker."""
    return lambda broker: connect(broker.host, broker.port)
