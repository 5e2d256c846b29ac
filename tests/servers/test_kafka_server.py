"""The loop of a Kafka connection over real sockets: order, hostile input, the end."""

import logging
import struct
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from broker_helpers import batch_of, publish
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.errors import KafkaStorageError, UnknownTopicOrPartitionError, UnsupportedVersionError
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.api_01_fetch import FetchPartition, FetchRequest, FetchTopic
from quekka.protocols.kafka.api_02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from quekka.protocols.kafka.api_03_metadata import MetadataRequest
from quekka.protocols.kafka.api_19_create_topics import CreatableTopic, CreateTopicsRequest
from quekka.protocols.kafka.api_keys import APIS
from quekka.protocols.kafka.codec import encode_request
from quekka.protocols.kafka.connection import KafkaConnection
from quekka.protocols.kafka.framing import RequestHeader
from quekka.servers import kafka_handlers, kafka_server, peer

PRODUCE, FETCH, LIST_OFFSETS, METADATA = range(4)
API_VERSIONS, CREATE_TOPICS = 18, 19
OpenWire = Callable[[Broker], KafkaWire]
LONG_MS = 30_000


@pytest.fixture
def open_wire() -> Iterator[OpenWire]:
    """Connect to any broker; closed at the end of the test."""
    wires: list[KafkaWire] = []

    def connect(broker: Broker) -> KafkaWire:
        wires.append(KafkaWire(broker.host, broker.port))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.close()


@pytest.fixture
def wire(broker: Broker, open_wire: OpenWire) -> KafkaWire:
    return open_wire(broker)


def produce_request(value: bytes, topic: str = "orders") -> ProduceRequest:
    data = PartitionProduceData(0, memoryview(batch_of([value], 1_700_000_000_000)))
    return ProduceRequest(None, -1, 1000, [TopicProduceData(topic, [data])])


def fetch_request(offset: int, max_wait_ms: int = 0) -> FetchRequest:
    wanted = FetchPartition(0, fetch_offset=offset, partition_max_bytes=1 << 20)
    return FetchRequest(max_wait_ms=max_wait_ms, min_bytes=1, topics=[FetchTopic("orders", [wanted])])


LATEST = ListOffsetsRequest(-1, 0, [ListOffsetsTopic("orders", [ListOffsetsPartition(0, -1, -1)])])


def test_a_request_sees_what_was_pipelined_before_it(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    for number in range(5):
        wire.send(PRODUCE, 9, produce_request(b"%d" % number))
        wire.send(LIST_OFFSETS, 7, LATEST)
    for number in range(5):
        assert wire.receive().responses[0].partition_responses[0].base_offset == number
        assert wire.receive().topics[0].partitions[0].offset == number + 1


def test_a_request_may_come_byte_by_byte(wire: KafkaWire) -> None:
    frame = encode_request(RequestHeader(METADATA, 12, 5, "slow"), MetadataRequest(None))
    for byte in frame:
        wire.send_bytes(bytes((byte,)))
    assert wire.receive_frame()[:4] == struct.pack(">i", 5)


def test_a_fetch_that_waits_sends_what_was_answered_before_it(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    wire.send(METADATA, 9, MetadataRequest(None))
    wire.send(FETCH, 11, fetch_request(0, LONG_MS))
    assert wire.receive().topics[0].name == "orders"
    publish(broker.core, "orders", b"there")
    assert bytes(wire.receive().responses[0].partitions[0].records)


def test_a_stop_answers_the_fetch_that_waits_and_ends_idle_connections(
    broker: Broker, wire: KafkaWire, open_wire: OpenWire
) -> None:
    broker.core.topics.create("orders")
    idle = open_wire(broker)
    idle.ask(METADATA, 9, MetadataRequest(None))
    wire.send(FETCH, 11, fetch_request(0, LONG_MS))
    stop = threading.Thread(target=broker.stop)
    stop.start()
    assert wire.receive().responses[0].partitions[0].error_code == 0
    assert wire.is_closed()
    assert idle.is_closed()
    stop.join()


HOSTILE = {
    "size_of_nothing": (struct.pack(">i", 0), "a frame of 0 bytes"),
    "size_beyond_all": (struct.pack(">i", 0x07FFFFFF), "a frame of 134217727 bytes"),
    "unknown_key": (struct.pack(">ihhih", 10, 99, 0, 1, -1), "api key 99 version 0 is not served"),
    "unknown_version": (struct.pack(">ihhih", 10, METADATA, 99, 1, -1), "Metadata version 99 is not served"),
    "old_version": (struct.pack(">ihhih", 10, FETCH, 3, 1, -1), "Fetch version 3 is not served, 4 to 12 are"),
    "client_id_too_long": (struct.pack(">ihhih", 10, METADATA, 1, 1, 500), "request header at byte"),
    "body_cut": (struct.pack(">ihhih", 10, METADATA, 1, 1, -1), "MetadataRequest.topics at byte 0"),
    "a_million_topics": (
        struct.pack(">ihhihi", 14, METADATA, 1, 1, -1, 999_999),
        "an array of 999999 elements",
    ),
    "negative_array": (
        struct.pack(">ihhihi", 14, METADATA, 1, 1, -1, -7),
        "an array of -7 elements",
    ),
}


@pytest.mark.parametrize(("data", "words"), HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_served_closes_with_one_line_that_says_who_and_why(
    broker: Broker, wire: KafkaWire, caplog: pytest.LogCaptureFixture, data: bytes, words: str
) -> None:
    wire.ask(METADATA, 1, MetadataRequest(()))
    with caplog.at_level(logging.WARNING, "quekka.servers"):
        wire.send_bytes(data)
        assert wire.is_closed()
    (line,) = [record.getMessage() for record in caplog.records]
    assert words in line
    assert line.count("client id") == 1
    assert line.startswith("{}:{}".format(*wire.socket.getsockname()))


def test_a_client_that_tries_a_newer_api_versions_first_is_nothing_to_warn_of(
    wire: KafkaWire, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "quekka"):
        wire.send_bytes(struct.pack(">ihhih", 10, API_VERSIONS, 99, 5, -1))
        size_bytes, correlation_id, error_code = struct.unpack(">iih", wire.socket.recv(10))
        assert (correlation_id, error_code) == (5, UnsupportedVersionError.number)
        rest = size_bytes - 6
        while rest:
            rest -= len(wire.socket.recv(rest))
        assert wire.ask(METADATA, 1, MetadataRequest(())).brokers
    assert not caplog.records


def test_requests_before_the_bad_one_are_answered(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    wire.send(PRODUCE, 9, produce_request(b"good"))
    wire.send_bytes(struct.pack(">ihhih", 10, 99, 0, 1, -1))
    assert wire.receive().responses[0].partition_responses[0].base_offset == 0
    assert wire.is_closed()


def test_a_frame_larger_than_allowed_is_refused(
    start_broker: Callable[..., Broker], open_wire: OpenWire, caplog: pytest.LogCaptureFixture
) -> None:
    wire = open_wire(start_broker({"socket.request.max.bytes": "2000"}))
    wire.ask(METADATA, 1, MetadataRequest(()))
    wire.send_bytes(struct.pack(">i", 2001))
    assert wire.is_closed()


def test_an_end_in_the_middle_of_a_request_ends_the_connection(
    wire: KafkaWire, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "quekka.servers"):
        wire.send_bytes(struct.pack(">ihh", 100, METADATA, 9))
        wire.socket.shutdown(1)
        assert wire.is_closed()
    assert "in the middle of a request" in caplog.text


def test_half_a_request_is_not_waited_for_longer_than_a_peer_may_be_idle(
    start_broker: Callable[..., Broker], open_wire: OpenWire
) -> None:
    wire = open_wire(start_broker({"connections.max.idle.ms": "50"}))
    wire.send_bytes(struct.pack(">ihh", 100, METADATA, 9))
    assert wire.is_closed()


def test_an_api_without_a_handler_is_not_served_and_said_so(
    wire: KafkaWire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fewer = {key: name for key, name in kafka_handlers.HANDLER_NAMES.items() if key != METADATA}
    monkeypatch.setattr(kafka_server, "HANDLER_NAMES", fewer)
    with caplog.at_level(logging.WARNING, "quekka.servers"):
        wire.send(METADATA, 9, MetadataRequest(None))
        assert wire.is_closed()
    assert "Metadata is not served" in caplog.text


def test_a_fault_of_the_broker_closes_the_connection_and_is_logged_with_its_place(
    broker: Broker, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(broker.core.topics, "all", fail)
    wire.send(METADATA, 9, MetadataRequest(None))
    assert wire.is_closed()
    assert "RuntimeError: a fault" in caplog.text
    assert "client id 'wire'" in caplog.text


def test_every_row_of_the_table_has_its_function() -> None:
    for key in kafka_handlers.HANDLER_NAMES:
        assert callable(kafka_handlers.handler_for(key))
    assert kafka_handlers.served_apis() == list(APIS)


def test_counts_are_reported(broker: Broker, open_wire: OpenWire) -> None:
    before = broker.core.metrics.snapshot()
    wire = open_wire(broker)
    wire.ask(METADATA, 9, MetadataRequest(None))
    wire.ask(FETCH, 11, fetch_request(0))
    wire.close()
    wire = open_wire(broker)
    wire.ask(METADATA, 9, MetadataRequest(None))
    after = broker.core.metrics.snapshot()
    assert after["requests"] >= before["requests"] + 2
    assert after["errors"] >= before["errors"] + 1
    assert after["bytes_in"] > before["bytes_in"]
    assert after["bytes_out"] > before["bytes_out"]


def test_a_response_is_counted_before_the_client_has_it(broker: Broker, wire: KafkaWire) -> None:
    broker.core.topics.create("orders")
    publish(broker.core, "orders", b"there")
    wire.ask(METADATA, 9, MetadataRequest(None))
    for request in (fetch_request(0), fetch_request(1)):
        before = broker.core.metrics.snapshot()
        wire.send(FETCH, 11, request)
        frame = wire.receive_frame()
        after = broker.core.metrics.snapshot()
        assert after["requests"] == before["requests"] + 1
        assert after["bytes_out"] == before["bytes_out"] + 4 + len(frame)


def test_an_idle_connection_keeps_no_memory_of_its_last_request(
    broker: Broker, open_wire: OpenWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.core.topics.create("orders")
    bodies: list[weakref.ref[memoryview]] = []
    still_lent: list[int] = []
    released = threading.Event()
    decode, release = kafka_server.decode_request, KafkaConnection.release

    def note_body(api_key: int, version: int, body: memoryview) -> Any:
        bodies.append(weakref.ref(body))
        return decode(api_key, version, body)

    def note_release(connection: KafkaConnection) -> None:
        release(connection)
        if bodies:
            still_lent.append(len(connection._pool._lent))
            released.set()

    monkeypatch.setattr(peer, "QUIET_S", 0.01)
    monkeypatch.setattr(kafka_server, "decode_request", note_body)
    monkeypatch.setattr(KafkaConnection, "release", note_release)
    open_wire(broker).ask(PRODUCE, 9, produce_request(b"x" * 40_000))
    assert released.wait(LONG_MS / 1000)
    assert [body() for body in bodies] == [None]
    assert set(still_lent) == {0}


def test_an_error_without_a_place_in_the_version_closes_the_connection(
    broker: Broker, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise KafkaStorageError("no disk")

    monkeypatch.setattr(kafka_server, "handler_for", lambda _: fail)
    assert wire.ask(FETCH, 7, fetch_request(0)).error_code == KafkaStorageError.number
    wire.send(FETCH, 6, fetch_request(0))
    assert wire.is_closed()
    assert "no disk" in caplog.text


@pytest.mark.parametrize("name", ["a" * 32_767, "\x01" * 20_000, "\U0001f600" * 8_000])
def test_a_name_of_any_length_is_refused_with_an_answer(wire: KafkaWire, name: str) -> None:
    (topic,) = wire.ask(PRODUCE, 8, produce_request(b"x", name)).responses
    assert topic.partition_responses[0].error_code == UnknownTopicOrPartitionError.number
    request = CreateTopicsRequest([CreatableTopic(name, 1, 3)])
    assert wire.ask(CREATE_TOPICS, 2, request).topics[0].error_code
