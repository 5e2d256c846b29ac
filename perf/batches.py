"""Record batches of a wanted size, made before the clock starts."""

from quekka.formats.record_batch_builder import BatchBuilder

# More than a record's own fields can take around a value of up to 2 MiB: six varints and the attributes byte.
RECORD_OVERHEAD_BYTES = 16
BATCH_HEADER_BYTES = 61
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_size(text: str) -> int:
    """`64k`, `1m`, `10g` or plain digits; raises ValueError."""
    digits, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "")
    if not (digits.isascii() and digits.isdigit() and unit in UNITS):
        raise ValueError(f"{text!r} is no number, nor one with k, m or g")
    return int(digits) * UNITS[unit]


def batch_of(size_bytes: int, value: bytes, timestamp_ms: int) -> tuple[bytes, int]:
    """A batch of copies of `value`, as large as fits into `size_bytes`, and how many records it holds."""
    count = max(1, (size_bytes - BATCH_HEADER_BYTES) // (len(value) + RECORD_OVERHEAD_BYTES))
    builder = BatchBuilder(timestamp_ms)
    builder.append_values([value] * count)
    return bytes(builder.build()), count


def append_request(topic: str, batch: bytes) -> bytes:
    return f"APPEND {topic} 0 {len(batch)}\r\n".encode() + batch
