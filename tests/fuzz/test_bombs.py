"""Decompression bombs: a kilobyte that becomes 60 MiB costs a broker time, and memory within its bound.

Records are looked at where a topic is compacted (each needs a key), where a time is searched for, and where a
text client reads messages. Everywhere else a batch is bytes that nobody opens.
"""

import struct
from collections.abc import Callable, Iterator

import pytest
from kafka_wire import KafkaWire
from memory_watch import MemoryWatch
from quekkad_process import QuekkadProcess
from wire_client import WireClient

from quekka.formats.compression import CODEC_NAMES, GZIP, LZ4, SNAPPY, ZSTD, compress
from quekka.formats.record import encode_record
from quekka.formats.record_batch import DEFAULT_MAX_DECOMPRESSED_BYTES, HEADER_BYTES, write_crc
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.kafka.api_00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from quekka.storage.decompression_slots import SLOTS

NOW_MS = 1_700_000_000_000
RECORD_BYTES = {GZIP: 60 << 20, SNAPPY: 20 << 20, LZ4: 60 << 20, ZSTD: 60 << 20}
"""As much as fits, or, with snappy, as max.message.bytes lets through."""
AT_ONCE = 6
GROWTH_BYTES_MAX = SLOTS * 2 * DEFAULT_MAX_DECOMPRESSED_BYTES + (64 << 20)
"""What decompression may take, and something for requests and answers."""
MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
"""Has glibc give large memory back when it is freed, so that what is measured is what the broker holds."""

CODECS = pytest.mark.parametrize("codec", RECORD_BYTES, ids=lambda codec: CODEC_NAMES[codec])


def bomb(codec: int, size_bytes: int, *, is_damaged: bool = False) -> bytes:
    """A batch with one record whose value has `size_bytes`; damaged where only who decompresses it sees."""
    builder = BatchBuilder(NOW_MS)
    builder.append(b"k", b"")
    record = encode_record(0, 0, b"k", bytes(size_bytes))
    if is_damaged:
        record = record[:-1] + b"\x05"
    batch = builder.build()[:HEADER_BYTES] + compress(codec, record)
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    struct.pack_into(">h", batch, 21, codec)
    write_crc(memoryview(batch))
    return bytes(batch)


@pytest.fixture
def process(quekkad: Callable[..., QuekkadProcess]) -> Iterator[QuekkadProcess]:
    """A broker with a topic that is compacted and one that is not; its log must not tell of a failure."""
    process = quekkad(env=MALLOC)
    with WireClient(process.host, process.port) as client:
        assert client.ask("CREATE compacted cleanup.policy=compact") == "+OK compacted"
        assert client.ask("CREATE plain max.message.bytes=30000000 retention.ms=-1") == "+OK plain"
    yield process
    with WireClient(process.host, process.port) as client:
        assert client.ask("PING") == "+OK PONG"
    assert "Traceback" not in process.log()


@CODECS
def test_refused_bombs_that_wait_for_their_answer_keep_no_memory(process: QuekkadProcess, codec: int) -> None:
    batch = bomb(codec, RECORD_BYTES[codec], is_damaged=True)
    partitions = [PartitionProduceData(0, memoryview(batch)) for _ in range(AT_ONCE)]
    request = ProduceRequest(None, -1, 30_000, [TopicProduceData("compacted", partitions)])
    with MemoryWatch(process) as watch:
        with WireClient(process.host, process.port) as client:
            client.send_bytes((b"APPEND compacted 0 %d\r\n" % len(batch) + batch) * AT_ONCE)
            for _ in range(AT_ONCE):
                assert client.read_line().startswith("-ERR INVALID_RECORD")
        with KafkaWire(process.host, process.port) as wire:
            answers = wire.ask(0, 9, request).responses[0].partition_responses
            assert [answer.error_code for answer in answers] == [87] * AT_ONCE
    watch.assert_growth_within(GROWTH_BYTES_MAX)


@CODECS
def test_bombs_of_many_connections_at_once_wait_for_each_other(process: QuekkadProcess, codec: int) -> None:
    batch = bomb(codec, RECORD_BYTES[codec], is_damaged=True)
    clients = [WireClient(process.host, process.port) for _ in range(AT_ONCE)]
    with MemoryWatch(process) as watch:
        for client in clients:
            client.send_bytes(b"APPEND compacted 0 %d\r\n" % len(batch) + batch)
        for client in clients:
            assert client.read_line().startswith("-ERR INVALID_RECORD")
            client.close()
    watch.assert_growth_within(GROWTH_BYTES_MAX)


@CODECS
def test_more_than_is_ever_decompressed_is_refused_where_it_is_opened(
    process: QuekkadProcess, codec: int
) -> None:
    batch = bomb(codec, DEFAULT_MAX_DECOMPRESSED_BYTES)
    with WireClient(process.host, process.port) as client, MemoryWatch(process) as watch:
        assert client.ask(f"APPEND plain 0 {len(batch)}", batch) == "+OK 0 0"
        for question in ("FETCH plain 0 0", "POLL plain team", f"LISTOFFSETS plain 0 timestamp:{NOW_MS - 1}"):
            assert client.ask(question).startswith("-ERR MESSAGE_TOO_LARGE"), question
        assert client.ask("READ plain 0 0").split(" ")[:2] == ["+BATCHES", str(len(batch))]
        assert client.read_exactly(len(batch))[HEADER_BYTES:] == batch[HEADER_BYTES:]
        client.ask("CONFIG compacted max.message.bytes=30000000")
        assert client.ask(f"APPEND compacted 0 {len(batch)}", batch).startswith("-ERR MESSAGE_TOO_LARGE")
        assert client.ask("PING") == "+OK PONG"
    watch.assert_growth_within(GROWTH_BYTES_MAX)


def test_a_large_message_in_few_bytes_is_read_by_many_at_once(process: QuekkadProcess) -> None:
    """Each of them is owed the whole message, so each costs it, but only `SLOTS` are decompressed at once."""
    size_bytes = 8 << 20
    batch = bomb(ZSTD, size_bytes)
    clients = [WireClient(process.host, process.port) for _ in range(AT_ONCE)]
    assert clients[0].ask(f"APPEND plain 0 {len(batch)}", batch) == "+OK 0 0"
    with MemoryWatch(process) as watch:
        for client in clients:
            client.send("FETCH plain 0 0 1")
        for client in clients:
            assert [len(message.value) for message in client.read_messages()] == [size_bytes]
            client.close()
    watch.assert_growth_within(GROWTH_BYTES_MAX + 2 * AT_ONCE * size_bytes)
