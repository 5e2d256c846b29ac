"""Tests of quekka.broker.process_stats."""

import logging
import os

import psutil
import pytest

from quekka.broker.process_stats import process_stats


def test_it_tells_of_this_process() -> None:
    stats = process_stats()
    assert stats["pid"] == os.getpid()
    assert int(stats["rss_bytes"]) > 1_000_000
    assert float(stats["cpu_s"]) > 0
    assert int(stats["fds"]) >= 3


def test_what_the_system_does_not_tell_is_shown_as_unknown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_descriptor_left(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(psutil, "Process", no_descriptor_left)
    with caplog.at_level(logging.WARNING):
        stats = process_stats()
    assert stats == {"pid": os.getpid(), "rss_bytes": -1, "cpu_s": -1, "fds": -1}
    assert "Too many open files" in caplog.text
