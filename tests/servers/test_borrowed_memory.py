"""Large requests of many connections, over real sockets: what they hold together, and who has to wait."""

import logging
import select
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from broker_helpers import batch_of
from kafka_wire import KafkaWire

from quekka.deadline import Deadline
from quekka.embedded import Broker
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.codec import encode_request
from quekka.protocols.kafka.framing import RequestHeader
from quekka.servers import peer
from quekka.servers.borrowed_memory import BorrowedMemory
from quekka.servers.peer import Peer, PeerGoneError

PRODUCE = 0
MEBIBYTE = 1024 * 1024
StartBroker = Callable[..., Broker]


@pytest.fixture
def small(start_broker: StartBroker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """A broker that has room for two requests of 1 MiB, and little patience."""
    monkeypatch.setattr(peer, "QUIET_S", 0.01)
    broker = start_broker({"request.memory.max.bytes": str(2 * MEBIBYTE), "request.timeout.ms": "2000"})
    broker.core.topics.create("orders", settings={"max.message.bytes": str(32 * MEBIBYTE)})
    return broker


@pytest.fixture
def wire_to() -> Iterator[Callable[[Broker], KafkaWire]]:
    """One more connection to a broker; closed at the end of the test."""
    wires: list[KafkaWire] = []

    def connect(broker: Broker) -> KafkaWire:
        wires.append(KafkaWire(broker.host, broker.port))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.close()


def produce_frame(size_bytes: int) -> bytes:
    data = PartitionProduceData(0, memoryview(batch_of([b"x" * size_bytes], 1_700_000_000_000)))
    request = ProduceRequest(None, -1, 1000, [TopicProduceData("orders", [data])])
    return bytes(encode_request(RequestHeader(PRODUCE, 9, 7, "large"), request))


def is_answered(wire: KafkaWire) -> bool:
    return wire.receive_frame()[:4] == struct.pack(">i", 7)


def holding(broker: Broker, size_bytes: int) -> None:
    """Return once so much is held."""
    for _ in range(30_000):
        if broker.core.request_memory.held_bytes == size_bytes:
            return
        select.select([], [], [], 0.001)
    raise AssertionError(f"{broker.core.request_memory.held_bytes} bytes are held")


def test_a_large_request_is_held_until_it_is_answered(
    small: Broker, wire_to: Callable[..., KafkaWire]
) -> None:
    wire = wire_to(small)
    frame = produce_frame(900_000)
    wire.send_bytes(frame[:-1])
    holding(small, MEBIBYTE)
    wire.send_bytes(frame[-1:])
    assert is_answered(wire)
    holding(small, 0)


def test_one_that_is_larger_than_all_the_room_is_served_alone(
    small: Broker, wire_to: Callable[..., KafkaWire]
) -> None:
    wire = wire_to(small)
    wire.send_bytes(produce_frame(10 * MEBIBYTE))
    assert is_answered(wire)


@pytest.mark.parametrize("protocol", ["kafka", "text"])
def test_who_stops_in_the_middle_makes_room_for_those_who_wait(
    small: Broker, wire_to: Callable[..., KafkaWire], protocol: str
) -> None:
    stuck, waiting = wire_to(small), wire_to(small)
    if protocol == "text":
        stuck.send_bytes(b"APPEND orders 0 %d\r\n" % (2 * MEBIBYTE) + bytes(MEBIBYTE + 1))
    else:
        stuck.send_bytes(produce_frame(2 * MEBIBYTE)[: MEBIBYTE + 100])
    holding(small, 2 * MEBIBYTE)
    waiting.send_bytes(produce_frame(900_000))
    assert stuck.is_closed()
    assert is_answered(waiting)


def test_many_who_send_at_once_are_all_answered(small: Broker, wire_to: Callable[..., KafkaWire]) -> None:
    frame = produce_frame(900_000)
    wires = [wire_to(small) for _ in range(8)]
    for wire in wires:
        wire.send_bytes(frame[: len(frame) // 4])
    for wire in wires:
        wire.send_bytes(frame[len(frame) // 4 :])
    assert all(is_answered(wire) for wire in wires)
    holding(small, 0)


def test_who_finds_no_room_is_let_go_with_a_line_that_says_why(
    small: Broker, make_peer: Callable[..., Peer], caplog: pytest.LogCaptureFixture
) -> None:
    small.core.config = replace(small.core.config, request_timeout_ms=1)
    small.core.request_memory.try_hold("somebody", 2 * MEBIBYTE)
    flushes: list[int] = []
    borrowed = BorrowedMemory(small.core, make_peer(), lambda: flushes.append(1))
    with caplog.at_level(logging.WARNING), pytest.raises(PeerGoneError, match="no room for 1000 bytes"):
        borrowed.hold(1000)
    assert flushes == [1]
    (line,) = [record.getMessage() for record in caplog.records]
    assert "request.memory.max.bytes=2097152" in line
    borrowed.close()
    assert small.core.request_memory.held_bytes == 2 * MEBIBYTE


def test_silence_is_limited_only_for_who_holds_memory(small: Broker, make_peer: Callable[..., Peer]) -> None:
    borrowed = BorrowedMemory(small.core, make_peer(), lambda: None)
    idle = Deadline(600)
    assert borrowed.limit(idle) is idle
    borrowed.hold(1000)
    for deadline in (idle, Deadline(None)):
        assert (borrowed.limit(deadline).remaining_s() or 1) <= 1.0
    assert (borrowed.limit(Deadline(0.1)).remaining_s() or 1) <= 0.1
    borrowed.close()
    assert small.core.request_memory.held_bytes == 0
