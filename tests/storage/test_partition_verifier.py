"""PartitionVerifier: each thing that is wrong is found once, with what can be done about it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from quekka.clock import ManualClock
from quekka.formats.producer_snapshot import encode_producer_snapshot
from quekka.formats.record_batch import iter_batches
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.file_cache import FileCache
from quekka.storage.files import FILES
from quekka.storage.log_config import LogConfig
from quekka.storage.partition_log import PartitionLog
from quekka.storage.partition_verifier import PartitionVerifier, Problem
from quekka.storage.segment import SegmentPaths
from quekka.storage.segment_repair import rebuild_indexes

CONFIG = LogConfig.from_settings({"index.interval.bytes": "200"})
FIRST, SECOND = 0, 20
"""Base offsets of the two segments."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two segments of 20 batches each, closed cleanly."""
    path = tmp_path / "0"
    cache = FileCache(FILES, 10)
    log = PartitionLog.open(path, config=CONFIG, files=FILES, file_cache=cache, clock=ManualClock())
    for number in range(40):
        builder = BatchBuilder(1_700_000_000_000 + number)
        builder.append(None, b"record number %d" % number)
        log.writer.append([builder.build()])
        if number == 19:
            log.writer.roll()
    log.writer.publish()
    log.close()
    cache.close_all()
    return path


def verify(directory: Path) -> list[Problem]:
    return list(PartitionVerifier(FILES, directory, 200, lambda _: None, was_compacted=False).verify())


def change(path: Path, edit: Callable[[bytes], bytes]) -> None:
    path.write_bytes(edit(path.read_bytes()))


def batch_positions(data: bytes) -> list[int]:
    return [position for position, _ in iter_batches(data)]


def without(data: bytes, first: int, end: int) -> bytes:
    """The log without some of its batches."""
    positions = batch_positions(data)
    return data[: positions[first]] + data[positions[end] :]


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def paths(base_offset: int, directory: Path) -> tuple[Path, ...]:
    """The .log, its offset index, its time index."""
    return tuple(SegmentPaths.of(directory, base_offset))


def test_a_good_partition_has_no_problem_and_is_read_once(directory: Path) -> None:
    advanced: list[int] = []
    verifier = PartitionVerifier(FILES, directory, 200, advanced.append)
    assert list(verifier.verify()) == []
    assert sum(advanced) == sum(path.stat().st_size for path in directory.glob("*.log"))
    assert verifier.segments == 2
    assert verifier.log_end_offset == 40


Edit = Callable[[Path], object]

WRONG: dict[str, tuple[Edit, str, str]] = {
    "torn tail": (
        lambda d: change(paths(SECOND, d)[0], lambda data: data[:-3]), "safe", "torn tail, 81 bytes"
    ),
    "zeros at the end": (
        lambda d: change(paths(SECOND, d)[0], lambda data: data + bytes(500)), "safe", "torn tail, 500 bytes"
    ),
    "damage within the last segment": (
        lambda d: change(paths(SECOND, d)[0], lambda data: data[:70] + b"?" + data[71:]), "destructive",
        "84 bytes damaged: the batch at offset 20",
    ),
    "damage within an earlier segment": (
        lambda d: change(paths(FIRST, d)[0], lambda data: data[:70] + b"?" + data[71:]), "destructive",
        "83 bytes damaged: the batch at offset 0",
    ),
    "earlier segment cut": (
        lambda d: change(paths(FIRST, d)[0], lambda data: data[:-3]), "destructive",
        "81 bytes damaged: no record batch at byte 1586"
    ),
    "earlier segment emptied": (
        lambda d: change(paths(FIRST, d)[0], lambda data: b""), "destructive", "offsets 0 to 19 are missing"
    ),
    "earlier segment cut after a whole batch": (
        lambda d: change(paths(FIRST, d)[0], lambda data: data[:batch_positions(data)[-1]]), "destructive",
        "offsets 19 to 19 are missing"
    ),
    "batches missing within a segment": (
        lambda d: change(paths(FIRST, d)[0], lambda data: without(data, 3, 5)), "destructive",
        "offsets 3 to 4 are missing"
    ),
    "base offset too large": (
        lambda d: change(paths(FIRST, d)[0], lambda data: flipped(data, batch_positions(data)[3] + 5)),
        "safe", "offsets 1048579 to 1048579 are not within 3 to 19: by those around it, it is 3"
    ),
    "base offset too small": (
        lambda d: change(paths(FIRST, d)[0], lambda data: flipped(data, batch_positions(data)[17] + 7)),
        "safe", "offsets 1 to 1 are not within 17 to 19: by those around it, it is 17"
    ),
    "base offset of a segment's last batch": (
        lambda d: change(paths(FIRST, d)[0], lambda data: flipped(data, batch_positions(data)[19] + 6)),
        "safe", "by those around it, it is 19"
    ),
    "segment under a later name": (
        lambda d: paths(SECOND, d)[0].rename(d / f"{25:020d}.log"), "safe",
        "begins at offset 20: its name is wrong"
    ),
    "segment there twice": (
        lambda d: (d / f"{77:020d}.log").write_bytes(paths(SECOND, d)[0].read_bytes()), "destructive",
        "begins at offset 20, as another segment does: its name is wrong"
    ),
    "index of a segment at the end that is gone": (
        lambda d: (d / f"{50:020d}.index").touch(), "safe", "no .log to this index, and none after it"
    ),
    "snapshot damaged": (
        lambda d: (d / f"{20:020d}.snapshot").write_bytes(b"no"), "safe", "2 bytes, the head alone has 10"
    ),
    "snapshot beyond the end": (
        lambda d: (d / f"{41:020d}.snapshot").write_bytes(encode_producer_snapshot([])), "safe",
        "of offset 41, beyond the log's end, 40"
    ),
    "time index with some bytes too many": (
        lambda d: change(paths(FIRST, d)[2], lambda data: data + bytes(range(1, 17))), "safe", "cut"
    ),
    "time index with zeros behind it": (
        lambda d: change(paths(FIRST, d)[2], lambda data: data + bytes(16)), "safe",
        "nothing but zeros from byte"
    ),
    "offset index zeroed": (
        lambda d: change(paths(FIRST, d)[1], lambda data: bytes(len(data))), "safe",
        "nothing but zeros from byte 0 on"
    ),
    "offset index zeroed towards its end": (
        lambda d: change(paths(FIRST, d)[1], lambda data: data[:8] + bytes(len(data) - 8)), "safe",
        "nothing but zeros from byte 8 on"
    ),
    "offset index there twice from entry to entry": (
        lambda d: change(paths(FIRST, d)[1], lambda data: data[:8] + data), "safe", "there twice"
    ),
    "time index there twice from entry to entry": (
        lambda d: change(paths(FIRST, d)[2], lambda data: data[:12] + data), "safe",
        "the largest before it is",
    ),
    "no offset index": (lambda d: paths(FIRST, d)[1].unlink(), "safe", "No such file"),
    "no time index": (lambda d: paths(SECOND, d)[2].unlink(), "safe", "No such file"),
    "offset index cut": (
        lambda d: change(paths(FIRST, d)[1], lambda data: data[:-3]), "safe", "cut"
    ),
    "offset index of another log": (
        lambda d: change(paths(FIRST, d)[1], lambda data: bytes(7) + b"\x01" + data[8:]), "safe",
        "index entry offset 0, position 1: the batch there ends at offset 0, position 0",
    ),
    "time index emptied": (
        lambda d: change(paths(FIRST, d)[2], lambda data: b""), "safe", "the last entry has timestamp -1"
    ),
    "interrupted replacement": (
        lambda d: paths(FIRST, d)[0].rename(d / "00000000000000000000.log.swap"), "safe",
        "the replacement of cleaned segments was interrupted",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "remedy", "what"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_found_and_can_be_repaired(
    directory: Path, edit: Edit, remedy: str, what: str
) -> None:
    edit(directory)
    problems = verify(directory)
    assert [problem.remedy for problem in problems] == [remedy]
    assert what in problems[0].what
    assert problems[0].path.parent == directory
    assert str(directory) not in problems[0].what
    assert problems[0].repair is not None
    problems[0].repair()
    assert verify(directory) == []


def test_a_missing_segment_is_found_and_the_gap_is_known_after_the_repair(directory: Path) -> None:
    log = PartitionVerifier(FILES, directory, 200, lambda _: None)
    assert list(log.verify()) == []
    for path in paths(SECOND, directory):
        path.rename(path.with_name(f"{30:020d}{path.suffix}"))
    change(paths(30, directory)[0], lambda data: without(data, 0, 10))
    for path in paths(30, directory)[1:]:
        path.unlink()
    problem = verify(directory)[0]
    assert problem.path == paths(FIRST, directory)[0]
    assert (problem.what, problem.remedy) == ("offsets 20 to 29 are missing", "destructive")
    assert problem.position == problem.path.stat().st_size
    for found in reversed(verify(directory)):
        assert found.repair is not None
        found.repair()
    assert verify(directory) == []


def test_gaps_before_the_log_start_and_within_compacted_logs_are_none(directory: Path) -> None:
    change(paths(FIRST, directory)[0], lambda data: without(data, 3, 5))
    rebuild_indexes(FILES, directory, FIRST, 200)
    assert [problem.what for problem in verify(directory)] == ["offsets 3 to 4 are missing"]
    for log_start_offset, was_compacted in ((5, False), (0, True)):
        verifier = PartitionVerifier(
            FILES, directory, 200, lambda _: None,
            log_start_offset=log_start_offset, was_compacted=was_compacted,
        )  # fmt: skip
        assert list(verifier.verify()) == []


def test_repairs_in_reverse_order_mend_several_damages(directory: Path) -> None:
    log = paths(FIRST, directory)[0]
    change(log, lambda data: data[:70] + b"?" + data[71:300] + b"?" + data[301:-3])
    problems = verify(directory)
    assert [problem.position is not None for problem in problems] == [True, True, True]
    for problem in reversed(problems):
        assert problem.repair is not None
        problem.repair()
    assert verify(directory) == []
    assert len(list(directory.glob("*.log.broken*"))) == 3


def test_a_partition_without_a_record_has_no_problem(tmp_path: Path) -> None:
    assert verify(tmp_path) == []


def test_an_unreadable_segment_is_a_problem_and_the_others_are_checked(directory: Path) -> None:
    log = paths(FIRST, directory)[0]
    log.unlink()
    log.mkdir()
    change(paths(SECOND, directory)[0], lambda data: data[:-1])
    problems = verify(directory)
    assert [problem.remedy for problem in problems] == ["destructive", "safe"]
    assert "directory" in problems[0].what
