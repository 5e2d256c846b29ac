"""What is fuzzed without sockets and files: for each parser one function that takes any bytes.

A target returns for every input, or raises what must never happen: an exception that is not documented for
the parser, an output beyond its bound, or another result for the same bytes in other pieces. Each has also a
maker of valid inputs, from which damaged ones are made (mutation.py). The targets serve hypothesis and the
corpus in CI, and atheris by hand (tests/fuzz/fuzz_*.py).
"""

import random
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from random_requests import random_frame, random_request

from quekka.errors import (
    CorruptMessageError,
    InvalidRecordError,
    InvalidRequestError,
    InvalidTimestampError,
    MessageTooLargeError,
    QuekkaError,
    RecordListTooLargeError,
    UnsupportedCompressionTypeError,
)
from quekka.formats.checkpoint import format_checkpoint, parse_checkpoint
from quekka.formats.compression import CODEC_NAMES, compress, decompress
from quekka.formats.consumer_protocol import subscribed_topics
from quekka.formats.crc32c import crc32c
from quekka.formats.index_entry import (
    OFFSET_ENTRY_BYTES,
    TIME_ENTRY_BYTES,
    decode_offset_entry,
    decode_time_entry,
    encode_offset_entry,
    encode_time_entry,
)
from quekka.formats.offset_commit import (
    OffsetCommitKey,
    OffsetCommitValue,
    decode_key,
    decode_value,
    encode_key,
    encode_value,
)
from quekka.formats.producer_snapshot import (
    ProducerSnapshotEntry,
    decode_producer_snapshot,
    encode_producer_snapshot,
)
from quekka.formats.record_batch import HEADER_BYTES, iter_batches, iter_records, write_crc
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.protocols.kafka.api_keys import APIS, FETCH, PRODUCE
from quekka.protocols.kafka.codec import decode_request, request_type
from quekka.protocols.kafka.connection import KafkaConnection, Request
from quekka.protocols.kafka.schema import reader_for, writer_for
from quekka.protocols.text.connection import AppendRun, PublishRun, Refused, TextConnection
from quekka.storage.batch_validator import validate_batches
from quekka.storage.log_config import LogConfig

NOW_MS = 1_700_000_000_000
DECOMPRESSED_BYTES_MAX = 256 * 1024
FRAME_BYTES_MAX = 64 * 1024

CONFIGS = (
    LogConfig.from_settings({}),
    LogConfig.from_settings({"cleanup.policy": "compact"}),
    LogConfig.from_settings({"message.timestamp.type": "LogAppendTime"}),
)
BATCH_ERRORS = (
    CorruptMessageError,
    InvalidRecordError,
    InvalidTimestampError,
    MessageTooLargeError,
    RecordListTooLargeError,
    UnsupportedCompressionTypeError,
)
"""What `validate_batches` documents."""
RECORD_ERRORS = (CorruptMessageError, MessageTooLargeError, UnsupportedCompressionTypeError)
"""What `iter_records` and `decompress` document."""


class Target(NamedTuple):
    """`run` takes any bytes; `make` makes valid ones."""

    run: Callable[[bytes], None]
    make: Callable[[random.Random], bytes]


# The text protocol


def run_text(data: bytes) -> None:
    whole = _text_events([data], len(data))
    assert whole == _text_events(_pieces(data), len(data)), "other pieces, other requests"


def _text_events(pieces: Sequence[bytes], limit: int) -> list[object]:
    connection = TextConnection(lambda _request: limit)
    events: list[object] = []
    for piece in pieces:
        for event in connection.feed(piece):
            events += _plain_text_events(event)
    for event in connection.eof_received():
        events += _plain_text_events(event)
    return events


def _plain_text_events(event: Any) -> list[object]:
    if isinstance(event, PublishRun):
        values = zip(event.requests, event.values, strict=True)
        return [(event.topic, event.acks, request, bytes(value)) for request, value in values]
    if isinstance(event, AppendRun):
        return [(*event[:3], bytes(payload)) for payload in event.payloads]
    if isinstance(event, Refused):
        assert isinstance(event.error, QuekkaError)
        return [(event.error.code, event.error.message, event.silent, event.closes)]
    return [event]


TEXT_LINES = (
    "APPEND orders 0 12 acks=1", "COMMIT orders g 3 partition=0", "CONFIG orders retention.ms=5",
    "CREATE orders partitions=2 cleanup.policy=compact", "DELETE orders", "DELETEGROUP g",
    "DELETERECORDS orders 0 5", "FETCH orders 0 0 10 5 max_bytes=100", "GROUP g orders", "GROUPS",
    "HELP PUBLISH", "INFO orders partition=1", "LISTOFFSETS orders 0 timestamp:5", "PING",
    "POLL orders g 5 0 max_bytes=9",
    "PUBLISH orders 12 partition=1 key=a%20b header.h=%FF timestamp=7 acks=0", "PUBLISH orders 12",
    "READ orders 0 0 1 max_bytes=5", "SEEK orders g earliest partition=0", "STATS",
    "SUBSCRIBE orders g from=latest", "TOPICS", "UNSUBSCRIBE orders g", "", "QUIT",
)  # fmt: skip
"""One of every command; the payloads have twelve bytes."""


def make_text(chance: random.Random) -> bytes:
    parts = []
    for _ in range(chance.randint(1, 6)):
        line = chance.choice(TEXT_LINES)
        payload = b"twelve bytes" if line.startswith(("APPEND", "PUBLISH")) else b""
        parts.append(line.encode() + chance.choice((b"\n", b"\r\n")) + payload)
    return b"".join(parts)


# The Kafka protocol


def run_kafka_stream(data: bytes) -> None:
    whole = _kafka_events([data])
    assert whole == _kafka_events(_pieces(data)), "other pieces, other requests"


def _kafka_events(pieces: Sequence[bytes]) -> list[object]:
    connection = KafkaConnection(FRAME_BYTES_MAX)
    events: list[object] = []
    for piece in pieces:
        for event in connection.feed(piece):
            if isinstance(event, Request):
                _decode(event.api_key, event.api_version, event.body)
                events.append((*event[:4], bytes(event.body)))
            else:
                assert isinstance(event.error, QuekkaError)
                events.append((event.error.message, event.header, event.reply, event.closes))
    return events


def _decode(api_key: int, version: int, body: bytes | memoryview) -> Any:
    """The request, or None for a body that is malformed."""
    with suppress(InvalidRequestError):
        return decode_request(api_key, version, body)
    return None


def make_kafka_stream(chance: random.Random) -> bytes:
    frames = bytearray()
    for _ in range(chance.randint(1, 3)):
        api = chance.choice(APIS)
        frames += random_frame(chance, api, chance.randint(*api.versions))
    return bytes(frames)


def run_kafka_request(data: bytes) -> None:
    """The first two bytes say which key and version the body is read as; what was read reads again."""
    if len(data) < 2:
        return
    api = APIS[data[0] % len(APIS)]
    version = api.versions.first + data[1] % (api.versions.last - api.versions.first + 1)
    body, kind, flexible = data[2:], request_type(api), api.is_flexible(version)
    request = _decode(api.key, version, body)
    if api.key in (PRODUCE, FETCH):
        compiled = None
        with suppress(InvalidRequestError):
            compiled = reader_for(kind, version, flexible)(body, 0)[0]
        assert _comparable(request) == _comparable(compiled), "the hand-written reader reads something else"
    if request is not None:
        again = bytearray()
        writer_for(kind, version, flexible)(again, request)
        assert _comparable(_decode(api.key, version, bytes(again))) == _comparable(request)


def _comparable(request: object) -> str:
    """Not `==`: a NaN is unlike itself."""
    return repr(_plain(request))


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    if isinstance(value, memoryview):
        return bytes(value)
    if hasattr(value, "__dataclass_fields__"):
        return [_plain(getattr(value, name)) for name in value.__dataclass_fields__]
    return value


def make_kafka_request(chance: random.Random) -> bytes:
    number = chance.randrange(len(APIS))
    api = APIS[number]
    version = chance.randint(*api.versions)
    out = bytearray((number, version - api.versions.first))
    write = writer_for(request_type(api), version, api.is_flexible(version))
    write(out, random_request(chance, api, version))
    return bytes(out)


# Record batches


def run_batches(data: bytes) -> None:
    """As they are, and again with CRCs made right, so that damage is found by what reads the records."""
    for config in CONFIGS:
        with suppress(*BATCH_ERRORS):
            validate_batches(bytearray(data), config, NOW_MS)
    repaired = bytearray(data)
    with suppress(CorruptMessageError):
        for position, header in iter_batches(repaired):
            write_crc(memoryview(repaired)[position : position + header.size_bytes])
            _read_records(repaired, position)
    for config in CONFIGS:
        with suppress(*BATCH_ERRORS):
            assert validate_batches(bytearray(repaired), config, NOW_MS), "no batch, and no error"


def _read_records(buf: bytearray, position: int) -> None:
    size_bytes = 0
    with suppress(*RECORD_ERRORS):
        for record in iter_records(buf, position, max_decompressed_bytes=DECOMPRESSED_BYTES_MAX):
            size_bytes += len(record.key or b"") + len(record.value or b"")
            assert -(2**63) <= record.timestamp_ms < 2**63
            assert 0 <= record.offset < 2**63
    assert size_bytes <= max(DECOMPRESSED_BYTES_MAX, len(buf)), "records larger than what they were made of"


def make_batches(chance: random.Random) -> bytes:
    return b"".join(_batch(chance) for _ in range(chance.choice((1, 1, 1, 2))))


def _batch(chance: random.Random) -> bytes:
    codec = chance.choice(CODEC_NAMES)
    builder = BatchBuilder(NOW_MS)
    for _ in range(chance.randint(1, 4)):
        key = chance.choice((None, b"key", b""))
        value = chance.choice((None, b"value", bytes(200)))
        builder.append(key, value, headers=chance.choice(((), (("name", b"x"), ("empty", None)))))
    plain = builder.build()
    if codec == "none":
        return bytes(plain)
    number = CODEC_NAMES.index(codec)
    batch = plain[:HEADER_BYTES] + compress(number, plain[HEADER_BYTES:])
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    struct.pack_into(">h", batch, 21, number)
    write_crc(memoryview(batch))
    return bytes(batch)


def run_decompress(data: bytes) -> None:
    """The first byte is the codec."""
    with suppress(*RECORD_ERRORS):
        output = decompress(data[0] if data else 0, data[1:], DECOMPRESSED_BYTES_MAX)
        assert len(output) <= DECOMPRESSED_BYTES_MAX


def make_decompress(chance: random.Random) -> bytes:
    codec = chance.randrange(len(CODEC_NAMES))
    return bytes((codec,)) + compress(codec, chance.choice((b"", b"abc" * 50, bytes(100_000))))


# Files and what lies in records of the offsets topic


def run_files(data: bytes) -> None:
    """The first byte says which file it is."""
    if data:
        with suppress(CorruptMessageError):
            FILE_PARSERS[data[0] % len(FILE_PARSERS)](data[1:])


def _parse_snapshot(data: bytes) -> None:
    """As it is, and with the CRC-32C made right."""
    with suppress(CorruptMessageError):
        decode_producer_snapshot(data)
    if len(data) >= 6:
        decode_producer_snapshot(data[:2] + crc32c(data[6:]).to_bytes(4, "big") + data[6:])


def _parse_offset_index(data: bytes) -> None:
    for index in range(len(data) // OFFSET_ENTRY_BYTES + 1):
        decode_offset_entry(data, index)


def _parse_time_index(data: bytes) -> None:
    for index in range(len(data) // TIME_ENTRY_BYTES + 1):
        decode_time_entry(data, index)


FILE_PARSERS: tuple[Callable[[bytes], object], ...] = (
    parse_checkpoint,
    _parse_snapshot,
    _parse_offset_index,
    _parse_time_index,
    decode_key,
    decode_value,
    subscribed_topics,
)
VALID_FILES = (
    format_checkpoint({("orders", 0): 5, ("orders", 1): 2**40}),
    encode_producer_snapshot([ProducerSnapshotEntry(7, 1, 12, 42, 2, 1000)] * 2),
    encode_offset_entry(5, 100) + encode_offset_entry(9, 4200),
    encode_time_entry(1000, 5) + encode_time_entry(2000, 9),
    encode_key(OffsetCommitKey("group", "orders", 3)),
    encode_value(OffsetCommitValue(5, -1, "note", NOW_MS)),
    b"\x00\x03\x00\x00\x00\x02\x00\x06orders\x00\x01b" + bytes(8),
)
"""One for each of the parsers."""


def make_files(chance: random.Random) -> bytes:
    number = chance.randrange(len(VALID_FILES))
    return bytes((number,)) + VALID_FILES[number]


def _pieces(data: bytes) -> list[bytes]:
    """Byte by byte where that is not too much, else in pieces that end anywhere."""
    step = 1 if len(data) <= 200 else 37
    return [data[start : start + step] for start in range(0, len(data), step)]


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "text": Target(run_text, make_text),
        "kafka-stream": Target(run_kafka_stream, make_kafka_stream),
        "kafka-request": Target(run_kafka_request, make_kafka_request),
        "batches": Target(run_batches, make_batches),
        "decompress": Target(run_decompress, make_decompress),
        "files": Target(run_files, make_files),
    }
)
