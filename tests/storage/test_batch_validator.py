"""What a client's batches must be, and the word for each way in which they are not."""

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from quekka.errors import (
    CorruptMessageError,
    InvalidRecordError,
    InvalidTimestampError,
    MessageTooLargeError,
    QuekkaError,
    RecordListTooLargeError,
    UnsupportedCompressionTypeError,
)
from quekka.formats.compression import GZIP, LZ4, ZSTD
from quekka.formats.crc32c import crc32c
from quekka.formats.record_batch import (
    HEADER,
    HEADER_BYTES,
    BatchHeader,
    iter_records,
    read_header,
    verify_crc,
)
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.batch_validator import validate_batches
from quekka.storage.log_config import LogConfig

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
CONFIG = LogConfig.from_settings({})


def make_batch(
    *values: bytes, key: bytes | None = None, timestamp_ms: int = NOW_MS, codec: int = 0
) -> bytearray:
    builder = BatchBuilder(timestamp_ms)
    for value in values:
        builder.append(key, value)
    return builder.build(codec)


def with_header(batch: bytearray, **fields: int) -> bytearray:
    """The batch with other header fields and a CRC-32C that fits them."""
    header = read_header(batch)._replace(**fields)
    HEADER.pack_into(batch, 0, *header)
    struct.pack_into(">I", batch, 17, crc32c(memoryview(batch)[21:]))
    return batch


def with_records(records: bytes) -> bytearray:
    """A batch of one record that holds these bytes instead."""
    batch = make_batch(b"a")[:HEADER_BYTES] + records
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    return with_header(batch)


def test_good_batches_are_passed_untouched_with_their_headers() -> None:
    buf = make_batch(b"a", b"b") + make_batch(b"c" * 1000, codec=GZIP)
    before = bytes(buf)
    headers = validate_batches(buf, CONFIG, NOW_MS)
    assert [header.records_count for header in headers] == [2, 1]
    assert sum(header.size_bytes for header in headers) == len(buf)
    assert buf == before


def test_a_memoryview_is_checked_as_its_bytes() -> None:
    batch = make_batch(b"a")
    headers = validate_batches(memoryview(b"xx" + batch)[2:], CONFIG, NOW_MS)
    assert headers == [read_header(batch)]


def test_log_append_time_is_written_in_place() -> None:
    config = replace(CONFIG, message_timestamp_type="LogAppendTime")
    buf = make_batch(b"a", timestamp_ms=5) + make_batch(b"b", timestamp_ms=NOW_MS + 9 * HOUR_MS)
    headers = validate_batches(memoryview(buf), config, NOW_MS)
    position = 0
    for header in headers:
        assert header == read_header(buf, position)
        assert header.is_log_append_time
        assert header.max_timestamp_ms == NOW_MS
        verify_crc(buf, position, header)
        assert [record.timestamp_ms for record in iter_records(buf, position)] == [NOW_MS]
        position += header.size_bytes
    assert position == len(buf)


Change = Callable[[], bytearray]

REFUSED: dict[str, tuple[Change, type[QuekkaError], str]] = {
    "nothing": (bytearray, InvalidRecordError, "no record batch"),
    "trailing bytes": (
        lambda: make_batch(b"a") + b"tail", CorruptMessageError, "byte 69: a batch header takes"
    ),
    "cut": (lambda: make_batch(b"a")[:-1], CorruptMessageError, "byte 0: a batch of 69 bytes, 68 are left"),
    "second cut": (lambda: make_batch(b"a") + make_batch(b"b")[:-1], CorruptMessageError, "byte 69"),
    "flipped bit": (
        lambda: make_batch(b"a")[:-2] + b"X\x00", CorruptMessageError, "CRC-32C"
    ),
    "old magic": (lambda: with_header(make_batch(b"a"), magic=1), CorruptMessageError, "magic 1"),
    "no records": (
        lambda: with_header(make_batch(b"a"), records_count=0, last_offset_delta=0), InvalidRecordError,
        "0 records, but last offset delta 0",
    ),
    "fewer records": (
        lambda: with_header(make_batch(b"a", b"b"), records_count=1), InvalidRecordError,
        "1 records, but last offset delta 1",
    ),
    "more records": (
        lambda: with_header(make_batch(b"a"), records_count=2**31 - 1), InvalidRecordError,
        "last offset delta 0",
    ),
    "base offset": (
        lambda: with_header(make_batch(b"a"), base_offset=7), InvalidRecordError, "base offset 7, not 0"
    ),
    "more records than bytes": (
        lambda: with_header(make_batch(b"a", b"b"), records_count=3, last_offset_delta=2), InvalidRecordError,
        "byte 61: 3 records in 16 bytes",
    ),
    "a second record that is not counted": (
        lambda: with_header(make_batch(b"a", b"b"), records_count=1, last_offset_delta=0), InvalidRecordError,
        "byte 61: one record of 7 bytes, there are 15",
    ),
    "an empty record": (
        lambda: with_records(b"\x00"), InvalidRecordError, "byte 61: one record of 0 bytes, there are 0"
    ),
    "a record of negative length": (
        lambda: with_records(b"\x01" + bytes(7)), InvalidRecordError, "one record of -1 bytes, there are 7"
    ),
    "a record without an end of its length": (
        lambda: with_records(b"\xff" * 11), InvalidRecordError, "the varint has more than 64 bits"
    ),
    "no bytes of its record": (lambda: with_records(b""), InvalidRecordError, "the varint is cut"),
    **{
        f"said to be {name}": (
            lambda codec=codec: with_header(make_batch(b"abc"), attributes=codec), InvalidRecordError,
            f"byte 61: records that are not compressed with {name}",
        )
        for codec, name in ((GZIP, "gzip"), (LZ4, "lz4"), (ZSTD, "zstd"))
    },
    "control": (
        lambda: with_header(make_batch(b"a"), attributes=0x20), InvalidRecordError, "a control batch"
    ),
    "unknown codec": (
        lambda: with_header(make_batch(b"a"), attributes=5), UnsupportedCompressionTypeError, "5"
    ),
    "transaction of nobody": (
        lambda: with_header(make_batch(b"a"), attributes=0x10), InvalidRecordError, "without a producer id"
    ),
    "no sequence": (
        lambda: with_header(make_batch(b"a"), producer_id=3, producer_epoch=0), InvalidRecordError,
        "producer id 3, epoch 0, base sequence -1",
    ),
    "producer id": (
        lambda: with_header(make_batch(b"a"), producer_id=-2), InvalidRecordError, "producer id -2"
    ),
    "log append time": (
        lambda: with_header(make_batch(b"a"), attributes=0x08), InvalidTimestampError, "LogAppendTime is set"
    ),
    "future": (
        lambda: make_batch(b"a", timestamp_ms=NOW_MS + HOUR_MS + 1), InvalidTimestampError,
        f"timestamp {NOW_MS + HOUR_MS + 1} is more than message.timestamp.after.max.ms=3600000 after now",
    ),
    "second future": (
        lambda: make_batch(b"a") + make_batch(b"a", timestamp_ms=2**62), InvalidTimestampError,
        "byte 69: timestamp",
    ),
    "too large": (
        lambda: make_batch(bytes(CONFIG.max_message_bytes)), MessageTooLargeError,
        "max.message.bytes is 1048588",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_batch_is_refused(make: Change, error: type[QuekkaError], message: str) -> None:
    with pytest.raises(error) as refused:
        validate_batches(make(), CONFIG, NOW_MS)
    assert type(refused.value) is error
    assert message in refused.value.message


def test_the_largest_batch_allowed_is_one_of_max_message_bytes() -> None:
    batch = make_batch(bytes(500))
    validate_batches(batch, replace(CONFIG, max_message_bytes=len(batch)), NOW_MS)
    with pytest.raises(MessageTooLargeError):
        validate_batches(batch, replace(CONFIG, max_message_bytes=len(batch) - 1), NOW_MS)


def test_a_batch_larger_than_a_segment_is_refused() -> None:
    with pytest.raises(RecordListTooLargeError, match=r"segment\.bytes is 100"):
        validate_batches(make_batch(bytes(500)), replace(CONFIG, segment_bytes=100), NOW_MS)


def test_old_timestamps_are_refused_only_where_there_is_a_limit() -> None:
    old = make_batch(b"a", timestamp_ms=NOW_MS - HOUR_MS - 1)
    validate_batches(old, CONFIG, NOW_MS)
    limited = replace(CONFIG, message_timestamp_before_max_ms=HOUR_MS)
    validate_batches(make_batch(b"a", timestamp_ms=NOW_MS - HOUR_MS), limited, NOW_MS)
    validate_batches(make_batch(b"a", timestamp_ms=-1), limited, NOW_MS)
    with pytest.raises(InvalidTimestampError, match=r"before\.max\.ms=3600000 before now"):
        validate_batches(old, limited, NOW_MS)


def test_an_idempotent_producers_batch_is_passed() -> None:
    fields = {"producer_id": 3, "producer_epoch": 0, "base_sequence": 0, "attributes": 0x10}
    batch = with_header(make_batch(b"a"), **fields)
    assert validate_batches(batch, CONFIG, NOW_MS)[0].producer_id == 3


@pytest.mark.parametrize("codec", [0, GZIP])
def test_a_compacted_topic_needs_a_key_in_every_record(codec: int) -> None:
    compacted = replace(CONFIG, cleanup_compact=True)
    validate_batches(make_batch(b"a", b"b", key=b"k", codec=codec), compacted, NOW_MS)
    builder = BatchBuilder(NOW_MS)
    builder.append(b"k", b"v")
    builder.append(None, b"v")
    buf = make_batch(b"a", key=b"") + builder.build(codec)
    with pytest.raises(InvalidRecordError, match="byte 69: record 1 has no key"):
        validate_batches(buf, compacted, NOW_MS)


def test_records_that_do_not_fit_their_batch_are_refused_in_a_compacted_topic() -> None:
    batch = make_batch(b"a", b"b", key=b"k")
    batch[HEADER_BYTES] = 0x7E
    with pytest.raises(InvalidRecordError, match="byte 0: "):
        validate_batches(with_header(batch), replace(CONFIG, cleanup_compact=True), NOW_MS)


def test_a_refused_request_returns_no_header_of_its_good_batches() -> None:
    headers: list[BatchHeader] = []
    with pytest.raises(CorruptMessageError):
        headers += validate_batches(make_batch(b"a") + b"\x00" * 61, CONFIG, NOW_MS)
    assert headers == []
