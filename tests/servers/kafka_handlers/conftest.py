"""Connections of the Kafka protocol to a real broker, for the tests of its handlers."""

from collections.abc import Callable, Iterator

import pytest
from kafka_wire import KafkaWire

from quekka.embedded import Broker

OpenWire = Callable[..., KafkaWire]


@pytest.fixture
def open_wire() -> Iterator[OpenWire]:
    """Connect to any broker: `open_wire(broker, client_id="me")`; closed at the end of the test."""
    wires: list[KafkaWire] = []

    def connect(broker: Broker, client_id: str | None = "wire") -> KafkaWire:
        wires.append(KafkaWire(broker.host, broker.port, client_id))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.close()


@pytest.fixture
def wire(broker: Broker, open_wire: OpenWire) -> KafkaWire:
    """One connection to the `broker` fixture."""
    return open_wire(broker)
