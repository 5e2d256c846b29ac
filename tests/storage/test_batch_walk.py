"""Walking from batch to batch: every span right, however the reads are cut, and damage is pointed at."""

import os
from pathlib import Path

import pytest
from log_bench import START_MS, batch

from quekka.errors import CorruptMessageError
from quekka.formats.record_batch import HEADER_BYTES, patch_offsets, read_header
from quekka.storage.batch_walk import (
    FAR_BYTES,
    BatchSpan,
    fields_of_one_batch,
    find_batch,
    walk_batches,
    walk_headers,
)
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import FILES


def at(base_offset: int, *values: bytes) -> bytes:
    built = batch(*values)
    patch_offsets(built, base_offset, 0)
    return bytes(built)


BATCHES = [at(10, b"a", b"b"), at(12, b"x" * 300), at(20, b"c"), at(21, b"y" * 5000), at(22, b"d")]
"""Offsets 10-11, 12, 20 (13 to 19 are a gap), 21, 22."""
DATA = b"".join(BATCHES)
STARTS = [sum(map(len, BATCHES[:number])) for number in range(len(BATCHES) + 1)]


def opened(tmp_path: Path, data: bytes = DATA) -> OpenFile:
    path = tmp_path / "00000000000000000010.log"
    path.write_bytes(data)
    return OpenFile(FILES, path, os.open(path, os.O_RDONLY))


@pytest.mark.parametrize("step_bytes", [HEADER_BYTES, 100, 333, 8192, 1 << 20])
def test_every_batch_is_met_once_whatever_is_read_per_step(tmp_path: Path, step_bytes: int) -> None:
    spans = list(walk_batches(opened(tmp_path), 0, len(DATA), step_bytes))
    assert [(span.position, span.size_bytes) for span in spans] == [
        (start, len(data)) for start, data in zip(STARTS, BATCHES, strict=False)
    ]
    assert [(span.base_offset, span.last_offset) for span in spans] == [
        (10, 11), (12, 12), (20, 20), (21, 21), (22, 22)
    ]  # fmt: skip
    assert {span.max_timestamp_ms for span in spans} == {START_MS}


def test_a_walk_over_headers_gives_all_their_fields(tmp_path: Path) -> None:
    headers = list(walk_headers(opened(tmp_path), 0, len(DATA), FAR_BYTES))
    assert headers == [(start, read_header(DATA, start)) for start in STARTS[: len(headers)]]
    assert len(headers) == len(BATCHES)


def test_a_walk_begins_and_ends_where_it_is_told(tmp_path: Path) -> None:
    spans = list(walk_batches(opened(tmp_path), STARTS[1], STARTS[3]))
    assert [span.base_offset for span in spans] == [12, 20]
    assert spans[-1].end_position == STARTS[3]


def test_an_empty_stretch_has_no_batches(tmp_path: Path) -> None:
    assert list(walk_batches(opened(tmp_path), STARTS[2], STARTS[2])) == []


@pytest.mark.parametrize(
    ("offset", "base_offset"), [(0, 10), (10, 10), (11, 10), (12, 12), (13, 20), (20, 20), (22, 22)]
)
def test_the_batch_that_holds_an_offset_is_found_or_the_one_after_the_gap(
    tmp_path: Path, offset: int, base_offset: int
) -> None:
    found = find_batch(opened(tmp_path), 0, len(DATA), offset)
    assert isinstance(found, BatchSpan)
    assert found.base_offset == base_offset


def test_an_offset_after_the_last_batch_is_not_found(tmp_path: Path) -> None:
    assert find_batch(opened(tmp_path), 0, len(DATA), 23) is None


def test_the_fields_of_one_batch_are_read() -> None:
    assert fields_of_one_batch(BATCHES[0]) == (1, START_MS)


@pytest.mark.parametrize(
    "data",
    [b"", BATCHES[0][:60], BATCHES[0][:-1], BATCHES[0] + b"x"],
    ids=["none", "no_header", "cut", "more"],
)
def test_less_or_more_than_one_batch_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptMessageError, match=f"{len(data)} bytes"):
        fields_of_one_batch(data)


def changed(position: int, data: bytes) -> bytes:
    return DATA[: STARTS[1] + position] + data + DATA[STARTS[1] + position + len(data) :]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (changed(16, b"\x01"), "no batch header of magic 2"),
        (changed(8, b"\x00\x00\x00\x10"), "no batch header of magic 2"),
        (changed(8, b"\x7f\xff\xff\xff"), "a batch of 2147483659 bytes"),
        (changed(8, b"\xff\xff\xff\xff"), "no batch header of magic 2"),
        (changed(0, b"\xff"), "no batch header of magic 2"),
        (changed(23, b"\xff"), "no batch header of magic 2"),
        (DATA[: STARTS[1]] + b"\0" * 100, "no batch header of magic 2"),
        (DATA[: STARTS[1] + 60], "60 bytes are less than a batch header"),
        (DATA[: STARTS[2] - 1], "a batch of"),
    ],
    ids=[
        "another_magic", "length_too_small", "length_beyond_the_end", "negative_length", "negative_offset",
        "negative_offset_delta", "zeroes", "torn_header", "torn_batch",
    ],
)  # fmt: skip
def test_damage_is_told_with_file_and_position(tmp_path: Path, data: bytes, why: str) -> None:
    walk = walk_batches(opened(tmp_path, data), 0, len(data))
    assert next(walk).base_offset == 10
    with pytest.raises(CorruptMessageError) as caught:
        next(walk)
    assert f"00000000000000000010.log: no record batch at byte {STARTS[1]}: " in caught.value.message
    assert why in caught.value.message
