"""A progress bar that only a person sees: on standard error, and only when that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def progress(total: int, label: str) -> Iterator[Callable[[int], None]]:
    """Show a bar while the body runs; yields a function to call with how much more of `total` is done.

    Where standard error is no terminal, nothing is written at all.
    """
    if not sys.stderr.isatty():
        yield _unseen
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update


def _unseen(_steps: int) -> None:
    """Nobody is watching."""
