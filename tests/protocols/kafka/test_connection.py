"""quekka.protocols.kafka.connection: frames in any pieces, and what no frame should be."""

import tracemalloc

import pytest

from quekka.errors import InvalidRequestError, UnsupportedVersionError
from quekka.protocols.kafka import codec
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.api_03_metadata import MetadataRequest, MetadataRequestTopic
from quekka.protocols.kafka.api_12_heartbeat import HeartbeatRequest
from quekka.protocols.kafka.api_keys import API_VERSIONS, APIS, PRODUCE
from quekka.protocols.kafka.connection import INLINE_BYTES_MAX, Event, KafkaConnection, Refused, Request
from quekka.protocols.kafka.framing import RequestHeader

MAX_BYTES = 1024 * 1024
HEARTBEAT = bytes(
    codec.encode_request(RequestHeader(12, 4, 1, "me"), HeartbeatRequest("readers", 3, "m-1", None))
)
METADATA = bytes(
    codec.encode_request(RequestHeader(3, 1, 2, None), MetadataRequest([MetadataRequestTopic(name="logs")]))
)


def produce(version: int, records: bytes, acks: int = -1, correlation_id: int = 3) -> bytes:
    topic = TopicProduceData("logs", [PartitionProduceData(0, records), PartitionProduceData(1, b"")])
    request = ProduceRequest(None, acks, 30_000, [topic])
    return bytes(codec.encode_request(RequestHeader(PRODUCE, version, correlation_id, "me"), request))


def feed(data: bytes) -> list[Event]:
    return KafkaConnection(MAX_BYTES).feed(data)


def refused(data: bytes) -> Refused:
    (event,) = feed(data)
    assert isinstance(event, Refused)
    return event


STREAM = HEARTBEAT + METADATA + produce(9, b"r" * 3000) + HEARTBEAT


def test_a_stream_is_cut_into_requests() -> None:
    first, second, third, _ = feed(STREAM)
    assert isinstance(first, Request)
    assert first[:4] == (12, 4, 1, "me")
    assert codec.decode_request(12, 4, first.body) == HeartbeatRequest("readers", 3, "m-1", None)
    assert isinstance(second, Request)
    assert second[:4] == (3, 1, 2, None)
    assert isinstance(third, Request)
    produced = codec.decode_request(PRODUCE, 9, third.body)
    assert produced.topic_data[0].partition_data[0].records == b"r" * 3000


@pytest.mark.parametrize("piece_bytes", [1, 3, 7, 64, 1000])
def test_the_requests_are_the_same_however_the_stream_is_cut(piece_bytes: int) -> None:
    connection = KafkaConnection(MAX_BYTES)
    events: list[Event] = []
    for start in range(0, len(STREAM), piece_bytes):
        events += connection.feed(STREAM[start : start + piece_bytes])
    assert events == feed(STREAM)
    assert not connection.in_frame


@pytest.mark.parametrize("size_bytes", [INLINE_BYTES_MAX - 100, INLINE_BYTES_MAX + 1, 900_000])
def test_a_large_frame_is_received_whole_between_small_ones(size_bytes: int) -> None:
    records = bytes(range(256)) * (size_bytes // 256)
    events = feed(HEARTBEAT + produce(7, records) + METADATA)
    assert [event.api_key for event in events if isinstance(event, Request)] == [12, 0, 3]
    request = codec.decode_request(PRODUCE, 7, events[1].body)  # type: ignore[union-attr]
    assert request.topic_data[0].partition_data[0].records == records


def test_a_body_is_writable_and_shares_the_connections_memory() -> None:
    """A batch gets its base offset in place."""
    connection = KafkaConnection(MAX_BYTES)
    frame = produce(7, b"batch")
    connection.get_buffer()[: len(frame)] = frame
    (event,) = connection.buffer_updated(len(frame))
    assert isinstance(event, Request)
    records = codec.decode_request(PRODUCE, 7, event.body).topic_data[0].partition_data[0].records
    records[:] = b"BATCH"
    assert b"BATCH" in bytes(event.body)


@pytest.mark.parametrize("size_bytes", [100, 200_000])
def test_the_records_of_a_produce_request_stay_true_until_they_are_reclaimed(size_bytes: int) -> None:
    connection = KafkaConnection(MAX_BYTES)
    bodies = []
    for number in range(5):
        frame = produce(7, bytes([number]) * size_bytes)
        position = 0
        while position < len(frame):
            space = connection.get_buffer()
            piece = frame[position : position + len(space)]
            space[: len(piece)] = piece
            position += len(piece)
            bodies += [event.body for event in connection.buffer_updated(len(piece))]  # type: ignore[union-attr]
    found = [
        codec.decode_request(PRODUCE, 7, body).topic_data[0].partition_data[0].records for body in bodies
    ]
    assert found == [bytes([number]) * size_bytes for number in range(5)]
    connection.reclaim()
    connection.release()


@pytest.mark.parametrize("size", [-1, -(2**31), 0, 7, MAX_BYTES + 1, 2**31 - 1])
def test_a_size_that_cannot_be_is_refused_before_memory_is_found_for_it(size: int) -> None:
    connection = KafkaConnection(MAX_BYTES)
    tracemalloc.start()
    (event,) = connection.feed(size.to_bytes(4, signed=True) + b"1234")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(event, Refused)
    assert isinstance(event.error, InvalidRequestError)
    assert f"a frame of {size} bytes, 8 to {MAX_BYTES} are allowed" in str(event.error)
    assert event.closes
    assert connection.closed
    assert connection.feed(HEARTBEAT) == []
    assert peak_bytes < 100_000


def test_a_frame_that_is_announced_and_does_not_come_takes_no_memory() -> None:
    connection = KafkaConnection(100 * MAX_BYTES)
    tracemalloc.start()
    assert connection.feed((90 * MAX_BYTES).to_bytes(4) + bytes(100)) == []
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert connection.in_frame
    assert peak_bytes < 3 * MAX_BYTES


@pytest.mark.parametrize(
    ("data", "hint"), [(b"GET / HTTP/1.1\r\n", "looks like text: 'GET '"), (b"\x16\x03\x01\x02\x00", "TLS")]
)
def test_who_speaks_something_else_is_told_in_the_log(data: bytes, hint: str) -> None:
    assert hint in str(refused(data).error)


def test_requests_before_a_bad_frame_are_served() -> None:
    events = feed(HEARTBEAT + METADATA + b"\xff\xff\xff\xff" + HEARTBEAT)
    assert [type(event) for event in events] == [Request, Request, Refused]


@pytest.mark.parametrize(
    "header",
    [b"\x00\x0c\x00\x04\x00\x00\x00\x01", b"\x00\x0c\x00\x04\x00\x00\x00\x01\x7f\xffab"],
    ids=["no-client-id", "long-client-id"],
)
def test_a_header_that_is_cut_closes(header: bytes) -> None:
    event = refused(len(header).to_bytes(4) + header)
    assert isinstance(event.error, InvalidRequestError)
    assert event.closes
    assert not event.reply


def unserved(api_key: int, version: int, body: bytes = b"") -> bytes:
    frame = api_key.to_bytes(2) + version.to_bytes(2) + b"\x00\x00\x00\x05\x00\x02me" + body
    return len(frame).to_bytes(4) + frame


@pytest.mark.parametrize(
    ("api_key", "version", "message"),
    [
        (71, 0, "api key 71 version 0 is not served"),
        (1, 3, "Fetch version 3 is not served, 4 to 12 are"),
        (1, 13, "Fetch version 13 is not served"),
        (0, 12, "Produce version 12 is not served, 3 to 11 are"),
    ],
)
def test_what_is_not_served_closes_and_is_named(api_key: int, version: int, message: str) -> None:
    event = refused(unserved(api_key, version))
    with pytest.raises((InvalidRequestError, UnsupportedVersionError), match=message):
        raise event.error
    assert event.closes
    assert event.header is not None
    assert event.header == (api_key, version, 5, "me")
    assert not event.reply


@pytest.mark.parametrize("version", [5, 99, 32767])
def test_an_unknown_api_versions_version_is_answered_in_version_0_with_the_list(version: int) -> None:
    connection = KafkaConnection(MAX_BYTES)
    event, after = connection.feed(unserved(API_VERSIONS, version, b"\x00anything") + HEARTBEAT)
    assert isinstance(event, Refused)
    assert not event.closes
    assert isinstance(after, Request)
    assert int.from_bytes(event.reply[:4]) == len(event.reply) - 4
    correlation_id, response = codec.decode_response(API_VERSIONS, 0, event.reply[4:])
    assert correlation_id == 5
    assert response.error_code == 35
    listed = [(row.api_key, row.min_version, row.max_version) for row in response.api_keys]
    assert listed == [(api.key, *api.versions) for api in APIS]


@pytest.mark.parametrize("version", [0, 1, 2])
def test_an_old_produce_request_is_answered_for_each_partition(version: int) -> None:
    event, after = feed(produce(version, b"old", correlation_id=77) + HEARTBEAT)
    assert isinstance(event, Refused)
    assert isinstance(after, Request)
    correlation_id, response = codec.decode_response(PRODUCE, version, event.reply[4:])
    assert correlation_id == 77
    (topic,) = response.responses
    assert topic.name == "logs"
    assert [(part.index, part.error_code) for part in topic.partition_responses] == [(0, 35), (1, 35)]


def test_an_old_produce_request_that_wants_no_answer_closes() -> None:
    assert refused(produce(2, b"old", acks=0)).closes


def test_an_old_produce_request_that_cannot_be_understood_closes() -> None:
    event = refused(unserved(PRODUCE, 1, b"\x00"))
    assert event.closes
    assert not event.reply


def test_memory_of_a_burst_is_given_back() -> None:
    connection = KafkaConnection(MAX_BYTES)
    connection.feed(HEARTBEAT * 20_000)
    connection.reclaim()
    connection.release()
    assert len(connection.get_buffer()) <= 4096
    assert connection.feed(HEARTBEAT)
