"""A progress bar that only a person sees: on standard error, and only when that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

STEPS = 200
"""How often the bar is drawn at most, because drawing costs more than what most steps stand for."""


@contextmanager
def progress(total: int, label: str) -> Iterator[Callable[[int], None]]:
    """Show a bar while the body runs; yields a function to call with how much more of `total` is done.

    Where standard error is no terminal, or `total` is 0, that is, unknown, nothing is written at all.
    """
    if not total or not sys.stderr.isatty():
        yield _unseen
        return
    steps = max(1, total // STEPS)
    with click.progressbar(length=total, label=label, file=sys.stderr, update_min_steps=steps) as bar:
        yield bar.update


def _unseen(_steps: int) -> None:
    """Nobody is watching."""
