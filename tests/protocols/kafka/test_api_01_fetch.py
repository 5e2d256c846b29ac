"""quekka.protocols.kafka.api_01_fetch: examples, byte for byte."""

from typing import Any

import pytest

from quekka.errors import InvalidRequestError
from quekka.protocols.kafka import api_01_fetch
from quekka.protocols.kafka.api_01_fetch import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ForgottenTopic,
    read_request,
)

EXAMPLES = [
    pytest.param(
        4,
        FetchRequest(
            max_wait_ms=500,
            min_bytes=1,
            max_bytes=57671680,
            isolation_level=1,
            topics=(
                FetchTopic(
                    topic="logs",
                    partitions=(FetchPartition(partition=2, fetch_offset=1000, partition_max_bytes=1048576),),
                ),
            ),
        ),
        (
            b"\xff\xff\xff\xff\x00\x00\x01\xf4\x00\x00\x00\x01\x03p\x00\x00\x01\x00\x00\x00\x01\x00"
            b"\x04logs\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x10\x00"
            b"\x00"
        ),
        id="request-4",
    ),
    pytest.param(
        12,
        FetchRequest(
            cluster_id="CAFEBABE",
            max_wait_ms=500,
            min_bytes=1,
            max_bytes=57671680,
            isolation_level=1,
            topics=(
                FetchTopic(
                    topic="logs",
                    partitions=(
                        FetchPartition(
                            partition=2,
                            current_leader_epoch=0,
                            fetch_offset=1000,
                            last_fetched_epoch=1,
                            log_start_offset=0,
                            partition_max_bytes=1048576,
                        ),
                    ),
                ),
            ),
            forgotten_topics_data=(ForgottenTopic(topic="logs", partitions=(1,)),),
            rack_id="r1",
        ),
        (
            b"\xff\xff\xff\xff\x00\x00\x01\xf4\x00\x00\x00\x01\x03p\x00\x00\x01\x00\x00\x00\x00\xff"
            b"\xff\xff\xff\x02\x05logs\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
            b"\x03\xe8\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x02"
            b"\x05logs\x02\x00\x00\x00\x01\x00\x03r1\x01\x00\t\tCAFEBABE"
        ),
        id="request-12",
    ),
]


@pytest.mark.parametrize(("version", "message", "body"), EXAMPLES)
def test_a_message_is_these_bytes(wire: Any, version: int, message: Any, body: bytes) -> None:
    assert wire.encode(1, version, message) == body
    assert wire.decode(1, version, type(message), body) == message


@pytest.mark.parametrize("version", range(4, 13))
@pytest.mark.parametrize("count", [0, 1, 5])
def test_several_topics_and_partitions_are_read_in_order(wire: Any, version: int, count: int) -> None:
    """The order says which partition is served first when there is too much for one response."""
    partitions = tuple(
        FetchPartition(index, fetch_offset=2**40 + index, partition_max_bytes=100) for index in range(count)
    )
    request = FetchRequest(
        max_wait_ms=500, topics=tuple(FetchTopic(name, partitions) for name in ("b", "a", "ü" * 200))
    )
    assert read_request(wire.encode(1, version, request), version) == request


@pytest.mark.parametrize("version", range(7, 13))
@pytest.mark.parametrize("topics", [1, 3])
def test_forgotten_topics_are_read_by_hand(
    wire: Any, monkeypatch: pytest.MonkeyPatch, version: int, topics: int
) -> None:
    """A consumer forgets, for a while, the partitions of which it has records that were not polled yet."""
    monkeypatch.setattr(api_01_fetch, "_read_compiled", None)
    forgotten = tuple(ForgottenTopic("ü" * number, tuple(range(number))) for number in range(1, topics + 1))
    request = FetchRequest(session_id=9, session_epoch=4, forgotten_topics_data=forgotten)
    assert read_request(wire.encode(1, version, request), version) == request


def test_tagged_fields_and_forgotten_topics_are_read_too(wire: Any) -> None:
    request = FetchRequest(
        cluster_id="c",
        session_id=9,
        topics=(FetchTopic("logs", (FetchPartition(1),)),),
        forgotten_topics_data=(ForgottenTopic("old", (1, 2)),),
        rack_id="r1",
    )
    assert read_request(wire.encode(1, 12, request), 12) == request


def test_a_tagged_field_of_a_partition_from_the_future_is_passed_over(wire: Any) -> None:
    request = FetchRequest(topics=(FetchTopic("logs", (FetchPartition(1), FetchPartition(2))),))
    body = wire.encode(1, 12, request)
    partition = b"\xff\xff\xff\xff" + bytes(8) + b"\xff" * 12 + bytes(4) + b"\x00"
    assert body.count(partition) == 2
    tagged = body.replace(partition, partition[:-1] + b"\x01\x05\x02ab")
    assert read_request(tagged, 12) == request


@pytest.mark.parametrize(
    ("version", "body", "problem"),
    [
        (4, bytes(17) + b"\xff\xff\xff\xff", "FetchRequest.topics at byte 21: an array of -1 elements"),
        (11, bytes(24), "session_id, session_epoch at byte 0: the message ends inside"),
        (
            12,
            bytes(25) + b"\x02\x02a\x03" + bytes(40),
            "FetchTopic.partitions at byte 29: an array of 2 elements",
        ),
    ],
)
def test_a_malformed_request_names_field_and_byte(version: int, body: bytes, problem: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_request(body, version)
    assert problem in str(caught.value)
