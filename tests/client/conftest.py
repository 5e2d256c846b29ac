"""Brokers that do what a test says, and addresses where there is none."""

import socket
from collections.abc import Callable, Iterator

import pytest
from fake_server import Answer, FakeServer


@pytest.fixture
def fake_server() -> Iterator[Callable[[Answer], FakeServer]]:
    """Start fake brokers; they are closed at the end of the test."""
    servers: list[FakeServer] = []

    def start(answer: Answer) -> FakeServer:
        servers.append(FakeServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def closed_address() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"127.0.0.1:{port}"
