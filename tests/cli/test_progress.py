"""A progress bar that only a person sees."""

import io
import sys

import pytest

from quekka.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, total: int) -> str:
    monkeypatch.setattr(sys, "stderr", stderr)
    with progress(total, "sending") as advance:
        for _ in range(10):
            advance(total // 10)
    return stderr.getvalue()


def test_a_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run(monkeypatch, Terminal(), 1000)
    assert "sending" in shown
    assert "100%" in shown


def test_nothing_is_written_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, io.StringIO(), 1000) == ""


def test_nothing_is_written_when_nobody_knows_how_much_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, Terminal(), 0) == ""
