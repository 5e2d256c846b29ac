"""scan_segment: every byte is a checked batch or damage, and damage ends where batches begin again."""

import random
from pathlib import Path

import pytest

from quekka.formats.record_batch import patch_offsets
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.batch_walk import BatchSpan
from quekka.storage.damage_scan import Damage, offset_before_name, scan_segment
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import FILES

END = 2**63 - 1


def make_batch(base_offset: int, *values: bytes) -> bytes:
    builder = BatchBuilder(1)
    for value in values or (b"value of %d" % base_offset,):
        builder.append(None, value)
    batch = builder.build()
    patch_offsets(batch, base_offset, 0)
    return bytes(batch)


def scan(path: Path, data: bytes, base_offset: int = 0, end_offset: int = END) -> list[BatchSpan | Damage]:
    path.write_bytes(data)
    file = OpenFile(FILES, path, FILES.open_read(path))
    found = list(scan_segment(file, len(data), base_offset, end_offset))
    positions = [item.position for item in found] + [len(data)]
    assert positions == [0, *(item.end_position for item in found)]
    return found


def kinds(found: list[BatchSpan | Damage]) -> str:
    return "".join("D" if isinstance(item, Damage) else "b" for item in found)


GOOD = [make_batch(0), make_batch(1, b"x", b"y"), make_batch(3, bytes(3000)), make_batch(4)]


def flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def test_a_good_segment_is_all_batches(tmp_path: Path) -> None:
    found = scan(tmp_path / "log", b"".join(GOOD))
    assert kinds(found) == "bbbb"
    assert [item.last_offset for item in found if isinstance(item, BatchSpan)] == [0, 2, 3, 4]


def test_an_empty_segment_is_nothing(tmp_path: Path) -> None:
    assert scan(tmp_path / "log", b"") == []


DAMAGES = {
    "a flipped bit in a record": ([GOOD[0], flip(GOOD[1], 65), GOOD[2], GOOD[3]], "bDbb", "CRC-32C"),
    "a flipped bit in the magic": ([GOOD[0], flip(GOOD[1], 16), GOOD[2], GOOD[3]], "bDbb", "magic"),
    "a negative length": ([GOOD[0], flip(GOOD[1], 8), GOOD[2], GOOD[3]], "bDbb", "less than the header"),
    "a length beyond the end": ([GOOD[0], flip(GOOD[1], 9), GOOD[2], GOOD[3]], "bDbb", "are left"),
    "zeros in the middle": ([GOOD[0], bytes(500), GOOD[1]], "bDb", "magic 0"),
    "zeros at the end": ([GOOD[0], bytes(5000)], "bD", "magic 0"),
    "a torn last batch": ([GOOD[0], GOOD[1][:-1]], "bD", "are left"),
    "less than a header": ([GOOD[0], GOOD[1][:20]], "bD", "20 are left"),
    "nothing but damage": ([b"\x02" * 300], "D", ""),
    "the same batch twice": ([GOOD[0], GOOD[0], GOOD[1]], "bDb", "offsets 0 to 0 are not within 1"),
    "two places": ([flip(GOOD[0], 61), GOOD[1], flip(GOOD[2], 100), GOOD[3]], "DbDb", "CRC-32C"),
    "two neighbours": ([flip(GOOD[0], 61), flip(GOOD[1], 65), GOOD[2]], "Db", "CRC-32C"),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "expected", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_ends_where_whole_batches_begin_again(
    tmp_path: Path, parts: list[bytes], expected: str, message: str
) -> None:
    found = scan(tmp_path / "log", b"".join(parts))
    assert kinds(found) == expected
    damage = next(item for item in found if isinstance(item, Damage))
    assert message in damage.what
    assert "log:" not in damage.what


def test_a_base_offset_that_jumps_ahead_is_the_damage_and_not_the_batches_after_it(tmp_path: Path) -> None:
    found = scan(tmp_path / "log", GOOD[0] + flip(GOOD[1], 4) + GOOD[2] + GOOD[3])
    assert kinds(found) == "bDbb"
    assert isinstance(found[1], Damage)
    assert found[1].what == "base offset 4278190081 is too large"


@pytest.mark.parametrize(
    ("data", "base_offset", "expected"),
    [
        (b"".join(GOOD), 0, None),
        (b"".join(GOOD), 2, 0),
        (b"".join(GOOD), 10**18, 0),
        (b"".join(GOOD[2:]), 0, None),
        (GOOD[0], 2, None),
        (GOOD[0] + GOOD[2], 2, None),
        (flip(GOOD[0], 65) + GOOD[1], 7, None),
        (b"", 7, None),
        (bytes(300), 7, None),
    ],
    ids=["right", "later", "far", "compacted", "one", "one_flipped", "damaged", "empty", "zeros"],
)  # fmt: skip
def test_a_wrong_name_is_told_by_two_batches(
    tmp_path: Path, data: bytes, base_offset: int, expected: int | None
) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    file = OpenFile(FILES, path, FILES.open_read(path))
    assert offset_before_name(file, len(data), base_offset) == expected


def lost(found: list[BatchSpan | Damage]) -> list[tuple[int, int]]:
    return [(item.first_offset, item.end_offset) for item in found if isinstance(item, Damage)]


def test_damage_says_which_offsets_are_lost_where_something_comes_after_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert lost(scan(path, GOOD[0] + flip(GOOD[1], 65) + GOOD[2])) == [(1, 3)]
    assert lost(scan(path, GOOD[0] + flip(GOOD[1], 4) + GOOD[2])) == [(1, 3)]
    assert lost(scan(path, flip(GOOD[0], 65) + GOOD[1])) == [(0, 1)]
    assert lost(scan(path, GOOD[0] + GOOD[1][:-1], end_offset=7)) == [(1, 7)]
    assert lost(scan(path, GOOD[0] + GOOD[1][:-1])) == [(1, 0)]


def test_a_gap_in_the_offsets_is_no_damage(tmp_path: Path) -> None:
    assert kinds(scan(tmp_path / "log", GOOD[0] + make_batch(700) + make_batch(9000))) == "bbb"


def test_offsets_outside_the_segment_are_damage(tmp_path: Path) -> None:
    data = b"".join(GOOD)
    assert kinds(scan(tmp_path / "log", data, base_offset=1)) == "Dbbb"
    assert kinds(scan(tmp_path / "log", data, end_offset=4)) == "bbbD"


def test_a_batch_inside_a_record_is_not_mistaken_for_the_next_one(tmp_path: Path) -> None:
    holder = make_batch(5, b"----" + make_batch(0) + b"----")
    found = scan(tmp_path / "log", flip(holder, 61) + make_batch(6), base_offset=5)
    assert kinds(found) == "Db"
    assert found[0].size_bytes == len(holder)


def test_a_search_among_what_looks_like_batches_ends(tmp_path: Path) -> None:
    look_alike = flip(make_batch(7, bytes(2_000)), 1_000)[:200]
    data = b"\xff" * 10 + look_alike * 2_000
    assert kinds(scan(tmp_path / "log", data)) == "D"


def test_damage_across_the_chunks_of_the_search_is_passed(tmp_path: Path) -> None:
    data = GOOD[0] + bytes((1 << 20) - len(GOOD[0]) - 30) + make_batch(9)
    assert kinds(scan(tmp_path / "log", data)) == "bDb"


def test_random_damage_costs_only_the_batches_it_hits(tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    batches = [make_batch(offset, generator.randbytes(generator.randrange(400))) for offset in range(60)]
    starts = [sum(map(len, batches[:index])) for index in range(60)]
    data = bytearray(b"".join(batches))
    hit = set()
    for _ in range(6):
        position = generator.randrange(len(data))
        index = max(i for i, start in enumerate(starts) if start <= position)
        # The leader epoch is outside the CRC, and nothing depends on it.
        if not 12 <= position - starts[index] < 16:
            data[position] ^= 1 << generator.randrange(8)
            hit.add(index)
    found = scan(tmp_path / "log", bytes(data))
    survivors = {starts.index(item.position) for item in found if isinstance(item, BatchSpan)}
    assert survivors >= set(range(60)) - hit
