"""File names of segments."""

import pytest

from quekka.formats.segment_name import (
    INDEX_SUFFIX,
    LOG_SUFFIX,
    SNAPSHOT_SUFFIX,
    TIME_INDEX_SUFFIX,
    SegmentName,
    format_segment_name,
    parse_segment_name,
)

NAMES = [
    (0, LOG_SUFFIX, "00000000000000000000.log"),
    (170210, INDEX_SUFFIX, "00000000000000170210.index"),
    (170210, TIME_INDEX_SUFFIX, "00000000000000170210.timeindex"),
    (2**63 - 1, SNAPSHOT_SUFFIX, "09223372036854775807.snapshot"),
]

OTHERS = [
    "",
    "topic.json",
    ".lock",
    "0.log",
    "0000000000000000000.log",
    "000000000000000000000.log",
    "00000000000000000000",
    "00000000000000000000.",
    "00000000000000000000.LOG",
    "00000000000000000000.log.deleted",
    "00000000000000000000.log\n",
    "-0000000000000000001.log",
    "+0000000000000000001.log",
    "0000000000000000000x.log",
    "0000_000000000000000.log",
    " 0000000000000000001.log",
    "\N{ARABIC-INDIC DIGIT ONE}" * 20 + ".log",
    "²0000000000000000000.log",
    "09223372036854775808.log",
    "99999999999999999999.log",
]


@pytest.mark.parametrize(("base_offset", "suffix", "name"), NAMES)
def test_name_holds_the_base_offset_in_twenty_digits(base_offset: int, suffix: str, name: str) -> None:
    assert format_segment_name(base_offset, suffix) == name
    assert parse_segment_name(name) == SegmentName(base_offset, suffix)


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_no_segments(name: str) -> None:
    assert parse_segment_name(name) is None


@pytest.mark.parametrize(
    ("base_offset", "suffix"), [(-1, ".log"), (2**63, ".log"), (0, ".txt"), (0, "log"), (0, "")]
)
def test_what_no_segment_has_is_not_formatted(base_offset: int, suffix: str) -> None:
    with pytest.raises(ValueError, match=r"no base offset|is none of"):
        format_segment_name(base_offset, suffix)


def test_order_of_names_is_that_of_offsets() -> None:
    offsets = [0, 9, 10, 99, 2**31, 2**32, 10**15, 2**63 - 1]
    names = [format_segment_name(offset, LOG_SUFFIX) for offset in offsets]
    assert sorted(names) == names
