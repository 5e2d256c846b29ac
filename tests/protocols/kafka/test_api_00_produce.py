"""quekka.protocols.kafka.api_00_produce: examples, byte for byte."""

from typing import Any

import pytest

from quekka.errors import InvalidRequestError
from quekka.protocols.kafka.api_00_produce import (
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
    read_request,
    refusal,
)

EXAMPLES = [
    pytest.param(
        3,
        ProduceRequest(
            transactional_id="t-1",
            acks=-1,
            timeout_ms=30000,
            topic_data=(
                TopicProduceData(
                    name="logs", partition_data=(PartitionProduceData(index=2, records=b"RECORDS"),)
                ),
            ),
        ),
        (
            b"\x00\x03t-1\xff\xff\x00\x00u0\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00"
            b"\x02\x00\x00\x00\x07RECORDS"
        ),
        id="request-3",
    ),
    pytest.param(
        11,
        ProduceRequest(
            transactional_id="t-1",
            acks=-1,
            timeout_ms=30000,
            topic_data=(
                TopicProduceData(
                    name="logs", partition_data=(PartitionProduceData(index=2, records=b"RECORDS"),)
                ),
            ),
        ),
        b"\x04t-1\xff\xff\x00\x00u0\x02\x05logs\x02\x00\x00\x00\x02\x08RECORDS\x00\x00\x00",
        id="request-11",
    ),
    pytest.param(
        3,
        ProduceResponse(
            responses=(
                TopicProduceResponse(
                    name="logs",
                    partition_responses=(
                        PartitionProduceResponse(index=2, base_offset=1000, log_append_time_ms=1),
                    ),
                ),
            )
        ),
        (
            b"\x00\x00\x00\x01\x00\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00"
            b"\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"
        ),
        id="response-3",
    ),
    pytest.param(
        11,
        ProduceResponse(
            responses=(
                TopicProduceResponse(
                    name="logs",
                    partition_responses=(
                        PartitionProduceResponse(
                            index=2,
                            base_offset=1000,
                            log_append_time_ms=1,
                            log_start_offset=0,
                            record_errors=(BatchIndexAndErrorMessage(batch_index_error_message="no key"),),
                            error_message="no such thing",
                            current_leader=LeaderIdAndEpoch(leader_id=1, leader_epoch=0),
                        ),
                    ),
                ),
            ),
            node_endpoints=(NodeEndpoint(node_id=1, host="localhost", port=9092, rack="r1"),),
        ),
        (
            b"\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00"
            b"\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x07no key\x00"
            b"\x0eno such thing\x01\x00\t\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
            b"\x01\x00\x17\x02\x00\x00\x00\x01\nlocalhost\x00\x00#\x84\x03r1\x00"
        ),
        id="response-11",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(0, version, message) == body
    assert wire.decode(0, version, type(message), body) == message


@pytest.mark.parametrize("version", range(12))
def test_records_are_slices_of_the_body(wire: Any, version: int) -> None:
    request = ProduceRequest(
        None, 1, 30_000, [TopicProduceData("logs", [PartitionProduceData(2, b"RECORDS")])]
    )
    body = bytearray(wire.encode(0, version, request))
    (topic,) = read_request(body, version).topic_data
    (partition,) = topic.partition_data
    assert partition.records == b"RECORDS"
    partition.records[:] = b"records"
    assert b"records" in body


@pytest.mark.parametrize("version", range(12))
@pytest.mark.parametrize("count", [0, 1, 3])
def test_several_topics_and_partitions_are_read_in_order(wire: Any, version: int, count: int) -> None:
    topics = tuple(
        TopicProduceData(
            name, tuple(PartitionProduceData(index, bytes([index]) * 1000 * index) for index in range(count))
        )
        for name in ("a", "x" * 126, "größe" * 40)
    )
    request = ProduceRequest(None, 1, 30_000, topics)
    assert read_request(wire.encode(0, version, request), version) == request


@pytest.mark.parametrize("version", [3, 9])
def test_null_records_are_none(wire: Any, version: int) -> None:
    request = ProduceRequest(None, 1, 30_000, (TopicProduceData("logs", (PartitionProduceData(2, None),)),))
    assert read_request(wire.encode(0, version, request), version) == request


def test_tagged_fields_from_the_future_are_passed_over() -> None:
    tagged = b"\x01\x07\x03abc"
    body = b"\x00\xff\xff\x00\x00u0\x02\x05logs\x02\x00\x00\x00\x02\x08RECORDS" + tagged * 3
    (topic,) = read_request(body, 11).topic_data
    assert topic == TopicProduceData("logs", (PartitionProduceData(2, b"RECORDS"),))


@pytest.mark.parametrize(
    ("version", "body", "problem"),
    [
        (3, b"\xff\xff\x00\x01" + bytes(2), "acks, timeout_ms at byte 2: the message ends inside"),
        (3, b"\xff\xff\x00\x01" + bytes(4) + b"\xff" * 4, "topic_data at byte 12: an array of -1 elements"),
        (
            3,
            b"\xff\xff\x00\x01"
            + bytes(7)
            + b"\x01\x00\x01a"
            + bytes(3)
            + b"\x01"
            + bytes(4)
            + b"\x00\x00\x00\x09R",
            "PartitionProduceData.records at byte 23: a length of 9, and 1 bytes are left",
        ),
        (
            9,
            b"\x00\x00\x01" + bytes(4) + b"\x02\x02a\x02" + bytes(4) + b"\x09R",
            "records at byte 15: a length of 8",
        ),
    ],
)
def test_a_malformed_request_names_field_and_byte(version: int, body: bytes, problem: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_request(body, version)
    assert problem in str(caught.value)


def test_a_refusal_names_every_partition() -> None:
    topics = [
        TopicProduceData("a", [PartitionProduceData(0), PartitionProduceData(5)]),
        TopicProduceData("b"),
    ]
    response = refusal(ProduceRequest(None, 1, 0, topics))
    assert [topic.name for topic in response.responses] == ["a", "b"]
    assert [part.index for part in response.responses[0].partition_responses] == [0, 5]
    assert all(part.error_code == 35 for part in response.responses[0].partition_responses)
