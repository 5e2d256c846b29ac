"""What the tests of the log share: benches that are closed at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from log_bench import LogBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., LogBench]]:
    """Make a log: `bench(segment_bytes=1000)`. What is still open at the end is let go of."""
    benches: list[LogBench] = []

    def make(name: str = "orders/0", **options: object) -> LogBench:
        benches.append(LogBench(tmp_path / name, **options))  # type: ignore[arg-type]
        return benches[-1]

    yield make
    for made in benches:
        if hasattr(made, "log"):
            made.abandon()
