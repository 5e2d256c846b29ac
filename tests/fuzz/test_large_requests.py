"""Requests that name 100,000 things, and lengths that promise more than comes: each costs what it says, once.

The broker answers for every partition or topic that was named, or hangs up; others are served meanwhile.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka_wire import KafkaWire
from memory_watch import MemoryWatch
from quekkad_process import QuekkadProcess
from wire_client import WireClient

from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.protocols.kafka.api_01_fetch import FetchPartition, FetchRequest, FetchTopic
from quekka.protocols.kafka.api_02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from quekka.protocols.kafka.api_03_metadata import MetadataRequest, MetadataRequestTopic
from quekka.protocols.kafka.api_09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from quekka.protocols.kafka.api_18_api_versions import ApiVersionsRequest
from quekka.protocols.kafka.api_19_create_topics import CreatableTopic, CreateTopicsRequest
from quekka.protocols.kafka.api_20_delete_topics import DeleteTopicsRequest, DeleteTopicState
from quekka.protocols.kafka.api_37_create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from quekka.protocols.kafka.codec import encode_request
from quekka.protocols.kafka.framing import RequestHeader, begin_request, finish

MANY = 100_000
GROWTH_BYTES_MAX = 224 << 20
"""100,000 answers as values and as bytes; about two kilobytes for each thing that was named."""
INT32_MAX = 2**31 - 1
POLICY_VIOLATION = 44


def _produce() -> ProduceRequest:
    nothing = memoryview(bytes(70))
    return ProduceRequest(
        None, -1, 1000, [TopicProduceData("t", [PartitionProduceData(n, nothing) for n in range(MANY)])]
    )


def _fetch() -> FetchRequest:
    places = [FetchPartition(n, fetch_offset=0, partition_max_bytes=1000) for n in range(MANY)]
    return FetchRequest(max_wait_ms=1000, min_bytes=1, topics=[FetchTopic("t", places)])


def _list_offsets() -> ListOffsetsRequest:
    places = [ListOffsetsPartition(partition_index=number, timestamp=-1) for number in range(MANY)]
    return ListOffsetsRequest(topics=[ListOffsetsTopic("t", places)])


def _offset_fetch() -> OffsetFetchRequest:
    topics = [OffsetFetchRequestTopics("t", list(range(MANY)))]
    return OffsetFetchRequest(groups=[OffsetFetchRequestGroup("team", topics=topics)])


REQUESTS: dict[str, tuple[int, int, Callable[[], Any]]] = {
    "Produce": (0, 9, _produce),
    "Fetch": (1, 11, _fetch),
    "ListOffsets": (2, 7, _list_offsets),
    "Metadata": (3, 12, lambda: MetadataRequest([MetadataRequestTopic(name=f"no{n}") for n in range(MANY)])),
    "Metadata of one": (3, 12, lambda: MetadataRequest([MetadataRequestTopic(name="t")] * MANY)),
    "OffsetFetch": (9, 8, _offset_fetch),
    "CreateTopics": (
        19,
        7,
        lambda: CreateTopicsRequest([CreatableTopic(f"n{n}", 1, 3) for n in range(MANY)], 1000),
    ),
    "DeleteTopics": (20, 6, lambda: DeleteTopicsRequest([DeleteTopicState(f"no{n}") for n in range(MANY)])),
    "CreatePartitions": (
        37,
        3,
        lambda: CreatePartitionsRequest([CreatePartitionsTopic(f"no{n}", 2) for n in range(MANY)], 1000),
    ),
}

PROMISES = {
    "topics of Metadata": (3, 8, struct.pack(">i", INT32_MAX)),
    "as many as are allowed": (3, 8, struct.pack(">i", 1_000_000)),
    "a negative number": (3, 8, struct.pack(">i", -7)),
    "compact topics of Metadata": (3, 12, b"\xff\xff\xff\xff\x0f"),
    "a varint without end": (3, 12, b"\xff" * 40),
    "topics of Fetch": (1, 11, bytes(25) + struct.pack(">i", INT32_MAX)),
    "partitions of Fetch": (1, 11, bytes(25) + struct.pack(">ihi", 1, 0, INT32_MAX)),
    "topics of Produce": (0, 7, b"\xff\xff" + struct.pack(">hii", -1, 1, INT32_MAX)),
    "records of Produce": (0, 7, b"\xff\xff" + struct.pack(">hiihiii", -1, 1, 1, 0, 1, 0, INT32_MAX)),
    "a string of Metadata": (3, 8, struct.pack(">ih", 1, 0x7FFF)),
    "tagged fields": (18, 3, b"\x01\x01\xff\xff\xff\xff\x0f"),
    "a tagged field": (18, 3, b"\x01\x01\x01\x00\xff\xff\xff\xff\x0f"),
}
"""Key, version and a body that promises more than it has."""


@pytest.fixture
def process(quekkad: Callable[..., QuekkadProcess]) -> Iterator[QuekkadProcess]:
    process = quekkad(
        "--set=max.partitions=1000",
        "--set=auto.create.topics.enable=false",
        env={"MALLOC_MMAP_THRESHOLD_": str(1 << 20)},
    )
    with WireClient(process.host, process.port) as client:
        assert client.ask("CREATE t partitions=2") == "+OK t"
    yield process
    with WireClient(process.host, process.port) as client:
        assert client.ask("INFO t").split(" ")[:2] == ["+OK", "topic=t"]
    assert "Traceback" not in process.log()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_names_a_hundred_thousand_is_answered_within_bounds(
    process: QuekkadProcess, name: str
) -> None:
    api_key, version, make = REQUESTS[name]
    frame = encode_request(RequestHeader(api_key, version, 0, "large"), make())
    with (
        KafkaWire(process.host, process.port) as wire,
        WireClient(process.host, process.port) as client,
        MemoryWatch(process) as watch,
    ):
        wire.send_bytes(frame)
        assert client.ask("PING") == "+OK PONG"
        assert wire.receive_frame()
    watch.assert_growth_within(GROWTH_BYTES_MAX)


@pytest.mark.parametrize("is_only_checked", [True, False], ids=["validate_only", "for real"])
def test_more_partitions_than_the_broker_may_have_are_refused(
    process: QuekkadProcess, is_only_checked: bool
) -> None:
    with KafkaWire(process.host, process.port) as wire:
        big = CreateTopicsRequest([CreatableTopic("big", MANY, 1)], 1000, is_only_checked)
        created = wire.ask(19, 5, big)
        assert created.topics[0].error_code == POLICY_VIOLATION
        more = CreatePartitionsRequest([CreatePartitionsTopic("t", MANY, None)], 1000, is_only_checked)
        assert wire.ask(37, 3, more).results[0].error_code == POLICY_VIOLATION


@pytest.mark.parametrize("name", PROMISES)
def test_a_count_that_promises_more_than_comes_ends_the_connection(
    process: QuekkadProcess, name: str
) -> None:
    api_key, version, body = PROMISES[name]
    frame = begin_request(RequestHeader(api_key, version, 0, "large")) + body
    finish(frame)
    with KafkaWire(process.host, process.port) as wire, MemoryWatch(process) as watch:
        wire.send_bytes(frame)
        assert wire.is_closed()
    watch.assert_growth_within(8 << 20)


@pytest.mark.parametrize("size_bytes", [-1, 0, 7, INT32_MAX, 0x07FFFFFF])
def test_a_frame_of_no_size_that_is_allowed_ends_the_connection(
    process: QuekkadProcess, size_bytes: int
) -> None:
    """After a first request, so that nobody takes the bytes for another protocol."""
    with KafkaWire(process.host, process.port) as wire, MemoryWatch(process) as watch:
        assert wire.ask(18, 3, ApiVersionsRequest("test", "1")).error_code == 0
        wire.send_bytes(struct.pack(">i", size_bytes) + bytes(100))
        assert wire.is_closed()
    watch.assert_growth_within(8 << 20)
