"""CRC-32C: both implementations against published values and against each other."""

import importlib
import random
import sys

import pytest

from quekka.formats import crc32c as module
from quekka.formats.crc32c import IMPLEMENTATION, crc32c, portable_crc32c

# RFC 3720, appendix B.4, and the check value of the CRC catalogue.
PUBLISHED = [
    (b"", 0x00000000),
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
]


@pytest.mark.parametrize(("data", "expected"), PUBLISHED)
def test_published_values(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected
    assert portable_crc32c(data) == expected


def test_both_implementations_agree_on_any_buffer_and_in_pieces(seed: int) -> None:
    rng = random.Random(seed)
    for size in (*range(70), 255, 256, 257, 1023, 4096, 65537):
        data = rng.randbytes(size)
        expected = portable_crc32c(data)
        cut = rng.randint(0, size)
        for buf in (data, bytearray(data), memoryview(data), memoryview(bytearray(b"x" + data))[1:]):
            assert crc32c(buf) == portable_crc32c(buf) == expected
            assert crc32c(buf[cut:], crc32c(buf[:cut])) == expected
            assert portable_crc32c(buf[cut:], portable_crc32c(buf[:cut])) == expected


def test_crcmod_serves_where_the_hardware_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "crc32c", None)
    try:
        importlib.reload(module)
        assert module.IMPLEMENTATION == "crcmod"
        assert module.crc32c(memoryview(b"123456789")) == 0xE3069283
    finally:
        monkeypatch.undo()
        importlib.reload(module)
    assert module.IMPLEMENTATION == IMPLEMENTATION
