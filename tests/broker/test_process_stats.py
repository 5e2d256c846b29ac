"""Tests of quekka.broker.process_stats."""

import os

from quekka.broker.process_stats import process_stats


def test_it_tells_of_this_process() -> None:
    stats = process_stats()
    assert stats["pid"] == os.getpid()
    assert int(stats["rss_bytes"]) > 1_000_000
    assert float(stats["cpu_s"]) > 0
    assert int(stats["fds"]) >= 3
