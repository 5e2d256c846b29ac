"""Record batches: the worked example byte by byte, the broker's patches, and damage of every kind."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.errors import CorruptMessageError, MessageTooLargeError, UnsupportedCompressionTypeError
from quekka.formats import record_batch
from quekka.formats.compression import CODEC_NAMES, GZIP
from quekka.formats.crc32c import portable_crc32c
from quekka.formats.record import Record
from quekka.formats.record_batch import (
    HEADER_BYTES,
    LOG_OVERHEAD_BYTES,
    BatchHeader,
    iter_batches,
    iter_checked_batches,
    iter_raw_records,
    iter_records,
    patch_log_append_time,
    patch_offsets,
    read_header,
    verify_crc,
)
from quekka.formats.record_batch_builder import BatchBuilder

FUZZ = settings(derandomize=True, deadline=None, max_examples=200)


def worked_example() -> bytes:
    """The bytes of the module's docstring."""
    _, _, text = (record_batch.__doc__ or "").partition("Worked example")
    lines = [line.strip().partition("   ")[0] for line in text.splitlines()[2:]]
    return bytes.fromhex(" ".join(lines))


EXAMPLE = worked_example()


def example_with(position: int, form: str, value: int) -> bytearray:
    batch = bytearray(EXAMPLE)
    struct.pack_into(form, batch, position, value)
    return batch


def batch_of(values: list[bytes], base_offset: int = 0, codec: int = 0) -> bytearray:
    builder = BatchBuilder(1000)
    builder.append_values(values)
    batch = builder.build(codec)
    patch_offsets(batch, base_offset, 0)
    return batch


def test_worked_example_is_read_field_by_field() -> None:
    header = read_header(EXAMPLE)
    assert header == BatchHeader(
        base_offset=7,
        batch_length=58,
        partition_leader_epoch=0,
        magic=2,
        crc=0x233DAD44,
        attributes=0,
        last_offset_delta=0,
        base_timestamp_ms=1000,
        max_timestamp_ms=1000,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        records_count=1,
    )
    assert header.size_bytes == len(EXAMPLE) == 70
    assert (header.last_offset, header.next_offset, header.codec) == (7, 8, 0)
    assert header.crc == portable_crc32c(EXAMPLE[21:])
    verify_crc(EXAMPLE, 0, header)
    assert list(iter_records(EXAMPLE)) == [Record(7, 1000, None, b"hi")]


def test_worked_example_is_what_is_built() -> None:
    builder = BatchBuilder(1000)
    builder.append(None, b"hi")
    batch = builder.build()
    patch_offsets(batch, 7, 0)
    assert batch == EXAMPLE


@pytest.mark.parametrize(
    ("attributes", "name"),
    [(0x08, "is_log_append_time"), (0x10, "is_transactional"), (0x20, "is_control")],
)
def test_attribute_bits_have_names(attributes: int, name: str) -> None:
    header = read_header(example_with(21, ">h", attributes))
    others = {"is_log_append_time", "is_transactional", "is_control"} - {name}
    assert getattr(header, name) is True
    assert [getattr(header, other) for other in others] == [False, False]
    assert read_header(example_with(21, ">h", attributes | 0x47)).codec == 7


def test_offsets_are_patched_without_a_new_crc() -> None:
    data = bytearray(b"????" + EXAMPLE)
    patch_offsets(memoryview(data), 2**40, 9, 4)
    header = read_header(data, 4)
    assert (header.base_offset, header.partition_leader_epoch) == (2**40, 9)
    assert data[:4] == b"????"
    assert data[20:] == EXAMPLE[16:]
    verify_crc(data, 4, header)


@pytest.mark.parametrize("codec", range(5), ids=CODEC_NAMES)
def test_log_append_time_is_patched_with_a_new_crc(codec: int) -> None:
    data = bytearray(b"????") + batch_of([b"a", b"b"], 70, codec) + b"behind"
    patch_log_append_time(memoryview(data), 5555, 4)
    header = read_header(data, 4)
    verify_crc(data, 4, header)
    assert (header.is_log_append_time, header.max_timestamp_ms, header.codec) == (True, 5555, codec)
    assert header.base_timestamp_ms == 1000
    assert [record.timestamp_ms for record in iter_records(data, 4)] == [5555, 5555]
    assert (data[:4], data[-6:]) == (b"????", b"behind")


def test_log_append_time_is_not_patched_into_a_cut_batch() -> None:
    data = bytearray(EXAMPLE[:-1])
    with pytest.raises(CorruptMessageError, match="byte 0: a batch of 70 bytes, 69 are left"):
        patch_log_append_time(data, 5555)
    assert data == EXAMPLE[:-1]


BAD_HEADERS = [
    ("empty", b"", "takes 61 bytes, 0 are left"),
    ("cut", EXAMPLE[:60], "takes 61 bytes, 60 are left"),
    ("zeros", bytes(100), "magic 0"),
    ("magic_1", example_with(16, ">b", 1), "magic 1, only 2 is supported"),
    ("magic_3", example_with(16, ">b", 3), "magic 3"),
    ("length_48", example_with(8, ">i", 48), "batch length 48"),
    ("length_0", example_with(8, ">i", 0), "batch length 0"),
    ("length_negative", example_with(8, ">i", -1), "batch length -1"),
    ("count_negative", example_with(57, ">i", -1), "-1 records"),
    ("last_offset_delta_negative", example_with(23, ">i", -5), "last offset delta -5"),
    ("base_offset_negative", example_with(0, ">q", -1), "no offsets: base -1"),
    ("no_offset_left", example_with(0, ">q", 2**63 - 1), "no offsets: base 9223372036854775807"),
]


@pytest.mark.parametrize(
    ("data", "problem"), [case[1:] for case in BAD_HEADERS], ids=[case[0] for case in BAD_HEADERS]
)
def test_bad_headers_are_told_with_their_position(data: bytes, problem: str) -> None:
    with pytest.raises(CorruptMessageError, match=f"byte 0: .*{problem}"):
        read_header(data)
    with pytest.raises(CorruptMessageError, match=f"byte 3: .*{problem}"):
        read_header(b"???" + data, 3)


@pytest.mark.parametrize("position", [-1, -70, 71, 10**30])
def test_position_outside_the_bytes_is_refused(position: int) -> None:
    with pytest.raises(CorruptMessageError, match=f"byte {position}"):
        read_header(EXAMPLE, position)


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_batches_are_found_one_after_another(form: type[bytes]) -> None:
    batches = [batch_of([b"x" * size], offset) for offset, size in enumerate((0, 100, 5000))]
    found = list(iter_batches(form(b"".join(batches))))
    positions = [0, len(batches[0]), len(batches[0]) + len(batches[1])]
    assert [position for position, _ in found] == positions
    assert [header.base_offset for _, header in found] == [0, 1, 2]


def test_batches_are_found_between_start_and_end() -> None:
    data = EXAMPLE * 4
    assert [position for position, _ in iter_batches(data, 70, 210)] == [70, 140]
    assert [position for position, _ in iter_batches(data, 210, 10**9)] == [210]
    assert list(iter_batches(data, 280)) == []
    assert list(iter_batches(b"")) == []


@pytest.mark.parametrize(
    ("cut", "problem"),
    [(139, "69 are left"), (131, "61 are left"), (130, "60 are left"), (71, "1 are left")],
)
def test_torn_batch_is_told_after_the_whole_ones(cut: int, problem: str) -> None:
    for batches in (iter_batches((EXAMPLE * 2)[:cut]), iter_batches(EXAMPLE * 2, 0, cut)):
        assert next(batches)[0] == 0
        with pytest.raises(CorruptMessageError, match=f"byte 70: .*{problem}"):
            next(batches)


def test_every_flipped_bit_behind_the_crc_is_noticed() -> None:
    for index in range(17, len(EXAMPLE)):
        for bit in range(8):
            damaged = bytearray(EXAMPLE)
            damaged[index] ^= 1 << bit
            with pytest.raises(CorruptMessageError):
                verify_crc(damaged, 0, read_header(damaged))


def test_wrong_crc_is_told_with_position_and_offset() -> None:
    damaged = EXAMPLE[:-1] + b"\x02"
    with pytest.raises(
        CorruptMessageError, match=r"byte 70: the batch at offset 7 has CRC-32C \w{8}, not 233dad44"
    ):
        verify_crc(EXAMPLE + damaged, 70, read_header(damaged))


def test_checked_batches_have_a_right_crc_and_rising_offsets() -> None:
    whole = batch_of([b"a", b"b"]) + batch_of([b"c"], 5)
    assert [header.base_offset for _, header in iter_checked_batches(whole, 1, 6)] == [0, 5]
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    assert_first_is_read(flipped, "CRC-32C")
    assert_first_is_read(batch_of([b"a", b"b"]) + batch_of([b"c"], 1), "offset 1 comes after 1")
    assert_first_is_read(batch_of([b"a", b"b"]) + batch_of([b"c"], 6), "offset 6 is not before 6")
    with pytest.raises(CorruptMessageError, match="offset 1 comes after 1"):
        next(iter_checked_batches(whole, 2, 6))


def assert_first_is_read(data: bytes, problem: str) -> None:
    batches = iter_checked_batches(data, 0, 6)
    assert next(batches)[0] == 0
    with pytest.raises(CorruptMessageError, match=problem):
        next(batches)


def test_crc_of_a_cut_batch_is_not_computed() -> None:
    with pytest.raises(CorruptMessageError, match="byte 0: a batch of 70 bytes, 69 are left"):
        verify_crc(EXAMPLE[:-1], 0, read_header(EXAMPLE))


@pytest.mark.parametrize("codec", range(5), ids=CODEC_NAMES)
def test_records_are_read_from_any_buffer_and_position(codec: int) -> None:
    values = [b"value %d" % index for index in range(200)]
    data = b"????" + batch_of(values, 1000, codec) + b"behind"
    for form in (bytes, bytearray, memoryview):
        records = list(iter_records(form(data), 4))
        assert [record.value for record in records] == values
        assert [record.offset for record in records] == list(range(1000, 1200))
        assert all(type(record.value) is bytes for record in records)
        assert list(iter_raw_records(form(data), 4)) == records


@pytest.mark.parametrize("codec", [0, GZIP], ids=["none", "gzip"])
def test_records_are_read_from_an_offset_on(codec: int) -> None:
    batch = batch_of([b"a", b"b", b"c"], 10, codec)
    for from_offset, expected in ((0, [10, 11, 12]), (11, [11, 12]), (12, [12]), (13, [])):
        assert [record.offset for record in iter_records(batch, from_offset=from_offset)] == expected


def test_batch_emptied_by_compaction_has_no_records() -> None:
    batch = example_with(57, ">i", 0)[:HEADER_BYTES]
    struct.pack_into(">i", batch, 8, HEADER_BYTES - LOG_OVERHEAD_BYTES)
    assert list(iter_records(batch)) == []
    assert read_header(batch).next_offset == 8


def test_gaps_left_by_compaction_are_kept() -> None:
    builder = BatchBuilder(0)
    builder.append_values([b"a"])
    batch = builder.build()
    batch[HEADER_BYTES + 3] = 2 * 40
    struct.pack_into(">i", batch, 23, 99)
    assert [record.offset for record in iter_records(batch)] == [40]
    assert read_header(batch).next_offset == 100


@pytest.mark.parametrize("codec", range(1, 5), ids=CODEC_NAMES[1:])
def test_bomb_in_a_batch_is_refused(codec: int) -> None:
    batch = batch_of([bytes(10_000_000)], 0, codec)
    with pytest.raises(MessageTooLargeError, match="more than 100000 bytes"):
        list(iter_records(batch, max_decompressed_bytes=100_000))


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_codec_that_does_not_exist_is_refused(codec: int) -> None:
    with pytest.raises(UnsupportedCompressionTypeError, match=f"the number {codec}"):
        list(iter_records(example_with(21, ">h", codec)))


@pytest.mark.parametrize("codec", range(1, 5), ids=CODEC_NAMES[1:])
def test_compressed_block_that_is_none_is_refused(codec: int) -> None:
    with pytest.raises(CorruptMessageError, match=CODEC_NAMES[codec]):
        list(iter_records(example_with(21, ">h", codec)))


@pytest.mark.parametrize("count", [0, 2, 1000, 2**31 - 1])
def test_count_that_is_not_that_of_the_records_is_refused(count: int) -> None:
    batch = example_with(57, ">i", count)
    struct.pack_into(">i", batch, 23, 2**31 - 1)
    with pytest.raises(CorruptMessageError, match=r"cut by the end|left over"):
        list(iter_records(batch))


def test_records_of_a_cut_batch_are_not_read() -> None:
    with pytest.raises(CorruptMessageError, match="byte 0: a batch of 70 bytes, 69 are left"):
        iter_records(EXAMPLE[:-1])


@FUZZ
@given(st.data())
def test_any_damage_gives_records_or_a_clear_error(data: st.DataObject) -> None:
    codec = data.draw(st.integers(0, 4))
    damaged = batch_of([b"value %d" % index for index in range(20)], 5, codec) * 2
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        for position, header in iter_batches(damaged):
            records = list(iter_records(damaged, position, max_decompressed_bytes=100_000))
            assert len(records) == header.records_count
            assert all(header.base_offset <= record.offset <= header.last_offset for record in records)
    except (CorruptMessageError, MessageTooLargeError, UnsupportedCompressionTypeError):
        return
