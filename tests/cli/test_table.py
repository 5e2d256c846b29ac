"""Text for people."""

import click
import pytest

from quekka.cli.table import Size, facts, printable, size_text, table


def plain(lines: object) -> list[str]:
    return [click.unstyle(line) for line in lines]  # type: ignore[attr-defined]


def test_columns_line_up_with_numbers_to_the_right_and_text_to_the_left() -> None:
    assert plain(table(["TOPIC", "END"], [("orders", 7), ("a", 12345)])) == [
        "TOPIC     END",
        "orders      7",
        "a       12345",
    ]


def test_what_is_not_there_is_a_dash() -> None:
    assert plain(table(["TOPIC", "LAG"], [("a", None), ("b", 10)]))[1] == "a        -"
    assert plain(table(["TOPIC", "LAG"], [("a", None)]))[1] == "a        -"


def test_sizes_are_numbers_with_a_unit() -> None:
    assert plain(table(["T", "SIZE"], [("a", Size(2048)), ("b", Size(0))])) == [
        "T     SIZE",
        "a  2.0 KiB",
        "b      0 B",
    ]


def test_no_line_of_a_table_ends_in_blanks() -> None:
    assert plain(table(["A", "B"], [("x", "long value"), ("y", "")]))[2] == "y"


def test_a_table_without_rows_is_its_header() -> None:
    assert plain(table(["TOPIC", "LAG"], [])) == ["TOPIC  LAG"]


def test_facts_stand_below_each_other() -> None:
    assert plain(facts([("State", "Stable"), ("Id", 7)])) == ["State:  Stable", "Id:     7"]


def test_what_a_terminal_would_obey_is_escaped_in_cells() -> None:
    line = plain(table(["GROUP"], [("a\x1b[2Jb",)]))[1]
    assert line == "a\\x1b[2Jb"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("zürich ☃", "zürich ☃", id="unicode"),
        pytest.param("a\nb\tc", "a\\nb\\tc", id="control"),
        pytest.param("\u202etxt", "\\u202etxt", id="right-to-left override"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (100 * 1024, "100 KiB"),
        (1000 * 1024, "1.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2000 * 1024**5, "2000 PiB"),
    ],
)
def test_sizes_have_three_figures_at_most_and_a_unit(size_bytes: int, shown: str) -> None:
    assert size_text(size_bytes) == shown
