"""Damage for bytes that were valid: what a stranger, a bad cable or a half-written client could send."""

import random
from collections.abc import Callable

NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0xFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""What lengths and counts are worst at: nothing, everything, and the edges of signed numbers."""
VARINTS = (
    b"\x00",
    b"\x01",
    b"\x80\x00",
    b"\xff\x7f",
    b"\xff\xff\xff\xff\x07",
    b"\xff\xff\xff\xff\x0f",
    b"\x80\x80\x80\x80\x10",
    b"\xff" * 9 + b"\x01",
    b"\xff" * 10,
    b"\x80" * 40,
)
STEPS_MAX = 4

Damage = Callable[[random.Random, bytearray], None]


def mutate(chance: random.Random, data: bytes | bytearray) -> bytearray:
    """A copy of `data` with one to `STEPS_MAX` damages; never empty where `data` was not."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, STEPS_MAX)):
        if damaged:
            chance.choice(DAMAGES)(chance, damaged)
    return damaged or bytearray(data[:1])


def _flip_bit(chance: random.Random, data: bytearray) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set_byte(chance: random.Random, data: bytearray) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


def _set_number(chance: random.Random, data: bytearray) -> None:
    size_bytes = chance.choice((1, 2, 4, 4, 8))
    number = chance.choice((*NUMBERS, len(data))) & (1 << 8 * size_bytes) - 1
    position = chance.randrange(len(data))
    data[position : position + size_bytes] = number.to_bytes(size_bytes, "big")


def _set_varint(chance: random.Random, data: bytearray) -> None:
    position = chance.randrange(len(data))
    data[position : position + chance.randint(0, 2)] = chance.choice(VARINTS)


def _truncate(chance: random.Random, data: bytearray) -> None:
    del data[chance.randrange(len(data)) :]


def _cut_out(chance: random.Random, data: bytearray) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.randint(1, 8)]


def _insert(chance: random.Random, data: bytearray) -> None:
    position = chance.randint(0, len(data))
    data[position:position] = chance.randbytes(chance.randint(1, 8))


def _repeat(chance: random.Random, data: bytearray) -> None:
    start = chance.randrange(len(data))
    end = min(len(data), start + chance.randint(1, 64))
    data[end:end] = data[start:end] * chance.choice((1, 1, 1, 20))


DAMAGES: tuple[Damage, ...] = (
    _flip_bit,
    _set_byte,
    _set_number,
    _set_varint,
    _truncate,
    _cut_out,
    _insert,
    _repeat,
)
