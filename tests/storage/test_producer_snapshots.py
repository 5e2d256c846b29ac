"""When snapshots are taken and which are kept; what a full disk does to that."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from log_bench import LogBench, batch_by, batch_of, context_of, header_by

from quekka.clock import ManualClock
from quekka.errors import KafkaStorageError
from quekka.formats.producer_snapshot import decode_producer_snapshot, encode_producer_snapshot
from quekka.storage import producer_snapshots
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.producer_snapshots import ProducerSnapshots
from quekka.storage.producer_state import DEFAULT_LIMITS, ProducerLimits, ProducerState

Make = Callable[..., LogBench]


def snapshot_offsets(directory: Path) -> list[int]:
    return sorted(int(path.stem) for path in directory.glob("*.snapshot"))


def last_offsets(directory: Path, offset: int) -> dict[int, int]:
    """What a snapshot says: producer id to the last offset of its last batch."""
    data = (directory / f"{offset:020d}.snapshot").read_bytes()
    return {entry.producer_id: entry.last_offset for entry in decode_producer_snapshot(data)}


def state_of(*producer_ids: int) -> ProducerState:
    state = ProducerState(DEFAULT_LIMITS, ManualClock())
    for producer_id in producer_ids:
        state.replay(header_by(producer_id, 0)._replace(base_offset=producer_id))
    return state


# The files by themselves


@pytest.mark.parametrize(
    ("recovery_point", "kept"),
    [
        (0, [10, 20, 30, 40]),
        (9, [10, 20, 30, 40]),
        (10, [10, 20, 30, 40]),
        (29, [20, 30, 40]),
        (30, [30, 40]),
    ],
)
def test_the_two_newest_are_kept_and_those_that_a_power_cut_may_need(
    tmp_path: Path, recovery_point: int, kept: list[int]
) -> None:
    snapshots = ProducerSnapshots(context_of(tmp_path))
    for offset in (10, 20, 30, 40):
        snapshots.take(state_of(7), offset, 0)
    snapshots.prune(recovery_point)
    assert snapshot_offsets(tmp_path) == [*snapshots.offsets] == kept
    snapshots.prune(40)
    assert snapshot_offsets(tmp_path) == [30, 40]


def test_an_old_one_that_cannot_be_removed_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = FaultyFiles()
    snapshots = ProducerSnapshots(context_of(tmp_path, files))
    for offset in (10, 20, 30):
        snapshots.take(state_of(7), offset, 0)
    files.fail("unlink", path="*.snapshot", error=errno.EIO)
    snapshots.prune(30)
    assert snapshot_offsets(tmp_path) == [10, 20, 30]
    assert "an old producer snapshot stays until the next flush" in caplog.text
    snapshots.prune(30)
    assert snapshot_offsets(tmp_path) == [20, 30]


def test_the_file_is_handed_over_for_a_sync_and_is_whole_before_it(tmp_path: Path) -> None:
    file = ProducerSnapshots(context_of(tmp_path)).take(state_of(7, 8), 10, 0)
    assert file is not None
    assert file.read(0, 10 + 2 * 46) == (tmp_path / f"{10:020d}.snapshot").read_bytes()
    assert last_offsets(tmp_path, 10) == {7: 7, 8: 8}


def test_a_second_one_at_the_same_offset_is_not_written(tmp_path: Path) -> None:
    snapshots = ProducerSnapshots(context_of(tmp_path))
    assert snapshots.take(state_of(7), 10, 0) is not None
    assert snapshots.take(state_of(7), 10, 0) is None


def test_without_producers_all_go(tmp_path: Path) -> None:
    snapshots = ProducerSnapshots(context_of(tmp_path))
    snapshots.take(state_of(7), 10, 0)
    assert snapshots.take(state_of(), 20, 0) is None
    assert (snapshots.offsets, snapshot_offsets(tmp_path)) == ((), [])


@pytest.mark.parametrize(
    ("producers", "offsets", "position", "due"),
    [
        ((), (), 1 << 30, False),
        ((7,), (), 0, True),
        ((7,), (10,), producer_snapshots.SNAPSHOT_INTERVAL_BYTES - 1, False),
        ((7,), (10,), producer_snapshots.SNAPSHOT_INTERVAL_BYTES, True),
    ],
    ids=["no_producer", "none_taken", "one_lately", "one_long_ago"],
)
def test_when_one_is_due(
    tmp_path: Path, producers: tuple[int, ...], offsets: tuple[int, ...], position: int, due: bool
) -> None:
    assert ProducerSnapshots(context_of(tmp_path), offsets).is_due(state_of(*producers), position) is due


@pytest.mark.parametrize("operation", ["create", "writev", "replace"])
def test_a_write_that_fails_leaves_the_older_ones_and_nothing_else(tmp_path: Path, operation: str) -> None:
    files = FaultyFiles()
    snapshots = ProducerSnapshots(context_of(tmp_path, files))
    snapshots.take(state_of(7), 10, 0)
    files.fail(operation, path="*.snapshot*", error=errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        snapshots.take(state_of(7), 20, 0)
    assert snapshots.offsets == (10,)
    assert [path.name for path in tmp_path.iterdir()] == [f"{10:020d}.snapshot"]
    snapshots.take(state_of(7), 20, 0)
    assert snapshot_offsets(tmp_path) == [10, 20]


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-1],
    "flipped": lambda data: data[:20] + b"\xff" + data[21:],
    "other_version": lambda data: b"\0\2" + data[2:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_one_is_set_aside_and_the_older_one_read(
    tmp_path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    older, newest = (tmp_path / f"{offset:020d}.snapshot" for offset in (10, 20))
    older.write_bytes(encode_producer_snapshot(state_of(7).snapshot()))
    newest.write_bytes(damage(encode_producer_snapshot(state_of(7, 8).snapshot())))
    snapshots = ProducerSnapshots(context_of(tmp_path), [10, 20])
    assert snapshots.read_newest() == (10, state_of(7).snapshot())
    assert (snapshots.offsets, snapshot_offsets(tmp_path)) == ((10,), [10])
    aside = newest.with_name(f"{newest.name}.broken")
    assert aside.read_bytes() == damage(encode_producer_snapshot(state_of(7, 8).snapshot()))
    assert f"{newest} is not used, and kept as {aside}: producer snapshot: " in caplog.text


def test_one_that_cannot_be_read_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = FaultyFiles()
    context = context_of(tmp_path, files)
    for offset in (10, 20):
        ProducerSnapshots(context).take(state_of(7), offset, 0)
    snapshots = ProducerSnapshots(context, [10, 20])
    files.fail("pread", path=f"*{20:020d}.snapshot", error=errno.EIO)
    assert snapshots.read_newest() == (10, state_of(7).snapshot())
    assert f"{20:020d}.snapshot is not used: " in caplog.text


@pytest.mark.parametrize("offset", [10, 20])
def test_a_directory_in_the_place_of_one_is_set_aside(tmp_path: Path, offset: int) -> None:
    context = context_of(tmp_path)
    ProducerSnapshots(context).take(state_of(7), 30 - offset, 0)
    (tmp_path / f"{offset:020d}.snapshot").mkdir()
    snapshots = ProducerSnapshots(context, [10, 20])
    assert snapshots.read_newest() == (30 - offset, state_of(7).snapshot())
    snapshots.sync()
    assert snapshots.offsets == (30 - offset,)
    assert (tmp_path / f"{offset:020d}.snapshot.broken").is_dir()


def errors_in(caplog: pytest.LogCaptureFixture) -> list[BaseException]:
    """What a handler that keeps its lines would keep, with the frames of the error and the files in them."""
    arguments = (argument for record in caplog.records for argument in record.args or ())
    return [argument for argument in arguments if isinstance(argument, BaseException)]


def test_the_line_about_one_that_cannot_be_read_keeps_no_file_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / f"{20:020d}.snapshot").symlink_to("/nonexistent/nowhere")
    ProducerSnapshots(context_of(tmp_path), [20]).sync()
    assert f"{20:020d}.snapshot is not used: [Errno 2]" in caplog.text
    assert errors_in(caplog) == []


def test_the_line_about_one_that_cannot_be_removed_keeps_no_file_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = FaultyFiles()
    files.fail("unlink", path="*.snapshot", error=errno.EIO)
    (tmp_path / f"{10:020d}.snapshot").touch()
    ProducerSnapshots(context_of(tmp_path, files), [10, 20, 30]).prune(30)
    assert "an old producer snapshot stays until the next flush" in caplog.text
    assert errors_in(caplog) == []


def test_a_directory_in_the_place_of_an_old_one_does_not_keep_those_after_it(tmp_path: Path) -> None:
    snapshots = ProducerSnapshots(context_of(tmp_path))
    for offset in (10, 20, 30, 40):
        snapshots.take(state_of(7), offset, 0)
    (tmp_path / f"{10:020d}.snapshot").unlink()
    (tmp_path / f"{10:020d}.snapshot").mkdir()
    snapshots.prune(40)
    assert snapshots.offsets == (30, 40)
    assert (tmp_path / f"{10:020d}.snapshot.broken").is_dir()
    assert not (tmp_path / f"{20:020d}.snapshot").exists()


def test_those_before_the_log_are_removed_and_those_beyond_its_end_set_aside(tmp_path: Path) -> None:
    for offset in (5, 10, 20, 21):
        (tmp_path / f"{offset:020d}.snapshot").touch()
    snapshots = ProducerSnapshots(context_of(tmp_path), [5, 10, 20, 21])
    snapshots.keep_within(10, 20)
    assert (snapshots.offsets, snapshot_offsets(tmp_path)) == ((10, 20), [10, 20])
    assert [path.name for path in tmp_path.glob("*.broken")] == [f"{21:020d}.snapshot.broken"]


# The writer that takes them


def test_a_partition_without_producers_has_none(bench: Make) -> None:
    log = bench(segment_bytes=1000)
    log.fill(50)
    log.log.writer.flush()
    log.roll()
    log.close()
    assert snapshot_offsets(log.directory) == []


def test_a_roll_takes_one_at_the_base_offset_of_the_new_segment(bench: Make) -> None:
    log = bench()
    log.append_checked(batch_by(7, 0, 3), batch_by(8, 0))
    log.roll()
    assert snapshot_offsets(log.directory) == [4]
    assert last_offsets(log.directory, 4) == {7: 2, 8: 3}


def test_a_roll_within_a_group_tells_of_the_batches_before_it(bench: Make) -> None:
    batches = [batch_by(7, number) for number in range(5)]
    log = bench(segment_bytes=3 * len(batches[0]))
    assert log.append_checked(*batches) == [0, 1, 2, 3, 4]
    assert [segment.base_offset for segment in log.view.segments] == [0, 3]
    assert last_offsets(log.directory, 3) == {7: 2}
    assert log.log.writer.producers.snapshot()[0].last_offset == 4


def test_the_first_flush_takes_one_and_later_ones_do_not(bench: Make) -> None:
    log = bench()
    log.append_checked(batch_by(7, 0))
    assert snapshot_offsets(log.directory) == []
    log.log.writer.flush()
    assert snapshot_offsets(log.directory) == [1]
    log.append_checked(batch_by(7, 1))
    log.log.writer.flush()
    assert snapshot_offsets(log.directory) == [1]


def test_a_flush_takes_another_one_when_much_came_since(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer_snapshots, "SNAPSHOT_INTERVAL_BYTES", 1000)
    log = bench()
    for number in range(40):
        log.append_checked(batch_by(7, number))
        log.log.writer.flush()
    size_bytes = log.view.size_bytes
    newest, older = (log.view.size_bytes * offset // 40 for offset in snapshot_offsets(log.directory)[::-1])
    assert 1000 <= newest - older < 1200
    assert size_bytes - newest < 1200


def test_a_flush_syncs_the_snapshot_with_the_batches(tmp_path: Path) -> None:
    files = FaultyFiles()
    log = LogBench(tmp_path / "orders/0", files)
    log.append_checked(batch_by(7, 0))
    log.log.writer.flush()
    log.abandon()
    files.lose_unsynced()
    assert last_offsets(log.directory, 1) == {7: 0}


def test_a_flush_whose_snapshot_cannot_be_written_moves_no_recovery_point(tmp_path: Path) -> None:
    files = FaultyFiles()
    log = LogBench(tmp_path / "orders/0", files)
    log.append_checked(batch_by(7, 0))
    files.fail("create", path="*.snapshot*", error=errno.ENOSPC)
    with pytest.raises(KafkaStorageError, match=r"flush failed: .*No space"):
        log.log.writer.flush()
    assert log.log.recovery_point == 0
    assert log.log.writer.closed_reason is None
    log.log.writer.flush()
    assert log.log.recovery_point == 1
    log.abandon()


@pytest.mark.parametrize("why", ["roll", "append"])
def test_a_roll_goes_on_without_its_snapshot(
    tmp_path: Path, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    files = FaultyFiles()
    log = LogBench(tmp_path / "orders/0", files, segment_bytes=2 * len(batch_by(7, 0)))
    log.append_checked(batch_by(7, 0), batch_by(7, 1))
    files.fail("create", path="*.snapshot*", error=errno.ENOSPC)
    if why == "roll":
        log.roll()
    else:
        assert log.append_checked(batch_by(7, 2)) == [2]
    assert [segment.base_offset for segment in log.view.segments] == [0, 2]
    assert "no producer snapshot: " in caplog.text
    log.close()
    assert snapshot_offsets(log.directory) == [log.view.log_end_offset]


def test_an_append_that_fails_after_a_roll_takes_none(tmp_path: Path) -> None:
    files = FaultyFiles()
    log = LogBench(tmp_path / "orders/0", files, segment_bytes=2 * len(batch_by(7, 0)))
    log.append_checked(batch_by(7, 0), batch_by(7, 1))
    files.fail("writev", path=f"*{2:020d}.log", error=errno.EIO)
    with pytest.raises(KafkaStorageError, match="append failed"):
        log.append_checked(batch_by(7, 2))
    assert snapshot_offsets(log.directory) == []
    assert log.log.writer.producers.snapshot()[0].last_offset == 1
    assert log.append_checked(batch_by(7, 1), batch_by(7, 2)) == [2]
    log.close()


def test_a_close_takes_one_at_the_end(bench: Make) -> None:
    log = bench()
    log.append_checked(batch_by(7, 0, 3))
    log.close()
    assert last_offsets(log.directory, 3) == {7: 2}


def test_a_close_that_changes_nothing_writes_nothing(bench: Make) -> None:
    log = bench()
    log.append_checked(batch_by(7, 0))
    log.close()
    path = log.directory / f"{1:020d}.snapshot"
    inode = path.stat().st_ino
    log.open()
    log.close()
    assert (snapshot_offsets(log.directory), path.stat().st_ino) == ([1], inode)


def test_when_all_producers_have_expired_the_snapshots_go(bench: Make) -> None:
    log = bench(producer_limits=ProducerLimits(expiration_ms=1000))
    log.append_checked(batch_by(7, 0))
    log.roll()
    log.append(batch_of(100))
    log.clock.advance(1)
    log.close()
    assert snapshot_offsets(log.directory) == []


def test_segments_take_the_snapshots_before_them_along(bench: Make) -> None:
    log = bench()
    for number in range(3):
        log.append_checked(batch_by(7, number))
        log.roll()
    assert snapshot_offsets(log.directory) == [1, 2, 3]
    log.log.writer.flush()
    assert snapshot_offsets(log.directory) == [2, 3]
    log.log.writer.delete_segments_before(3)
    assert snapshot_offsets(log.directory) == [3]
    assert log.append_checked(batch_by(7, 2), batch_by(7, 3)) == [3], "deleting records forgets no producer"


def test_snapshots_that_cannot_be_removed_with_their_segments_are_told(tmp_path: Path) -> None:
    files = FaultyFiles()
    log = LogBench(tmp_path / "orders/0", files)
    for number in range(2):
        log.append_checked(batch_by(7, number))
        log.roll()
    files.fail("unlink", path="*.snapshot", error=errno.EIO)
    with pytest.raises(KafkaStorageError, match="delete failed"):
        log.log.writer.delete_segments_before(2)
    log.close()
    log.open()
    assert snapshot_offsets(log.directory) == [2]
    log.abandon()


def test_one_beyond_the_log_end_does_not_come_back_by_a_power_cut(tmp_path: Path) -> None:
    files = FaultyFiles()
    snapshots = ProducerSnapshots(context_of(tmp_path, files))
    for offset in (10, 20):
        snapshots.take(state_of(7), offset, 0)
    snapshots.sync()
    snapshots.keep_within(0, 15)
    files.lose_unsynced()
    assert snapshot_offsets(tmp_path) == [10]
