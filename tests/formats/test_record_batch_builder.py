"""Batches that are built are whole, counted to the byte, and come back record by record."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.errors import MessageTooLargeError, UnsupportedCompressionTypeError
from quekka.formats import record_batch_builder
from quekka.formats.compression import CODEC_NAMES
from quekka.formats.record import Header, Record, encode_record
from quekka.formats.record_batch import HEADER_BYTES, iter_records, read_header, verify_crc
from quekka.formats.record_batch_builder import BatchBuilder

FUZZ = settings(derandomize=True, deadline=None, max_examples=100)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
NULLABLE = st.none() | st.binary(max_size=200)
HEADERS = st.lists(st.tuples(TEXTS, NULLABLE), max_size=3)
RECORDS = st.lists(
    st.tuples(NULLABLE, NULLABLE, HEADERS, st.none() | st.integers(0, 10**13)), min_size=1, max_size=10
)


def records_of(batch: bytearray) -> list[Record]:
    verify_crc(batch, 0, read_header(batch))
    return list(iter_records(batch))


def test_records_are_encoded_as_one_by_one() -> None:
    builder = BatchBuilder(1000)
    builder.append(b"key", b"value", (("h", b"1"), ("n", None)), 1500)
    builder.append_values([b"", b"x" * 200])
    builder.append(None, None)
    expected = (
        encode_record(0, 500, b"key", b"value", (("h", b"1"), ("n", None)))
        + encode_record(1, 0, None, b"")
        + encode_record(2, 0, None, b"x" * 200)
        + encode_record(3, 0, None, None)
    )
    assert builder.build()[HEADER_BYTES:] == expected


# Where the offset delta, the value's length or the record's length takes one byte more.
@pytest.mark.parametrize("count", [1, 63, 64, 65, 8191, 8192, 8193])
def test_values_alone_give_the_same_batch_as_records(count: int) -> None:
    values = [bytes(index % 70) for index in range(count)]
    one_by_one, at_once = BatchBuilder(5), BatchBuilder(5)
    for value in values:
        one_by_one.append(None, value)
    at_once.append_values(values)
    assert at_once.build() == one_by_one.build()
    assert at_once.size_bytes == one_by_one.size_bytes == len(at_once.build())
    assert at_once.count == one_by_one.count == count


def test_values_in_several_portions_give_the_same_batch() -> None:
    values = [b"v" * (index % 150) for index in range(500)]
    at_once, in_portions = BatchBuilder(5), BatchBuilder(5)
    at_once.append_values(values)
    for start in range(0, 500, 33):
        in_portions.append_values(values[start : start + 33])
        in_portions.append_values([])
    assert in_portions.build() == at_once.build()


@pytest.mark.parametrize("size", [0, 52, 53, 54, 63, 64, 8180, 8185, 8192, 1_048_570, 1_048_576])
def test_sizes_around_which_lengths_grow_are_counted_to_the_byte(size: int) -> None:
    builder = BatchBuilder(0)
    builder.append_values([bytes(size)] * 2)
    builder.append(bytes(size), bytes(size))
    batch = builder.build()
    assert builder.size_bytes == len(batch)
    assert [len(record.value or b"") for record in records_of(batch)] == [size] * 3


def test_header_says_what_the_batch_holds() -> None:
    builder = BatchBuilder(1000)
    builder.append_values([b"a", b"b"])
    builder.append(None, b"c", timestamp_ms=3000)
    builder.append(None, b"d", timestamp_ms=500)
    header = read_header(builder.build())
    assert (header.base_offset, header.last_offset_delta, header.records_count) == (0, 3, 4)
    assert (header.base_timestamp_ms, header.max_timestamp_ms) == (1000, 3000)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (-1, -1, -1)
    assert (header.attributes, header.magic) == (0, 2)


def test_max_timestamp_is_that_of_a_record_not_of_the_base() -> None:
    builder = BatchBuilder(1000)
    builder.append(None, b"earlier", timestamp_ms=400)
    batch = builder.build()
    assert read_header(batch).max_timestamp_ms == 400
    assert records_of(batch)[0].timestamp_ms == 400


def test_producer_is_named() -> None:
    builder = BatchBuilder(0)
    builder.append_values([b"x"])
    builder.set_producer(2**40, 7, 99, is_transactional=True)
    header = read_header(builder.build())
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (2**40, 7, 99)
    assert header.is_transactional
    builder.set_producer(1, 0, 0)
    assert not read_header(builder.build()).is_transactional


@pytest.mark.parametrize("codec", range(5), ids=CODEC_NAMES)
def test_every_codec_comes_back(codec: int) -> None:
    values = [b"value %d" % index for index in range(1000)]
    builder = BatchBuilder(1000)
    builder.append_values(values)
    batch = builder.build(codec)
    assert read_header(batch).codec == codec
    assert [record.value for record in records_of(batch)] == values
    assert (len(batch) < builder.size_bytes) == (codec != 0)


def test_any_buffer_can_be_key_and_value() -> None:
    builder = BatchBuilder(0)
    builder.append(memoryview(b"key"), bytearray(b"value"))
    builder.append_values([memoryview(b"one"), bytearray(b"two")])
    records = records_of(builder.build())
    assert [(record.key, record.value) for record in records] == [
        (b"key", b"value"),
        (None, b"one"),
        (None, b"two"),
    ]


def test_building_again_after_more_records_gives_a_larger_batch() -> None:
    builder = BatchBuilder(0)
    builder.append_values([b"a"])
    first = builder.build()
    builder.append_values([b"b"])
    assert [record.value for record in records_of(first)] == [b"a"]
    assert [record.value for record in records_of(builder.build())] == [b"a", b"b"]


def test_no_records_are_no_batch() -> None:
    builder = BatchBuilder(0)
    builder.append_values([])
    assert (builder.count, builder.size_bytes) == (0, HEADER_BYTES)
    with pytest.raises(ValueError, match="at least one record"):
        builder.build()


def test_more_than_a_batch_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_batch_builder, "BATCH_LENGTH_MAX", 100)
    builder = BatchBuilder(0)
    builder.append_values([bytes(50)])
    with pytest.raises(MessageTooLargeError, match="118 bytes in one batch, at most 100 fit"):
        builder.build()


def test_unknown_codec_is_refused() -> None:
    builder = BatchBuilder(0)
    builder.append_values([b"x"])
    with pytest.raises(UnsupportedCompressionTypeError, match="number 6"):
        builder.build(6)


@FUZZ
@given(RECORDS)
def test_what_was_appended_is_read(
    records: list[tuple[bytes | None, bytes | None, list[Header], int | None]],
) -> None:
    builder = BatchBuilder(1000)
    for key, value, headers, timestamp_ms in records:
        builder.append(key, value, headers, timestamp_ms)
    batch = builder.build()
    assert builder.size_bytes == len(batch)
    assert records_of(batch) == [
        Record(offset, 1000 if timestamp_ms is None else timestamp_ms, key, value, tuple(headers))
        for offset, (key, value, headers, timestamp_ms) in enumerate(records)
    ]


def test_large_random_batches_come_back(seed: int) -> None:
    rng = random.Random(seed)
    values = [rng.randbytes(rng.choice((0, 10, 63, 64, 300, 9000))) for _ in range(2000)]
    builder = BatchBuilder(0)
    builder.append_values(values)
    assert [record.value for record in records_of(builder.build())] == values
