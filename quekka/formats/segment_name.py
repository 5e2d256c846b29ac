"""The names of a partition's files: the base offset in 20 digits and what the file holds.

    00000000000000170210.log          record batches
    00000000000000170210.index        offset index
    00000000000000170210.timeindex    time index
    00000000000000170210.snapshot     producer state at this offset

Twenty digits hold every offset and make the order of the names that of the offsets.
Source: org.apache.kafka.storage.internals.log.LogFileUtils.
"""

from typing import NamedTuple

LOG_SUFFIX = ".log"
INDEX_SUFFIX = ".index"
TIME_INDEX_SUFFIX = ".timeindex"
SNAPSHOT_SUFFIX = ".snapshot"
SUFFIXES = (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, SNAPSHOT_SUFFIX)

DIGITS = 20
OFFSET_MAX = 2**63 - 1


class SegmentName(NamedTuple):
    """What a file name says."""

    base_offset: int
    suffix: str
    """One of SUFFIXES."""


def format_segment_name(base_offset: int, suffix: str) -> str:
    """The file name; raises ValueError for a base offset or a suffix that no segment has."""
    if not 0 <= base_offset <= OFFSET_MAX:
        raise ValueError(f"no base offset: {base_offset}")
    if suffix not in SUFFIXES:
        raise ValueError(f"{suffix!r} is none of {', '.join(SUFFIXES)}")
    return f"{base_offset:0{DIGITS}d}{suffix}"


def parse_segment_name(name: str) -> SegmentName | None:
    """What `name` says, or None where it is the name of something else."""
    digits, suffix = name[:DIGITS], name[DIGITS:]
    if suffix not in SUFFIXES or not (digits.isascii() and digits.isdigit()) or int(digits) > OFFSET_MAX:
        return None
    return SegmentName(int(digits), suffix)
