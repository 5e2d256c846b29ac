"""What is known of producers when a log is opened: the same as before, and at what cost."""

import errno
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from log_bench import LogBench, batch_by, batch_of

from quekka.errors import OutOfOrderSequenceNumberError
from quekka.formats.record_batch import iter_batches
from quekka.storage import producer_loader
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.producer_state import BATCHES_KEPT

Make = Callable[..., LogBench]


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Which files were walked, and from which byte."""
    seen = []
    walk_headers = producer_loader.walk_headers

    def noted(file, position, end, step_bytes):
        seen.append((Path(file.path).name, position))
        return walk_headers(file, position, end, step_bytes)

    monkeypatch.setattr(producer_loader, "walk_headers", noted)
    return seen


def known(log: LogBench) -> dict[int, int]:
    """Producer id to the last sequence."""
    return {producer_id: entry.last_sequence for producer_id, entry in log.log.writer.producers.all()}


def snapshots(log: LogBench) -> list[Path]:
    return sorted(log.directory.glob("*.snapshot"))


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def killed(log: LogBench, *, recovery_point: int = 0) -> LogBench:
    log.abandon()
    log.open(recovery_point)
    return log


def filled(log: LogBench) -> LogBench:
    """Three segments; producers 1, 2 and 3 each wrote in their own, producer 7 in all."""
    for number in (1, 2, 3):
        log.append_checked(batch_by(number, 0), batch_by(7, 2 * number - 2), batch_by(7, 2 * number - 1))
        if number < 3:
            log.roll()
    assert known(log) == ALL
    return log


ALL = {1: 0, 2: 0, 3: 0, 7: 5}

CRASHES = {
    "before_any_flush": 0,
    "first_segment_was_flushed": 3,
    "within_the_second_segment": 4,
    "all_was_flushed": 9,
}


@pytest.mark.parametrize("recovery_point", CRASHES.values(), ids=CRASHES)
def test_after_a_crash_all_is_known_again(bench: Make, recovery_point: int) -> None:
    log = killed(filled(bench()), recovery_point=recovery_point)
    assert known(log) == ALL
    assert log.append_checked(batch_by(7, 5), batch_by(7, 6), batch_by(2, 0), batch_by(1, 1)) == [9, 10]
    with pytest.raises(OutOfOrderSequenceNumberError):
        log.append_checked(batch_by(3, 2))


def test_after_a_clean_stop_all_is_known_and_only_the_end_is_walked(
    bench: Make, walks: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer_loader, "LOOK_BACK_BYTES", 1000)
    log = bench(index_interval_bytes=0)
    for number in range(40):
        log.append_checked(batch_by(7, number))
    log.close()
    log.open()
    assert known(log) == {7: 39}
    ((name, position),) = walks
    assert name == f"{0:020d}.log"
    assert 1000 <= log.view.size_bytes - position <= 1000 + 2 * len(batch_by(7, 39))


STOPS = {
    "closed": lambda log: (log.close(), log.open()),
    "killed_after_a_roll": lambda log: (log.roll(), killed(log)),
    "killed_after_a_flush": lambda log: (log.log.writer.flush(), killed(log, recovery_point=8)),
    "closed_after_rolls": lambda log: (
        log.roll(),
        log.append(batch_of(100)),
        log.roll(),
        log.close(),
        log.open(),
    ),
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_batches_before_the_snapshot_are_known_again(bench: Make, stop: Callable[[LogBench], None]) -> None:
    log = bench()
    log.append_checked(batch_by(8, 0), *(batch_by(7, number) for number in range(7)))
    before = log.log.writer.producers.all()
    stop(log)
    assert log.log.writer.producers.all() == before
    end = log.log.writer.log_end_offset
    assert log.append_checked(*(batch_by(7, number) for number in range(2, 9))) == [end, end + 1]


def test_batches_before_the_snapshot_are_found_in_several_segments(bench: Make) -> None:
    log = bench(segment_bytes=2 * len(batch_by(7, 0)))
    log.append_checked(*(batch_by(7, number) for number in range(9)))
    before = log.log.writer.producers.all()
    log.close()
    log.open()
    assert len(log.view.segments) == 5
    assert log.log.writer.producers.all() == before


def test_where_the_batches_before_the_snapshot_cannot_be_read_the_last_is_known(
    bench: Make, caplog: pytest.LogCaptureFixture
) -> None:
    log = bench()
    log.append_checked(batch_by(7, 0), batch_by(7, 1))
    log.roll()
    log.close()
    path = log.paths(0).log
    data = bytearray(path.read_bytes())
    data[16] = 9
    path.write_bytes(data)
    log.open()
    assert f"retries of older batches may not be recognized: {path}: no record batch at" in caplog.text
    assert log.append_checked(batch_by(7, 1), batch_by(7, 2)) == [2]


def test_batches_of_an_older_epoch_before_the_snapshot_are_not(bench: Make) -> None:
    log = bench()
    log.append_checked(batch_by(7, 0), batch_by(7, 1), batch_by(7, 0, epoch=1))
    before = log.log.writer.producers.all()
    log.close()
    log.open()
    assert log.log.writer.producers.all() == before


def test_after_a_crash_only_what_follows_the_snapshot_is_walked(
    bench: Make, walks: list[tuple[str, int]]
) -> None:
    log = filled(bench(index_interval_bytes=0))
    log.append_checked(batch_by(7, 6))
    killed(log)
    assert [name for name, _ in walks] == [f"{offset:020d}.log" for offset in (0, 3, 6)]
    log.append_checked(batch_by(7, 7))
    log.close()
    log.open()
    log.append_checked(batch_by(7, 8))
    walks.clear()
    killed(log, recovery_point=10)
    assert known(log)[7] == 8
    assert walks[-1] == (f"{6:020d}.log", 5 * len(batch_by(7, 0)))


@pytest.mark.parametrize("recovery_point", [None, 60], ids=["clean", "crash"])
def test_a_partition_that_never_saw_a_producer_is_not_walked_and_has_no_snapshot(
    bench: Make, walks: list[tuple[str, int]], recovery_point: int | None
) -> None:
    log = bench(segment_bytes=3000)
    log.fill(60)
    log.close()
    log.open(recovery_point)
    assert (walks, known(log), snapshots(log)) == ([], {}, [])


def test_a_second_crash_before_any_flush_forgets_nothing(bench: Make) -> None:
    log = bench()
    log.append_checked(batch_by(7, 0))
    killed(log)
    killed(log, recovery_point=log.log.recovery_point)
    assert log.log.recovery_point == 1
    assert known(log) == {7: 0}


def test_without_a_snapshot_what_was_not_flushed_is_walked(bench: Make, walks: list[tuple[str, int]]) -> None:
    log = bench(segment_bytes=1000)
    log.fill(25)
    log.append(batch_by(7, 0), batch_by(7, 1))
    for path in snapshots(log):
        path.unlink()
    killed(log, recovery_point=24)
    assert known(log) == {7: 1}
    assert walks[0][0] == f"{20:020d}.log"


DAMAGED = {
    "newest": (1, ALL),
    "both": (2, {3: 0, 7: 5}),
}


@pytest.mark.parametrize("recovery_point", [None, 0, 9], ids=["clean", "crash", "crash_all_flushed"])
@pytest.mark.parametrize(("count", "expected"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_snapshots_cost_a_longer_walk(
    bench: Make, count: int, expected: dict[int, int], recovery_point: int | None
) -> None:
    log = filled(bench())
    log.close()
    for path in snapshots(log)[-count:]:
        damage(path)
    log.open(recovery_point)
    if recovery_point == 0 and count == 2:
        expected = ALL
    assert known(log) == expected
    assert [int(path.stem) for path in snapshots(log)] == ([6] if count == 1 else [9])
    log.close()
    assert [int(path.stem) for path in snapshots(log)] == ([6, 9] if count == 1 else [9])
    log.open()
    assert known(log) == expected


def test_snapshots_after_the_end_of_a_cut_log_are_removed(bench: Make) -> None:
    log = bench()
    batches = [batch_by(7, number) for number in range(4)]
    log.append_checked(*batches)
    log.close()
    path = log.paths(0).log
    path.write_bytes(path.read_bytes()[: 3 * len(batches[0]) - 1])
    log.open(recovery_point=0)
    assert known(log) == {7: 1}
    assert [int(path.stem) for path in snapshots(log)] == [2]
    assert log.append_checked(*batches[1:]) == [2, 3]


def test_snapshots_before_the_first_segment_are_not_used(bench: Make) -> None:
    log = filled(bench())
    older = snapshots(log)[0]
    content = older.read_bytes()
    log.log.writer.delete_segments_before(6)
    older.write_bytes(content)
    killed(log)
    assert not older.exists()
    assert known(log) == ALL


def test_of_each_producer_the_last_five_batches_are_known_again(bench: Make) -> None:
    log = bench()
    for number in range(BATCHES_KEPT + 2):
        log.append_checked(batch_by(7, number))
    killed(log)
    retries = [batch_by(7, number) for number in range(2, BATCHES_KEPT + 2)]
    assert log.append_checked(*retries) == []
    with pytest.raises(OutOfOrderSequenceNumberError):
        log.append_checked(batch_by(7, 1))


def test_a_sealed_segment_that_is_damaged_costs_what_it_alone_knew(
    bench: Make, caplog: pytest.LogCaptureFixture
) -> None:
    log = filled(bench())
    for path in snapshots(log)[1:]:
        damage(path)
    data = bytearray(log.paths(3).log.read_bytes())
    data[16] = 9
    log.abandon()
    log.paths(3).log.write_bytes(data)
    log.open(recovery_point=9)
    assert known(log) == {1: 0, 3: 0, 7: 5}
    assert f"{log.paths(3).log}: no record batch at byte 0" in caplog.text


def test_a_segment_that_cannot_be_read_does_not_keep_the_log_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = FaultyFiles()
    log = filled(LogBench(tmp_path / "orders/0", files))
    oldest = snapshots(log)[0]
    content = oldest.read_bytes()
    log.close()
    for path in snapshots(log):
        path.unlink()
    oldest.write_bytes(content)
    files.fail("pread", path=str(log.paths(3).log), error=errno.EIO, every=True)
    log.open()
    assert known(log) == {1: 0, 3: 0, 7: 5}
    assert "producers whose last batch comes then are not known" in caplog.text
    log.abandon()


def test_compaction_leaves_what_is_known(bench: Make) -> None:
    log = bench(cleanup_policy="compact")
    log.append_checked(batch_by(7, 0, 5))
    log.append(batch_of(100))
    log.append_checked(batch_by(7, 5, 5))
    killed(log)
    assert known(log) == {7: 9}


def in_the_log(log: LogBench) -> dict[int, int]:
    """Producer id to the last sequence, by reading all of the log."""
    found = {}
    offset = 0
    while (piece := log.view.read(offset, 10_000)).size_bytes:
        for _, header in iter_batches(piece.read()):
            offset = header.next_offset
            if header.producer_id >= 0:
                found[header.producer_id] = header.base_sequence + header.last_offset_delta
    return found


ACTIONS = ["go_on"] * 6 + ["plain", "flush", "roll", "close", "kill", "power_cut", "damage"]


def test_random_histories_are_known_again_after_every_kind_of_stop(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    files = FaultyFiles()
    log = LogBench(tmp_path / "orders/0", files, segment_bytes=1000)
    sequences: dict[int, int] = {}
    for _ in range(300):
        producer_id = rng.randrange(6)
        count = rng.randint(1, 5)
        log.append_checked(batch_by(producer_id, sequences.get(producer_id, -1) + 1, count))
        act(log, rng.choice(ACTIONS), files)
        sequences = known(log)
        assert sequences == in_the_log(log)
    log.abandon()


def act(log: LogBench, action: str, files: FaultyFiles) -> None:
    recovery_point = log.log.recovery_point
    if action == "plain":
        log.append(batch_of(150))
    elif action == "flush":
        log.log.writer.flush()
    elif action == "roll":
        log.roll()
    elif action == "close":
        log.close()
        log.open()
    elif action == "kill":
        killed(log, recovery_point=recovery_point)
    elif action == "power_cut":
        log.abandon()
        files.lose_unsynced()
        log.open(recovery_point)
    elif action == "damage" and len(snapshots(log)) > 1:
        log.abandon()
        damage(snapshots(log)[-1])
        log.open(recovery_point)
