"""Checkpoint files: one offset per partition, as text that a person can read and Kafka too.

    0                   version
    2                   number of lines that follow
    orders 0 1200       topic, partition, offset
    orders 1 840

Source: org.apache.kafka.server.common.CheckpointFile, kafka.server.checkpoints.OffsetCheckpointFile.
"""

from collections.abc import Mapping

from quekka.errors import CorruptMessageError

VERSION = 0
_NUMBER_DIGITS_MAX = 19


def format_checkpoint(offsets: Mapping[tuple[str, int], int]) -> bytes:
    """The file's content for offsets by (topic, partition), in their order."""
    lines = [f"{topic} {partition} {offset}\n" for (topic, partition), offset in sorted(offsets.items())]
    return f"{VERSION}\n{len(lines)}\n{''.join(lines)}".encode()


def parse_checkpoint(data: bytes) -> dict[tuple[str, int], int]:
    """The offsets by (topic, partition); raises CorruptMessageError that names the line."""
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise CorruptMessageError(f"checkpoint, byte {error.start}: not UTF-8") from None
    # A whole file ends with a line end, so nothing follows the last one.
    if lines.pop() or len(lines) < 2:
        raise CorruptMessageError(f"checkpoint, line {len(lines) + 1}: cut")
    version, count = _number(lines[0], 1), _number(lines[1], 2)
    if version != VERSION:
        raise CorruptMessageError(f"checkpoint, line 1: version {version}, not {VERSION}")
    if count != len(lines) - 2:
        raise CorruptMessageError(f"checkpoint, line 2: tells of {count} lines, {len(lines) - 2} follow")
    return dict(_entry(line, number) for number, line in enumerate(lines[2:], start=3))


def _entry(line: str, number: int) -> tuple[tuple[str, int], int]:
    words = line.split(" ")
    if len(words) != 3 or not words[0]:
        raise CorruptMessageError(f"checkpoint, line {number}: {line[:80]!r} is not topic, partition, offset")
    return (words[0], _number(words[1], number)), _number(words[2], number)


def _number(word: str, line_number: int) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= _NUMBER_DIGITS_MAX):
        raise CorruptMessageError(f"checkpoint, line {line_number}: {word[:80]!r} is not a number")
    return int(word)
