"""CRC-32C (Castagnoli), the checksum of record batches: in hardware where a wheel exists, else by crcmod.

`crc32c` uses the processor's own instruction, takes any buffer and lets other threads run meanwhile.
`crcmod` runs everywhere and is the oracle in the tests. IMPLEMENTATION tells which of them is at work; the
broker shows it at start and in STATS, because they differ much in speed.

Continuing: `crc32c(b, crc32c(a)) == crc32c(a + b)`.
"""

from collections.abc import Callable
from typing import cast

from crcmod.predefined import mkPredefinedCrcFun

from quekka.formats import Buffer

_CrcFunction = Callable[[Buffer, int], int]

_crcmod_crc32c: _CrcFunction = mkPredefinedCrcFun("crc-32c")


def portable_crc32c(data: Buffer, crc: int = 0) -> int:
    """The checksum of `data`, continued from `crc`, by crcmod."""
    # crcmod's pure Python form walks a memoryview, its C extension wants bytes; bytes serve both.
    return _crcmod_crc32c(data if isinstance(data, bytes) else bytes(data), crc)


def _choose() -> tuple[str, Callable[..., int]]:
    try:
        import crc32c as hardware
    except ImportError:
        return "crcmod", portable_crc32c
    return "crc32c", cast(Callable[..., int], hardware.crc32c)


IMPLEMENTATION, _function = _choose()
"""The package that does the work: "crc32c" or "crcmod"."""


def crc32c(data: Buffer, crc: int = 0) -> int:
    """The checksum of `data`, continued from `crc`: an unsigned number of 32 bits."""
    return _function(data, crc)
