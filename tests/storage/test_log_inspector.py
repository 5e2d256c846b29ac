"""Reading single files of a log: names, batches, entries, and what in an index is not so."""

from pathlib import Path

import pytest

from quekka.errors import CorruptMessageError
from quekka.formats.index_entry import (
    OffsetIndexEntry,
    TimeIndexEntry,
    encode_offset_entry,
    encode_time_entry,
)
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.batch_walk import BatchSpan
from quekka.storage.log_inspector import (
    inspect_log,
    inspect_offset_index,
    inspect_time_index,
    offset_index_mismatches,
    segment_name_of,
    time_index_mismatches,
)

BATCHES = [
    BatchSpan(0, 100, 1000, 1004, 50),
    BatchSpan(100, 100, 1005, 1005, 90),
    BatchSpan(200, 100, 1010, 1019, 70),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("00000000000000000042.log", (42, ".log")),
        ("00000000000000000042.index", (42, ".index")),
        ("00000000000000000042.timeindex", (42, ".timeindex")),
        ("00000000000000000042.log.broken.3", (42, ".log")),
        ("00000000000000000042.timeindex.cleaned", (42, ".timeindex")),
        ("0042.log", None),
        ("topic.json", None),
    ],
)
def test_a_file_is_known_by_its_name(name: str, expected: tuple[int, str] | None) -> None:
    assert segment_name_of(Path("somewhere") / name) == expected


def test_batches_come_with_position_records_and_faults(tmp_path: Path) -> None:
    builder = BatchBuilder(7)
    builder.append(b"k", b"value")
    good = bytes(builder.build(1))
    bad = good[:-1] + bytes([good[-1] ^ 1])
    (tmp_path / "0.log").write_bytes(good + bad + good[:30])
    batches = inspect_log(tmp_path / "0.log")
    first, second = next(batches), next(batches)
    assert (first.position, second.position) == (0, len(good))
    assert [(record.key, record.value) for record in first.records()] == [(b"k", b"value")]
    assert first.fault is None
    assert second.fault is not None
    assert "CRC-32C" in second.fault
    with pytest.raises(CorruptMessageError, match=f"byte {2 * len(good)}"):
        next(batches)


@pytest.mark.parametrize("padding", [0, 8 * 100], ids=["as it is", "laid out in advance"])
def test_index_entries_end_where_zeros_begin(tmp_path: Path, padding: int) -> None:
    (tmp_path / "index").write_bytes(encode_offset_entry(4, 0) + encode_offset_entry(9, 80) + bytes(padding))
    assert list(inspect_offset_index(tmp_path / "index")) == [(4, 0), (9, 80)]
    (tmp_path / "time").write_bytes(encode_time_entry(77, 4) + bytes(padding * 12 // 8))
    assert list(inspect_time_index(tmp_path / "time")) == [(77, 4)]


@pytest.mark.parametrize("may_end_in_zeros", [True, False])
def test_one_entry_of_zeros_is_an_entry(tmp_path: Path, may_end_in_zeros: bool) -> None:
    path = tmp_path / "index"
    path.write_bytes(bytes(8))
    assert list(inspect_offset_index(path, may_end_in_zeros=may_end_in_zeros)) == [(0, 0)]


@pytest.mark.parametrize("good", [0, 1], ids=["all", "the rest"])
def test_zeros_are_damage_where_nobody_lays_out_files_in_advance(tmp_path: Path, good: int) -> None:
    path = tmp_path / "index"
    path.write_bytes(encode_offset_entry(4, 0) * good + bytes(80))
    with pytest.raises(CorruptMessageError, match=f"index: nothing but zeros from byte {8 * good} on"):
        list(inspect_offset_index(path, may_end_in_zeros=False))
    path.write_bytes(encode_time_entry(77, 4) * good + bytes(120))
    with pytest.raises(CorruptMessageError, match=f"index: nothing but zeros from byte {12 * good} on"):
        list(inspect_time_index(path, may_end_in_zeros=False))


def test_a_cut_index_names_file_and_byte(tmp_path: Path) -> None:
    (tmp_path / "index").write_bytes(encode_offset_entry(4, 0) + b"\x01\x02")
    entries = inspect_offset_index(tmp_path / "index")
    next(entries)
    with pytest.raises(CorruptMessageError, match=r"index: byte 8: .*cut"):
        next(entries)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], []),
        ([(5, 100), (19, 200)], []),
        ([(4, 0), (5, 100), (19, 200)], []),
        ([(5, 99)], ["offset 1005, position 99: the batch there ends at offset 1005, position 100"]),
        ([(3, 0)], ["offset 1003, position 0: the batch there ends at offset 1004, position 0"]),
        ([(10, 200)], ["offset 1010, position 200: the batch there ends at offset 1019, position 200"]),
        ([(5, 100), (20, 300)], ["offset 1020: the log ends before it"]),
        ([(5, 100), (5, 100)], ["offset 1005, position 100: there twice"]),
    ],
    ids=["none", "some", "all", "position", "not the last offset", "base offset", "beyond", "twice"],
)
def test_offset_index_entries_are_compared_with_the_log(
    entries: list[tuple[int, int]], expected: list[str]
) -> None:
    rows = [OffsetIndexEntry(*entry) for entry in entries]
    found = list(offset_index_mismatches(rows, 1000, BATCHES))
    assert found == [f"index entry {what}" for what in expected]


@pytest.mark.parametrize(
    ("entries", "is_finished", "expected"),
    [
        ([(50, 4), (90, 5)], True, []),
        ([(90, 5)], True, []),
        ([(50, 4)], False, []),
        ([(50, 4)], True, ["the last entry has timestamp 50, the log goes up to 90"]),
        ([], True, ["the last entry has timestamp -1, the log goes up to 90"]),
        ([(90, 5), (70, 19)], True, ["index entry timestamp 70, offset 1019"]),
        ([(91, 5)], True, ["index entry timestamp 91, offset 1005"]),
        ([(90, 5), (95, 25)], True, ["index entry offset 1025: the log ends before it"]),
        ([(90, 5), (90, 5)], True, ["index entry timestamp 90, offset 1005"]),
    ],
    ids=["all", "largest", "unfinished", "largest missing", "empty", "falling", "other", "beyond", "twice"],
)
def test_time_index_entries_are_compared_with_the_log(
    entries: list[tuple[int, int]], is_finished: bool, expected: list[str]
) -> None:
    rows = [TimeIndexEntry(*entry) for entry in entries]
    found = list(time_index_mismatches(rows, 1000, BATCHES, is_finished=is_finished))
    assert len(found) >= len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=False))
    assert bool(found) == bool(expected)
