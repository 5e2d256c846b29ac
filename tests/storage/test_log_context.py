"""What the parts of a log share does not change under them."""

from pathlib import Path

import pytest
from log_bench import START_MS, context_of


def test_a_context_names_directory_files_cache_and_clock_and_cannot_be_changed(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    assert context.directory == tmp_path
    assert context.clock.wall_ms() == START_MS
    assert context.file_cache.open_count == 0
    with pytest.raises(AttributeError):
        context.directory = tmp_path / "other"  # type: ignore[misc]
