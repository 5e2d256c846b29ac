"""The power fails before every single change of some short stories, and every time other bytes survive.

The campaign of test_power_loss.py takes random moments of long stories; here are those where a bug was found
or looked for, in small: each change that the story makes is a moment, and some seeds pick what survives it.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
from broker_helpers import batch_of, publish, values_of
from power_promises import all_records

from quekka.broker.broker import BrokerCore
from quekka.broker.config import BrokerConfig
from quekka.broker.partition import Partition
from quekka.clock import ManualClock
from quekka.storage.checkpoint_file import CLEANER_OFFSET_NAME
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.files import FILES, Files

SEEDS_PER_MOMENT = 1
SETTINGS = {
    "log.segment.bytes": "200",
    "log.flush.interval.ms": "86400000",
    "log.retention.check.interval.ms": "1000",
    "log.cleaner.backoff.ms": "1000",
}
FLUSHED = {"flush.messages": "1"}
VALUES = [b"value %d" % number for number in range(8)]


class Moments:
    """A disk, and what power cuts at every moment of a story would leave of it."""

    def __init__(self, directory: Path, clock: ManualClock, rounds: int) -> None:
        self.clock = clock
        self.files = FaultyFiles()
        self.left: list[Path] = []
        self._disk = directory / "disk"
        self._disk.mkdir()
        self._rounds = rounds

    def core(self, files: Files | None = None, path: Path | None = None) -> BrokerCore:
        config = BrokerConfig.from_settings(SETTINGS)
        core = BrokerCore(
            (path or self._disk) / "data", config, clock=self.clock, files=files or self.files
        )
        core.start()
        return core

    def watch(self) -> None:
        self.files.before_change = self._take_copies

    def _take_copies(self) -> None:
        for seed in range(SEEDS_PER_MOMENT * self._rounds):
            copy = self._disk.parent / f"left-{len(self.left)}"
            self.files.copy_after_power_cut(self._disk, copy, len(self.left) * 1000 + seed)
            self.left.append(copy)

    def reopened(self) -> Iterator[BrokerCore]:
        """A broker with plain files on each of what was left."""
        self.files.before_change = None
        assert self.left, "nothing was changed"
        for path in self.left:
            core = self.core(FILES, path)
            try:
                yield core
            finally:
                core.stop()
            shutil.rmtree(path)


@pytest.fixture
def moments(tmp_path: Path, manual_clock: ManualClock, rounds: int) -> Moments:
    return Moments(tmp_path, manual_clock, rounds)


def assert_is_part(partition: Partition, values: list[bytes], start_max: int = 0) -> None:
    """A stretch of `values`, without a gap, at the offsets it had."""
    view = partition.view()
    assert view.log_start_offset <= start_max
    found = values_of(partition)
    assert found == values[view.log_start_offset : view.log_end_offset]


def test_segments_that_are_not_flushed_yet_leave_no_gap(moments: Moments) -> None:
    core = moments.core()
    core.topics.create("logs")
    moments.watch()
    for value in VALUES:
        publish(core, "logs", value)
    core.stop()
    for reopened in moments.reopened():
        assert_is_part(reopened.topics.get("logs").partition(0), VALUES)


def test_a_recovery_that_is_cut_off_itself_leaves_no_gap(moments: Moments) -> None:
    core = moments.core()
    core.topics.create("logs")
    for value in VALUES:
        publish(core, "logs", value)
    log = core.topics.get("logs").partition(0).log
    core.stop()
    torn = sorted(log.directory.glob("*.log"))[1]
    torn.write_bytes(torn.read_bytes()[:-1])
    for name in ("recovery-point-offset-checkpoint", "../../.clean_shutdown"):
        (log.directory.parent / name).unlink()
    moments.files = FaultyFiles()  # the other one does not know of what was changed by hand
    moments.watch()
    moments.core().stop()
    for reopened in moments.reopened():
        assert_is_part(reopened.topics.get("logs").partition(0), VALUES)


def test_a_data_directory_is_found_again_below_directories_that_were_made_for_it(
    moments: Moments, tmp_path: Path
) -> None:
    core = moments.core(path=tmp_path / "disk" / "one" / "two")
    core.topics.create("logs", settings=FLUSHED)
    publish(core, "logs", b"flushed")
    moments.files.copy_after_power_cut(tmp_path / "disk", tmp_path / "left")
    core.stop()
    moments.left = [tmp_path / "left" / "one" / "two"]
    for reopened in moments.reopened():
        assert values_of(reopened.topics.get("logs").partition(0)) == [b"flushed"]


def test_retention_that_empties_a_log_gives_no_offset_out_again(moments: Moments) -> None:
    core = moments.core()
    core.topics.create("logs", settings={**FLUSHED, "retention.ms": "5000"})
    for value in VALUES:
        publish(core, "logs", value)
    partition = core.topics.get("logs").partition(0)
    moments.watch()
    moments.clock.advance(20)
    wait_for(partition, lambda: partition.view().log_start_offset == len(VALUES))
    core.stop()
    for reopened in moments.reopened():
        left = reopened.topics.get("logs").partition(0)
        assert left.view().log_end_offset == len(VALUES)
        assert_is_part(left, VALUES, start_max=len(VALUES))


def test_compaction_takes_no_flushed_record_for_one_that_is_not(moments: Moments) -> None:
    """The record that supersedes it may be lost, and then both were."""
    core = moments.core()
    core.topics.create(
        "states", settings={"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
    )
    partition = core.topics.get("states").partition(0)
    put(partition, [b"flushed %d" % number for number in range(2)], moments.clock)
    core.topics.alter("states", {"flush.messages": "1"})
    put(partition, [b"flushed 2"], moments.clock)
    core.topics.alter("states", {"flush.messages": ""})
    put(partition, [b"not %d" % number for number in range(4)], moments.clock)
    moments.watch()
    moments.clock.advance(2)
    wait_for(partition, (partition.log.directory.parent / CLEANER_OFFSET_NAME).exists)
    core.stop()
    for reopened in moments.reopened():
        left = reopened.topics.get("states").partition(0)
        assert all_records(left), f"nothing of the key is left before {left.view().log_end_offset}"


def put(partition: Partition, values: list[bytes], clock: ManualClock) -> None:
    """Values of one key, each a batch of its own."""
    for value in values:
        partition.append([batch_of([value], clock.wall_ms(), [b"key"])], 1).wait()


def wait_for(partition: Partition, is_so: Callable[[], object]) -> None:
    """Wait for what housekeeping does to a partition."""
    give_up_at_s = monotonic() + 20
    moment = Event()
    while not is_so():
        assert monotonic() < give_up_at_s, f"{partition} is not as it should be by now"
        moment.wait(0.001)
