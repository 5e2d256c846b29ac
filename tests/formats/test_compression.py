"""Codecs: what they write, what they read, and that a bomb costs no more than the limit."""

import gzip
import random
import struct
import subprocess
import sys
import tracemalloc
import zlib

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quekka.errors import CorruptMessageError, MessageTooLargeError, UnsupportedCompressionTypeError
from quekka.formats.compression import (
    CODEC_NAMES,
    GZIP,
    LZ4,
    NONE,
    SNAPPY,
    ZSTD,
    begins_as,
    check_codec,
    codec_number,
    compress,
    decompress,
)

FUZZ = settings(derandomize=True, deadline=None, max_examples=100)
CODECS = [GZIP, SNAPPY, LZ4, ZSTD]
MIB = 1024 * 1024
XERIAL_HEADER = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"


def codec_name(codec: object) -> str:
    return CODEC_NAMES[codec] if isinstance(codec, int) else str(codec)


def for_codecs(*codecs: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("codec", codecs or CODECS, ids=codec_name)


def test_numbers_are_those_of_the_attributes() -> None:
    assert [codec_number(name) for name in ("none", "gzip", "snappy", "lz4", "zstd")] == [0, 1, 2, 3, 4]
    assert (NONE, GZIP, SNAPPY, LZ4, ZSTD) == (0, 1, 2, 3, 4)


def test_unknown_names_are_refused_with_those_that_exist() -> None:
    with pytest.raises(UnsupportedCompressionTypeError, match="'brotli' is none of none, gzip, snappy"):
        codec_number("brotli")


@pytest.mark.parametrize("codec", [5, 6, 7, -1])
def test_unknown_numbers_are_refused(codec: int) -> None:
    for call in (
        lambda: check_codec(codec),
        lambda: compress(codec, b""),
        lambda: decompress(codec, b"", 1),
    ):
        with pytest.raises(UnsupportedCompressionTypeError, match=f"the number {codec}"):
            call()


@for_codecs(NONE, *CODECS)
@pytest.mark.parametrize("size", [0, 1, 100, 32 * 1024, 32 * 1024 + 1, 300_000])
def test_any_buffer_comes_back(codec: int, size: int, seed: int) -> None:
    rng = random.Random(seed)
    data = (rng.randbytes(100) * (size // 50 + 1))[:size]
    for form in (bytes, bytearray, memoryview):
        compressed = compress(codec, form(data))
        assert isinstance(compressed, bytes)
        result = decompress(codec, form(compressed), size)
        assert isinstance(result, bytes)
        assert result == data


@for_codecs(NONE, *CODECS)
def test_a_codec_is_told_by_its_first_bytes(codec: int) -> None:
    assert begins_as(codec, memoryview(compress(codec, b"")))
    assert begins_as(codec, compress(codec, bytes(1000)))
    assert begins_as(codec, b"\x00\x01\x02\x03") == (codec in (NONE, SNAPPY))


def test_gzip_is_a_gzip_member() -> None:
    assert gzip.decompress(compress(GZIP, b"record" * 99)) == b"record" * 99


def test_snappy_is_written_as_java_does() -> None:
    data = bytes(32 * 1024) + b"second block"
    compressed = compress(SNAPPY, data)
    assert compressed.startswith(XERIAL_HEADER)
    (first_size,) = struct.unpack_from(">i", compressed, 16)
    first = compressed[20 : 20 + first_size]
    assert bytes(cramjam.snappy.decompress_raw(first)) == bytes(32 * 1024)
    second = compressed[20 + first_size :]
    assert struct.unpack_from(">i", second) == (len(second) - 4,)
    assert bytes(cramjam.snappy.decompress_raw(second[4:])) == b"second block"


def test_snappy_is_read_raw_as_librdkafka_writes_it() -> None:
    data = b"record" * 1000
    assert decompress(SNAPPY, bytes(cramjam.snappy.compress_raw(data)), len(data)) == data


def test_lz4_blocks_do_not_depend_on_each_other() -> None:
    compressed = compress(LZ4, bytes(300_000))
    assert compressed[:4] == bytes.fromhex("04224d18")
    version, independent, content_size = compressed[4] >> 6, compressed[4] & 0x20, compressed[4] & 0x08
    assert (version, independent, content_size) == (1, 0x20, 0)


@for_codecs(LZ4)
def test_lz4_with_dependent_blocks_is_read(codec: int) -> None:
    data = b"depends on what was before " * 10_000
    compressed = bytes(cramjam.lz4.compress(data))
    assert not compressed[4] & 0x20
    assert decompress(codec, compressed, len(data)) == data


@for_codecs(GZIP, LZ4, ZSTD)
def test_members_and_frames_in_a_row_are_one_text(codec: int) -> None:
    pieces = [b"a" * 100_000, b"", b"b" * 50, b"c"]
    joined = b"".join(compress(codec, piece) for piece in pieces)
    assert decompress(codec, joined, 200_000) == b"".join(pieces)


@for_codecs(NONE, *CODECS)
def test_limit_is_exact(codec: int) -> None:
    data = b"record" * 20_000
    compressed = compress(codec, data)
    assert decompress(codec, compressed, len(data)) == data
    for limit in (len(data) - 1, 1, 0):
        with pytest.raises(MessageTooLargeError, match=f"more than {limit} bytes"):
            decompress(codec, compressed, limit)


@for_codecs(GZIP, LZ4, ZSTD)
def test_limit_counts_all_members_and_frames(codec: int) -> None:
    frame = compress(codec, bytes(1000))
    assert decompress(codec, frame * 10, 10_000) == bytes(10_000)
    with pytest.raises(MessageTooLargeError):
        decompress(codec, frame * 10, 9_999)


@for_codecs()
def test_bomb_is_refused_with_little_memory(codec: int) -> None:
    bomb = compress(codec, bytes(64 * MIB))
    assert len(bomb) < 4 * MIB
    tracemalloc.start()
    try:
        with pytest.raises(MessageTooLargeError):
            decompress(codec, bomb, MIB)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 3 * MIB


BOMB_SCRIPT = """
import resource, sys
from quekka.errors import MessageTooLargeError
from quekka.formats.compression import compress, decompress

codec = int(sys.argv[1])
frame = compress(codec, bytes(8 << 20))
bomb = frame * 32 if codec != 2 else frame + frame[16:] * 31
decompress(codec, compress(codec, b"warm"), 100)
with open("/proc/self/statm") as statm:
    size = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (16 << 20), resource.RLIM_INFINITY))
try:
    decompress(codec, bomb, 1 << 20)
except MessageTooLargeError:
    print("refused")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/statm")
@for_codecs()
def test_bomb_is_refused_where_the_system_gives_no_more_memory(codec: int) -> None:
    """256 MiB in disguise, in a process that can have 16 MiB more: what libraries do inside counts too."""
    done = subprocess.run(
        [sys.executable, "-c", BOMB_SCRIPT, str(codec)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "refused\n", "")


def zstd_frame(descriptor: int, header: bytes, run_bytes: int) -> bytes:
    """A frame whose one block repeats a byte."""
    block = struct.pack("<I", run_bytes << 3 | 1 << 1 | 1)[:3] + b"A"
    return struct.pack("<I", 0xFD2FB528) + bytes([descriptor]) + header + block


DAMAGED = [
    ("gzip_empty", GZIP, b"", "gzip: cut"),
    ("gzip_garbage", GZIP, b"no gzip at all", "gzip: .*incorrect header"),
    ("gzip_zlib_container", GZIP, zlib.compress(b"x"), "gzip: .*incorrect header"),
    ("gzip_cut", GZIP, gzip.compress(b"record" * 99)[:-1], "gzip: cut"),
    ("gzip_wrong_crc", GZIP, gzip.compress(b"record")[:-8] + bytes(8), "gzip: .*incorrect data check"),
    ("gzip_garbage_behind", GZIP, gzip.compress(b"record") + b"garbage", "gzip: .*incorrect header"),
    ("snappy_empty", SNAPPY, b"", "snappy: .*empty"),
    ("snappy_header_cut", SNAPPY, XERIAL_HEADER[:-1], "snappy: a header of 16 bytes, there are 15"),
    ("snappy_length_cut", SNAPPY, XERIAL_HEADER + b"\x00\x00", "snappy: byte 16: the block length is cut"),
    (
        "snappy_block_cut",
        SNAPPY,
        XERIAL_HEADER + b"\x00\x00\x00\x09abc",
        "snappy: byte 16: a block of 9 bytes, 3",
    ),
    ("snappy_block_empty", SNAPPY, XERIAL_HEADER + bytes(4), "snappy: byte 16: a block of 0 bytes"),
    ("snappy_block_negative", SNAPPY, XERIAL_HEADER + b"\xff" * 8, "snappy: byte 16: a block of -1 bytes"),
    ("snappy_block_damaged", SNAPPY, XERIAL_HEADER + b"\x00\x00\x00\x02\x05\xff", "snappy: corrupt"),
    ("snappy_raw_cut", SNAPPY, bytes(cramjam.snappy.compress_raw(b"record" * 99))[:-2], "snappy: corrupt"),
    ("lz4_empty", LZ4, b"", "lz4: "),
    ("lz4_garbage", LZ4, b"no lz4 frame at all", "lz4: "),
    ("lz4_cut", LZ4, compress(LZ4, b"record" * 99)[:-6], "lz4: "),
    ("zstd_empty", ZSTD, b"", "zstd: "),
    ("zstd_garbage", ZSTD, b"no zstd frame at all", "zstd: "),
    ("zstd_cut", ZSTD, compress(ZSTD, b"record" * 99)[:-1], "zstd: "),
    ("zstd_window_of_2_gib", ZSTD, zstd_frame(0x00, bytes([21 << 3]), 100), "zstd: .*too much memory"),
    ("zstd_says_2_to_the_62", ZSTD, zstd_frame(0xE0, struct.pack("<Q", 2**62), 100), "zstd: "),
    ("zstd_says_100_mib", ZSTD, zstd_frame(0xA0, struct.pack("<I", 100 * MIB), 100), "zstd: "),
]


@pytest.mark.parametrize(
    ("codec", "data", "problem"), [case[1:] for case in DAMAGED], ids=[case[0] for case in DAMAGED]
)
def test_damage_is_told(codec: int, data: bytes, problem: str) -> None:
    with pytest.raises(CorruptMessageError, match=problem):
        decompress(codec, data, MIB)


def test_snappy_stated_length_alone_allocates_nothing() -> None:
    lie = b"\xff\xff\xff\xff\x0f" + b"abc"
    with pytest.raises(MessageTooLargeError):
        decompress(SNAPPY, lie, MIB)


@for_codecs(SNAPPY, LZ4, ZSTD)
def test_missing_library_is_named_with_the_extra_that_brings_it(
    codec: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cramjam", None)
    for call in (
        lambda: check_codec(codec),
        lambda: compress(codec, b""),
        lambda: decompress(codec, b"", 1),
    ):
        with pytest.raises(
            UnsupportedCompressionTypeError, match=rf"{CODEC_NAMES[codec]} needs .*quekka\[codecs\]"
        ):
            call()


@for_codecs(NONE, GZIP)
def test_codecs_of_python_itself_need_no_library(codec: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cramjam", None)
    check_codec(codec)
    assert decompress(codec, compress(codec, b"record"), 6) == b"record"


@FUZZ
@given(st.sampled_from(CODECS), st.binary(max_size=100), st.integers(1, 100), st.data())
def test_damaged_bytes_are_decompressed_within_the_limit_or_refused(
    codec: int, text: bytes, times: int, data: st.DataObject
) -> None:
    damaged = bytearray(compress(codec, text * times))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(len(damaged) // 2, len(damaged))) :]
    try:
        result = decompress(codec, damaged, 10_000)
    except (CorruptMessageError, MessageTooLargeError):
        return
    assert len(result) <= 10_000
