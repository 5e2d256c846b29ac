"""What a crash left behind is removed or finished, and what is not ours is left alone."""

import logging
import os
from pathlib import Path

import pytest
from log_bench import batch

from quekka.errors import CorruptMessageError
from quekka.formats.record_batch import patch_offsets
from quekka.storage.directory_sweep import sweep_directory
from quekka.storage.files import FILES

SEGMENT = "00000000000000000000"
LATER = "00000000000000000007"


def touched(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / name).write_bytes(b"")
    return directory


def test_segments_and_snapshots_are_found_in_order(tmp_path: Path) -> None:
    touched(tmp_path, f"{LATER}.log", f"{SEGMENT}.log", f"{SEGMENT}.index", f"{SEGMENT}.snapshot")
    assert sweep_directory(FILES, tmp_path) == ([0, 7], [0])
    assert len(os.listdir(tmp_path)) == 4


@pytest.mark.parametrize(
    "name",
    [
        f"{SEGMENT}.log.cleaned",
        f"{SEGMENT}.timeindex.cleaned",
        f"{SEGMENT}.index.swap",
        f"{SEGMENT}.log.deleted",
        f"{SEGMENT}.index.deleted",
        f"{SEGMENT}.index.tmp",
        f"{LATER}.snapshot.tmp",
        f"{LATER}.index",
        f"{LATER}.timeindex",
    ],
)
def test_leftovers_are_removed(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    touched(tmp_path, f"{SEGMENT}.log", name)
    assert sweep_directory(FILES, tmp_path).segments == [0]
    assert os.listdir(tmp_path) == [f"{SEGMENT}.log"]
    assert f"{name}: removed" in caplog.text


@pytest.mark.parametrize(
    "name", ["notes.txt", "0.log", f"{SEGMENT}.log.bak", "x.cleaned", ".hidden.swap", f"{SEGMENT}x.log"]
)
def test_foreign_files_are_left_alone_with_a_log_line(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    touched(tmp_path, name)
    assert sweep_directory(FILES, tmp_path).segments == []
    assert os.listdir(tmp_path) == [name]
    assert f"{name}: not part of the log, left alone" in caplog.text


@pytest.mark.parametrize(
    "name", [f"{SEGMENT}.log.broken", f"{SEGMENT}.log.broken.3", f"{LATER}.snapshot", f"{SEGMENT}.log"]
)
def test_known_files_are_left_alone_without_a_word(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sweep_directory(FILES, touched(tmp_path, name))
    assert os.listdir(tmp_path) == [name]
    assert caplog.text == ""


def test_a_replacement_that_was_decided_is_finished(tmp_path: Path) -> None:
    swap = bytearray()
    for offset in (2, 9):
        made = batch(b"v")
        patch_offsets(made, offset, 0)
        swap += made
    names = [f"{base:020d}{kind}" for base in (0, 5, 8, 10) for kind in (".log", ".index", ".timeindex")]
    touched(tmp_path, *names, f"{SEGMENT}.index.swap")
    (tmp_path / f"{SEGMENT}.log.swap").write_bytes(swap)
    assert sweep_directory(FILES, tmp_path).segments == [0, 10]
    assert (tmp_path / f"{SEGMENT}.log").read_bytes() == swap
    assert sorted(os.listdir(tmp_path)) == sorted(name for name in names if int(name[:20]) in (0, 10))


def test_a_replacement_that_cannot_be_read_deletes_nothing(tmp_path: Path) -> None:
    touched(tmp_path, f"{SEGMENT}.log", f"{LATER}.log")
    (tmp_path / f"{SEGMENT}.log.swap").write_bytes(b"no batch" * 20)
    with pytest.raises(CorruptMessageError, match=r"\.log\.swap: no record batch at byte 0"):
        sweep_directory(FILES, tmp_path)
    assert len(os.listdir(tmp_path)) == 3
