"""The codecs of record batches, by the numbers in their attributes.

    0 none     1 gzip     2 snappy     3 lz4     4 zstd

gzip comes with Python, the others with `cramjam` (extra `quekka[codecs]`), imported when it is first needed.
Decompression stops at `max_bytes` of output, however small the input is and whatever size it claims to have.

Forms (source: org.apache.kafka.common.compress): gzip members (RFC 1952); LZ4 frames, written with blocks
that do not depend on each other, as Java reads no others; Zstandard frames (RFC 8878); snappy either as one
raw block, as librdkafka writes it, or in blocks behind the header of the xerial library, as Java does and
as is done here:

    +--------------------------------+-----------+------------------------+----------------+-------+
    | 82 53 4e 41 50 50 59 00      8 | version 4 | compatible version   4 | block length 4 | block | ...
    +--------------------------------+-----------+------------------------+----------------+-------+
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from types import ModuleType

from quekka.errors import CorruptMessageError, MessageTooLargeError, UnsupportedCompressionTypeError
from quekka.formats import Buffer

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
CODEC_NAMES = ("none", "gzip", "snappy", "lz4", "zstd")

# As Kafka's producer where no level is set; 1 is LZ4's fast compressor.
_GZIP_LEVEL = 6
_LZ4_LEVEL = 1
_ZSTD_LEVEL = 3
_GZIP_WBITS = 31
"""zlib's word for the gzip container."""
_GZIP_PIECE_BYTES = 16 * 1024
"""Input for zlib at once: it copies what follows the end of a member, and there may be many members."""

_FIRST_BYTES = {GZIP: b"\x1f\x8b", LZ4: b"\x04\x22\x4d\x18", ZSTD: b"\x28\xb5\x2f\xfd"}
_FIRST_BYTES_MAX = 4

_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = _XERIAL_MAGIC + struct.pack(">ii", 1, 1)
_XERIAL_BLOCK_BYTES = 32 * 1024
_BLOCK_LENGTH = struct.Struct(">i")

_FIRST_OUTPUT_BYTES = 64 * 1024
_EXPECTED_RATIO = 8
_OUTPUT_GROWTH = 4
_NO_ROOM = "failed to write whole buffer"
"""In cramjam's error when the output is full: the words of Rust's standard library."""


def codec_number(name: str) -> int:
    """The number of the codec called `name`; raises UnsupportedCompressionTypeError."""
    try:
        return CODEC_NAMES.index(name)
    except ValueError:
        raise UnsupportedCompressionTypeError(f"{name!r} is none of {', '.join(CODEC_NAMES)}") from None


def check_codec(codec: int) -> None:
    """Raise UnsupportedCompressionTypeError where `codec` does not exist or its library is not installed."""
    if codec not in _CODECS:
        raise UnsupportedCompressionTypeError(f"no codec has the number {codec}")
    if codec in (SNAPPY, LZ4, ZSTD):
        _cramjam(codec)


def begins_as(codec: int, data: Buffer) -> bool:
    """Whether the first bytes are those of the codec's form; a raw block of snappy may begin with any."""
    return bytes(data[:_FIRST_BYTES_MAX]).startswith(_FIRST_BYTES.get(codec, b""))


def compress(codec: int, data: Buffer) -> bytes:
    """`data` compressed; raises UnsupportedCompressionTypeError."""
    check_codec(codec)
    return _CODECS[codec][0](data)


def decompress(codec: int, data: Buffer, max_bytes: int) -> bytes:
    """`data` decompressed.

    Raises CorruptMessageError where it is damaged, MessageTooLargeError where it would come to more than
    `max_bytes`, and UnsupportedCompressionTypeError.
    """
    check_codec(codec)
    return _CODECS[codec][1](data, max_bytes)


def _cramjam(codec: int) -> ModuleType:
    try:
        import cramjam
    except ImportError:
        raise UnsupportedCompressionTypeError(
            f"{CODEC_NAMES[codec]} needs a library that is not installed: pip install 'quekka[codecs]'"
        ) from None
    return cramjam


def _too_large(max_bytes: int) -> MessageTooLargeError:
    return MessageTooLargeError(f"decompresses to more than {max_bytes} bytes")


def _corrupt(codec: int, error: Exception) -> CorruptMessageError:
    name = CODEC_NAMES[codec]
    return CorruptMessageError(f"{name}: {str(error).removeprefix(f'{name}: ')}")


def _plain(data: Buffer) -> bytes:
    return bytes(data)


def _plain_within(data: Buffer, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    return bytes(data)


def _gzip(data: Buffer) -> bytes:
    return zlib.compress(data, _GZIP_LEVEL, wbits=_GZIP_WBITS)


def _gunzip(data: Buffer, max_bytes: int) -> bytes:
    return b"".join(_gunzip_pieces(memoryview(data), max_bytes))


def _gunzip_pieces(data: memoryview, max_bytes: int) -> Iterator[bytes]:
    room_bytes = max_bytes
    position = 0
    member = zlib.decompressobj(_GZIP_WBITS)
    while not member.eof or position < len(data):
        if member.eof:
            member = zlib.decompressobj(_GZIP_WBITS)
        piece = data[position : position + _GZIP_PIECE_BYTES]
        if not piece:
            raise CorruptMessageError(f"gzip: cut by the end at byte {position}")
        try:
            # One more than there is room for: zlib takes a limit of 0 for none.
            output = member.decompress(piece, room_bytes + 1)
        except zlib.error as error:
            raise CorruptMessageError(f"gzip: {error}, at byte {position} or later") from None
        room_bytes -= len(output)
        if room_bytes < 0:
            raise _too_large(max_bytes)
        yield output
        position += len(piece) - len(member.unused_data)


def _snappy_compress(data: Buffer) -> bytes:
    compress_raw = _cramjam(SNAPPY).snappy.compress_raw
    view = memoryview(data)
    parts = [_XERIAL_HEADER]
    for start in range(0, len(view), _XERIAL_BLOCK_BYTES):
        block = bytes(compress_raw(view[start : start + _XERIAL_BLOCK_BYTES]))
        parts += (_BLOCK_LENGTH.pack(len(block)), block)
    return b"".join(parts)


def _snappy_decompress(data: Buffer, max_bytes: int) -> bytes:
    view = memoryview(data)
    is_xerial = view[: len(_XERIAL_MAGIC)] == _XERIAL_MAGIC
    blocks = _xerial_blocks(view) if is_xerial else iter((view,))
    output = bytearray()
    for block in blocks:
        output += _snappy_block(block, max_bytes - len(output), max_bytes)
    return bytes(output)


def _xerial_blocks(view: memoryview) -> Iterator[memoryview]:
    position = len(_XERIAL_HEADER)
    if len(view) < position:
        raise CorruptMessageError(f"snappy: a header of {position} bytes, there are {len(view)}")
    while position < len(view):
        start = position + _BLOCK_LENGTH.size
        if start > len(view):
            raise CorruptMessageError(f"snappy: byte {position}: the block length is cut")
        (length,) = _BLOCK_LENGTH.unpack_from(view, position)
        if not 0 < length <= len(view) - start:
            raise CorruptMessageError(
                f"snappy: byte {position}: a block of {length} bytes, {len(view) - start} are left"
            )
        position = start + length
        yield view[start:position]


def _snappy_block(block: memoryview, room_bytes: int, max_bytes: int) -> bytearray:
    cramjam = _cramjam(SNAPPY)
    try:
        size_bytes = cramjam.snappy.decompress_raw_len(block)
        if size_bytes > room_bytes:
            raise _too_large(max_bytes)
        output = bytearray(size_bytes)
        cramjam.snappy.decompress_raw_into(block, output)
    except cramjam.DecompressionError as error:
        raise _corrupt(SNAPPY, error) from None
    return output


def _lz4_compress(data: Buffer) -> bytes:
    # The one-shot function of cramjam makes blocks that depend on each other.
    compressor = _cramjam(LZ4).lz4.Compressor(level=_LZ4_LEVEL, content_checksum=False, block_linked=False)
    compressor.compress(bytes(data))
    return bytes(compressor.finish())


def _zstd_compress(data: Buffer) -> bytes:
    return bytes(_cramjam(ZSTD).zstd.compress(data, level=_ZSTD_LEVEL))


def _lz4_decompress(data: Buffer, max_bytes: int) -> bytes:
    return _decompress_within(LZ4, data, max_bytes)


def _zstd_decompress(data: Buffer, max_bytes: int) -> bytes:
    return _decompress_within(ZSTD, data, max_bytes)


def _decompress_within(codec: int, data: Buffer, max_bytes: int) -> bytes:
    """Decompress into fixed buffers, each larger than the last, up to `max_bytes`.

    cramjam writes no further than the buffer it is given, and what a frame says of its size may be a lie.
    """
    cramjam = _cramjam(codec)
    decompress_into = getattr(cramjam, CODEC_NAMES[codec]).decompress_into
    for size_bytes in _output_sizes(len(data), max_bytes):
        output = bytearray(size_bytes)
        try:
            length = decompress_into(data, output)
        except cramjam.DecompressionError as error:
            if _NO_ROOM not in str(error):
                raise _corrupt(codec, error) from None
        else:
            return bytes(memoryview(output)[:length])
    raise _too_large(max_bytes)


def _output_sizes(input_bytes: int, max_bytes: int) -> Iterator[int]:
    size_bytes = max(_FIRST_OUTPUT_BYTES, _EXPECTED_RATIO * input_bytes)
    while size_bytes < max_bytes:
        yield size_bytes
        size_bytes *= _OUTPUT_GROWTH
    yield max_bytes


_CODECS: dict[int, tuple[Callable[[Buffer], bytes], Callable[[Buffer, int], bytes]]] = {
    NONE: (_plain, _plain_within),
    GZIP: (_gzip, _gunzip),
    SNAPPY: (_snappy_compress, _snappy_decompress),
    LZ4: (_lz4_compress, _lz4_decompress),
    ZSTD: (_zstd_compress, _zstd_decompress),
}
