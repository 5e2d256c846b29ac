"""Text for people: columns that line up, sizes one can read at a glance, nothing a terminal would obey."""

from collections.abc import Iterator, Sequence

import click

Cell = str | int | None
"""None is shown as a dash, a Size with a unit."""

_SIZE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class Size(int):
    """A number of bytes, for a person to read."""


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """Lines of a table: a bold header, numbers to the right, text to the left, two blanks between columns."""
    cells = [[_show(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = [not any(isinstance(row[index], str) for row in rows) for index in range(len(header))]
    yield click.style(_line(header, widths, right), bold=True)
    for row in cells:
        yield _line(row, widths, right)


def facts(pairs: Sequence[tuple[str, Cell]]) -> Iterator[str]:
    """Lines `Name:  value`, the values below each other."""
    width = max(len(name) for name, _ in pairs) + 1
    for name, value in pairs:
        yield f"{click.style(f'{name}:'.ljust(width), bold=True)}  {_show(value)}"


def size_text(size_bytes: int) -> str:
    """`1.5 MiB`: three figures at most, in units of 1024."""
    size = float(size_bytes)
    for unit in _SIZE_UNITS:
        if size < 1000 or unit == _SIZE_UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


def printable(text: str) -> str:
    """`text` with whatever a terminal would act on written as an escape."""
    return text if text.isprintable() else "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _show(cell: Cell) -> str:
    if isinstance(cell, Size):
        return size_text(cell)
    return "-" if cell is None else printable(str(cell))


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()
