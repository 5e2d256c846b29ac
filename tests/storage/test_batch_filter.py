"""RecordFilter: what goes, what stays byte for byte, and what a delete horizon does to a batch."""

import tracemalloc
from collections.abc import Callable

import pytest

from quekka.errors import CorruptMessageError
from quekka.formats.compression import CODEC_NAMES
from quekka.formats.record import Record
from quekka.formats.record_batch import (
    HEADER_BYTES,
    iter_records,
    patch_log_append_time,
    patch_offsets,
    read_header,
    verify_crc,
)
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.batch_filter import RecordFilter, delete_horizon_ms, empty_batch, missing_batch

BASE_MS = 1_700_000_000_000
NOW_MS = BASE_MS + 5_000
RETENTION_MS = 60_000
HEADERS = (("trace", b"\xff\x00"), ("null", None))


def make_batch(codec: int = 0, *, tombstone: bool = False) -> bytearray:
    """Offsets 100 to 103, keys a b a and none, rising timestamps."""
    builder = BatchBuilder(BASE_MS)
    builder.append(b"a", b"old" * 50, HEADERS, BASE_MS)
    builder.append(b"b", None if tombstone else b"only", HEADERS, BASE_MS + 1)
    builder.append(b"a", b"new", (), BASE_MS + 2)
    builder.append(None, b"no key", (), BASE_MS + 3)
    builder.set_producer(7, 1, 40)
    batch = builder.build(codec)
    patch_offsets(batch, 100, 3)
    return batch


def apply(
    batch: bytes | bytearray, keeps: Callable[[bytes | None, int], bool], now_ms: int = NOW_MS
) -> object:
    return RecordFilter(keeps, now_ms, RETENTION_MS).apply(read_header(batch), memoryview(batch))


def filtered(
    batch: bytes | bytearray, keeps: Callable[[bytes | None, int], bool], now_ms: int = NOW_MS
) -> bytes:
    result = apply(batch, keeps, now_ms)
    assert isinstance(result, bytearray)
    verify_crc(result, 0, read_header(result))
    assert read_header(result).size_bytes == len(result)
    return bytes(result)


def test_a_batch_that_loses_nothing_is_itself() -> None:
    view = memoryview(make_batch())
    assert RecordFilter(lambda key, offset: True, NOW_MS, 0).apply(read_header(view), view) is view


def test_a_batch_that_loses_all_is_none() -> None:
    assert apply(make_batch(), lambda key, offset: False) is None


def test_the_filter_is_asked_with_key_and_offset() -> None:
    asked: list[tuple[bytes | None, int]] = []

    def keeps(key: bytes | None, offset: int) -> bool:
        asked.append((key, offset))
        return True

    apply(make_batch(), keeps)
    assert asked == [(b"a", 100), (b"b", 101), (b"a", 102), (None, 103)]


@pytest.mark.parametrize("codec", range(5), ids=CODEC_NAMES)
def test_records_that_stay_keep_offset_time_key_value_and_headers(codec: int) -> None:
    if codec > 1:
        pytest.importorskip("cramjam")
    batch = make_batch(codec)
    result = filtered(batch, lambda key, offset: offset in (101, 102))
    before, after = read_header(batch), read_header(result)
    assert list(iter_records(result)) == list(iter_records(batch))[1:3]
    assert after.records_count == 2
    assert after.max_timestamp_ms == BASE_MS + 2
    same = "base_offset", "last_offset_delta", "base_timestamp_ms", "attributes", "partition_leader_epoch"
    for name in (*same, "producer_id", "producer_epoch", "base_sequence"):
        assert getattr(after, name) == getattr(before, name), name


def test_header_keys_that_are_no_text_are_not_touched() -> None:
    batch = make_batch()
    batch[:] = batch.replace(b"trace", b"tr\xffce")
    assert b"tr\xffce" in filtered(batch, lambda key, offset: offset == 101)


def test_a_new_tombstone_sets_the_delete_horizon_and_changes_no_record() -> None:
    batch = make_batch(tombstone=True)
    result = filtered(batch, lambda key, offset: True)
    assert delete_horizon_ms(read_header(result)) == NOW_MS + RETENTION_MS
    assert read_header(result).max_timestamp_ms == BASE_MS + 3
    assert list(iter_records(result)) == list(iter_records(batch))


def test_a_tombstone_goes_when_its_horizon_is_reached() -> None:
    result = filtered(make_batch(tombstone=True), lambda key, offset: True)
    horizon_ms = NOW_MS + RETENTION_MS
    assert bytes(apply(result, lambda key, offset: True, horizon_ms - 1)) == result  # type: ignore[call-overload]
    later = filtered(result, lambda key, offset: True, horizon_ms)
    assert [record.offset for record in iter_records(later)] == [100, 102, 103]
    assert [record.timestamp_ms for record in iter_records(later)] == [BASE_MS, BASE_MS + 2, BASE_MS + 3]


def test_log_append_time_stays() -> None:
    batch = make_batch(tombstone=True)
    patch_log_append_time(batch, NOW_MS - 1)
    result = filtered(batch, lambda key, offset: offset < 102)
    assert read_header(result).is_log_append_time
    assert read_header(result).max_timestamp_ms == NOW_MS - 1
    assert [record.timestamp_ms for record in iter_records(result)] == [NOW_MS - 1] * 2


@pytest.mark.parametrize("codec", [0, 1])
def test_an_empty_batch_keeps_offsets_and_sequence(codec: int) -> None:
    header = read_header(make_batch(codec))
    empty = empty_batch(header)
    after = read_header(empty)
    verify_crc(empty, 0, after)
    assert len(empty) == HEADER_BYTES
    assert (after.base_offset, after.last_offset, after.records_count, after.codec) == (100, 103, 0, 0)
    assert (after.producer_id, after.producer_epoch, after.base_sequence) == (7, 1, 40)
    assert after.max_timestamp_ms == BASE_MS + 3
    no_records: list[Record] = []
    assert list(iter_records(empty)) == no_records


def test_an_empty_batch_stands_for_records_that_are_gone() -> None:
    batch = missing_batch(100, 2**31 + 100)
    header = read_header(batch)
    verify_crc(batch, 0, header)
    assert (header.base_offset, header.next_offset, header.records_count) == (100, 2**31 + 100, 0)
    assert (header.producer_id, header.max_timestamp_ms, len(batch)) == (-1, -1, HEADER_BYTES)


@pytest.mark.parametrize(
    ("position", "value"),
    [(0, 0x7E), (0, 0x01), (0, 0xFF), (3, 0x7E), (4, 0x7E)],
    ids=["longer", "negative", "varint", "offset delta", "key length"],
)  # fmt: skip
def test_records_that_do_not_fit_their_batch_are_corrupt(position: int, value: int) -> None:
    builder = BatchBuilder(BASE_MS)
    builder.append(b"k", b"v")
    builder.append(b"k", b"v")
    batch = builder.build()
    batch[HEADER_BYTES + position] = value
    with pytest.raises(CorruptMessageError):
        apply(batch, lambda key, offset: True)


def test_bytes_after_the_last_record_are_corrupt() -> None:
    builder = BatchBuilder(BASE_MS)
    builder.append(b"k", b"v")
    batch = builder.build() + b"\x00"
    header = read_header(batch)._replace(batch_length=len(batch) - 12)
    with pytest.raises(CorruptMessageError, match="1 bytes after the last record"):
        RecordFilter(lambda key, offset: True, NOW_MS, 0).apply(header, memoryview(batch))


def test_what_was_not_read_stays_and_its_tombstones_wait_for_their_horizon() -> None:
    batch = make_batch(tombstone=True)
    view = memoryview(batch)
    part = RecordFilter(lambda key, offset: False, NOW_MS, RETENTION_MS, end_offset=101)
    rest = part.apply(read_header(view), view)
    assert isinstance(rest, bytearray)
    assert [record.offset for record in iter_records(rest)] == [101, 102, 103]
    assert delete_horizon_ms(read_header(rest)) is None


def test_not_even_an_expired_tombstone_goes_where_it_was_not_read() -> None:
    with_horizon = filtered(make_batch(tombstone=True), lambda key, offset: True)
    view = memoryview(with_horizon)
    unread = RecordFilter(lambda key, offset: True, NOW_MS + RETENTION_MS, 0, end_offset=101)
    assert unread.apply(read_header(view), view) is view


@pytest.mark.parametrize("tombstones", [False, True])
def test_records_that_stay_are_remembered_as_bytes(tombstones: bool) -> None:
    """A batch of a megabyte may hold millions of records, of which one goes."""
    count = 50_000
    builder = BatchBuilder(BASE_MS)
    for _ in range(count):
        builder.append(b"k", None if tombstones else b"v")
    batch = builder.build(CODEC_NAMES.index("gzip"))
    tracemalloc.start()
    try:
        filtered(batch, lambda key, offset: offset > 0)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < count * 70, "more than the records and some copies of them"


def test_of_records_that_go_nothing_is_remembered() -> None:
    """A batch of a megabyte may hold millions of records of one key, of which one stays."""
    count = 50_000
    builder = BatchBuilder(BASE_MS)
    for _ in range(count):
        builder.append(b"k", b"v")
    batch = builder.build(CODEC_NAMES.index("gzip"))
    tracemalloc.start()
    try:
        filtered(batch, lambda key, offset: offset == count - 1)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < count * 40, "more than the records and a copy of them"
