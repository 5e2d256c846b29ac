"""Damage done to files at rest: a table of what disks, crashes and people do to them.

Each takes the file and a random generator, changes something, and says what. None looks at what the file is
for, but for those that know its name.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

SECTOR_BYTES = 512

Damage = Callable[[Path, Random], str]
Edit = Callable[[bytearray, Random], str]


def _some_range(size_bytes: int, rng: Random) -> tuple[int, int]:
    start = rng.randrange(size_bytes)
    return start, rng.randint(start + 1, min(size_bytes, start + rng.choice((4, 64, 1024))))


def flip_bits(data: bytearray, rng: Random) -> str:
    places = [(rng.randrange(len(data)), rng.randrange(8)) for _ in range(rng.choice((1, 1, 1, 5)))]
    for at, bit in places:
        data[at] ^= 1 << bit
    return f"bits flipped at {sorted(places)}"


def zero_range(data: bytearray, rng: Random) -> str:
    start, end = _some_range(len(data), rng)
    data[start:end] = bytes(end - start)
    return f"zeros from {start} to {end}"


def zero_sector(data: bytearray, rng: Random) -> str:
    start = rng.randrange(0, len(data), SECTOR_BYTES)
    end = min(len(data), start + SECTOR_BYTES)
    data[start:end] = bytes(end - start)
    return f"the sector at {start} zeroed"


def overwrite_range(data: bytearray, rng: Random) -> str:
    start, end = _some_range(len(data), rng)
    data[start:end] = rng.randbytes(end - start)
    return f"noise from {start} to {end}"


def cut(data: bytearray, rng: Random) -> str:
    size_bytes = rng.randrange(len(data))
    del data[size_bytes:]
    return f"cut at {size_bytes}"


def cut_front(data: bytearray, rng: Random) -> str:
    size_bytes = rng.randint(1, len(data))
    del data[:size_bytes]
    return f"the first {size_bytes} bytes gone"


def add_zeros(data: bytearray, rng: Random) -> str:
    count = rng.choice((1, 3, 61, 100, 4096))
    data += bytes(count)
    return f"{count} zeros added"


def add_noise(data: bytearray, rng: Random) -> str:
    count = rng.choice((1, 3, 61, 100, 4096))
    data += rng.randbytes(count)
    return f"{count} bytes of noise added"


def repeat_range(data: bytearray, rng: Random) -> str:
    start, end = _some_range(len(data), rng)
    data[end:end] = data[start:end]
    return f"{start} to {end} there twice"


def repeat_all(data: bytearray, rng: Random) -> str:
    data += bytes(data)
    return "all there twice"


def remove_range(data: bytearray, rng: Random) -> str:
    start, end = _some_range(len(data), rng)
    del data[start:end]
    return f"{start} to {end} taken out"


def swap_ranges(data: bytearray, rng: Random) -> str:
    size_bytes = min(len(data) // 2, rng.choice((1, 8, 61, SECTOR_BYTES)))
    if not size_bytes:
        return flip_bits(data, rng)
    first = rng.randrange(len(data) - 2 * size_bytes + 1)
    second = rng.randint(first + size_bytes, len(data) - size_bytes)
    one, two = data[first : first + size_bytes], data[second : second + size_bytes]
    data[first : first + size_bytes], data[second : second + size_bytes] = two, one
    return f"{size_bytes} bytes at {first} and {second} swapped"


def huge_number(data: bytearray, rng: Random) -> str:
    """One of the numbers in a text, or four bytes of anything else, becomes an extreme one."""
    found = list(re.finditer(rb"\d+", data))
    if not found or not data.isascii():
        at = rng.randrange(max(1, len(data) - 3))
        data[at : at + 4] = rng.choice((b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff" * 4))
        return f"an extreme number at {at}"
    number = rng.choice(found)
    new = rng.choice((b"9223372036854775807", b"-1", b"2147483648", b"9" * 30, b"100000000", b"1e400"))
    data[number.start() : number.end()] = new
    return f"{number[0]!r} at {number.start()} now {new!r}"


def other_version(data: bytearray, rng: Random) -> str:
    """The first number of a text, or the first two bytes."""
    found = re.search(rb"\d+", data)
    if found is None or not data.isascii():
        data[:2] = b"\x00\x63"
        return "version 99 in the first bytes"
    data[found.start() : found.end()] = b"99"
    return "version 99"


EDITS: tuple[Edit, ...] = (
    flip_bits, zero_range, zero_sector, overwrite_range, cut, cut_front, add_zeros, add_noise, repeat_range,
    repeat_all, remove_range, swap_ranges, huge_number, other_version,
)  # fmt: skip


def _edited(edit: Edit) -> Damage:
    def damage(path: Path, rng: Random) -> str:
        data = bytearray(path.read_bytes())
        what = edit(data, rng) if data else add_noise(data, rng)
        path.write_bytes(data)
        return what

    damage.__name__ = edit.__name__
    return damage


def remove(path: Path, rng: Random) -> str:
    path.unlink()
    return "removed"


def empty(path: Path, rng: Random) -> str:
    path.write_bytes(b"")
    return "emptied"


def make_directory(path: Path, rng: Random) -> str:
    path.unlink()
    path.mkdir()
    return "a directory in its place"


def make_full_directory(path: Path, rng: Random) -> str:
    make_directory(path, rng)
    (path / "file").write_bytes(b"something")
    return "a directory with a file in its place"


def make_dangling_link(path: Path, rng: Random) -> str:
    path.unlink()
    path.symlink_to("/nonexistent/nowhere")
    return "a link to nowhere in its place"


def make_circular_link(path: Path, rng: Random) -> str:
    path.unlink()
    path.symlink_to(path.name)
    return "a link to itself in its place"


def make_unreadable(path: Path, rng: Random) -> str:
    path.chmod(0)
    return "without permissions" + (" (root reads it all the same)" if os.geteuid() == 0 else "")


def copy_to_another_offset(path: Path, rng: Random) -> str:
    """A segment's or snapshot's file once more under another base offset."""
    target = _with_another_offset(path, rng)
    if target is None or target.exists():
        return flip_file_bits(path, rng)
    shutil.copyfile(path, target)
    return f"there as {target.name} too"


def move_to_another_offset(path: Path, rng: Random) -> str:
    target = _with_another_offset(path, rng)
    if target is None:
        return flip_file_bits(path, rng)
    path.replace(target)
    return f"named {target.name} now"


def move_to_misspelt_name(path: Path, rng: Random) -> str:
    target = path.with_name(rng.choice((path.name[1:], f"{path.name}~", f"x{path.name}")))
    path.replace(target)
    return f"named {target.name} now"


def swap_with_sibling(path: Path, rng: Random) -> str:
    siblings = sorted(p for p in path.parent.glob(f"*{path.suffix}") if p != path and p.is_file())
    if not siblings or not path.suffix:
        return flip_file_bits(path, rng)
    other = rng.choice(siblings)
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)
    return f"swapped with {other.name}"


def _with_another_offset(path: Path, rng: Random) -> Path | None:
    digits, suffix = path.name[:20], path.name[20:]
    if not digits.isdigit():
        return None
    offset = max(0, int(digits) + rng.choice((-7, -1, 1, 5, 1000, 10**9, 10**18, 9 * 10**18)))
    return path.with_name(f"{offset:020d}{suffix}")


flip_file_bits = _edited(flip_bits)

DAMAGES: tuple[Damage, ...] = (
    *map(_edited, EDITS), remove, empty, make_directory, make_full_directory, make_dangling_link,
    make_circular_link, make_unreadable, copy_to_another_offset, move_to_another_offset,
    move_to_misspelt_name, swap_with_sibling,
)  # fmt: skip
