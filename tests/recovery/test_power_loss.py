"""The machine dies at any moment, the start and the stop of the broker included: what was promised is there.

A round is a data directory through some lives of brokers. Each life runs on what the power cut left of the
life before, and ends with another one: before some change of some file, picked by the seed, a random subset
of what was not synced survives (quekka/storage/power_cut.py). What must hold then is in power_promises.py:

- flush.messages=1: nothing that was acknowledged is lost; else nothing older than flush.ms
- each partition is a valid prefix of what was appended, without gaps, and nothing deleted comes back
- topics, partitions, settings and deletions of records are as acknowledged
- committed offsets do not go back behind those that were flushed
- a producer's last batch is known, and its id is not given to another

The load is one request at a time, but the broker's own threads are not held in step: a seed that failed may
need some tries to fail again.

    pytest tests/recovery/test_power_loss.py -m campaign --rounds 100
    pytest tests/recovery/test_power_loss.py --seed 1234 --rounds 1
"""

import random
import shutil
from pathlib import Path

import pytest
from power_load import PowerLoad
from power_promises import Promises
from workload import assert_logs_and_indexes_agree

from quekka.broker.broker import BrokerCore
from quekka.clock import ManualClock
from quekka.embedded import Broker
from quekka.storage.faulty_files import FaultyFiles

LIVES = 7
ACTIONS_MAX = 60
CHANGES_AT_START_MAX = 60
CHANGES_AT_STOP_MAX = 60
ANY_CHANGE_MAX = 1200

SETTINGS = {
    "log.segment.bytes": ("2500", "8000", "104857600"),
    "log.index.interval.bytes": ("1", "300", "4096"),
    "log.flush.interval.ms": ("1000", "3000"),
    "log.flush.interval.messages": ("1", "10", "9223372036854775807", "9223372036854775807"),
    "offsets.topic.segment.bytes": ("1024", "100000"),
}
"""What a life's broker is started with: one of each, by the seed."""

FIXED = {
    "offsets.topic.num.partitions": "2",
    "log.retention.check.interval.ms": "1500",
    "log.cleaner.backoff.ms": "1000",
    "writer.idle.ms": "5000",
    "log.retention.ms": "-1",
    "auto.create.topics.enable": "false",
}


class PowerSupply:
    """Cuts the power before the n-th change from now: keeps what is left of the disk, and what was promised
    then; the broker goes on and does not notice.
    """

    def __init__(self, files: FaultyFiles, data_dir: Path, left: Path, seed: int, promises: Promises) -> None:
        self.core: BrokerCore | None = None
        self.changes = 0
        self.kept: Promises | None = None
        self._files = files
        self._data_dir = data_dir
        self._left = left
        self._seed = seed
        self._promises = promises
        self._changes_left: int | None = None
        files.before_change = self._count

    @property
    def is_cut(self) -> bool:
        return self.kept is not None

    def cut_after(self, changes: int) -> None:
        self._changes_left = changes

    def cut_now(self) -> None:
        if not self.is_cut:
            self._cut()

    def _count(self) -> None:
        self.changes += 1
        if self._changes_left is not None and not self.is_cut:
            self._changes_left -= 1
            if self._changes_left < 0:
                self._cut()

    def _cut(self) -> None:
        self._left.mkdir()
        if self._data_dir.exists():
            self._files.copy_after_power_cut(self._data_dir.parent, self._left / "disk", self._seed)
        self.kept = self._promises.frozen(self.core)


class Story:
    """One data directory through its lives."""

    def __init__(self, seed: int, directory: Path) -> None:
        self.rng = random.Random(seed)
        self.promises = Promises()
        self.clock = ManualClock()
        self.retried = 0
        self.cuts = dict.fromkeys(("start", "load", "stop", "stopped"), 0)
        self._directory = directory
        self._data_dir = directory / "life-0" / "disk" / "data"
        self._left = directory / "life-0"

    def live(self, number: int) -> None:
        """Start on what the last cut left, check it, load, and lose power at some time."""
        files = FaultyFiles()
        data_dir = self._data_dir
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        left = self._directory / f"life-{number + 1}"
        supply = PowerSupply(files, data_dir, left, self.rng.randrange(2**32), self.promises)
        when = self.rng.choice(("start", "load", "load", "load", "stop", "stopped"))
        if when == "start":
            supply.cut_after(self.rng.randrange(CHANGES_AT_START_MAX))
        settings = {name: self.rng.choice(values) for name, values in SETTINGS.items()}
        broker = Broker(data_dir, settings={**FIXED, **settings}, clock=self.clock, files=files)
        broker.start()
        try:
            supply.core = broker.core
            if not supply.is_cut:
                self._check(broker)
                if when == "load":
                    supply.cut_after(self.rng.randrange(ANY_CHANGE_MAX))
                self._load(broker, supply)
            if when == "stop":
                supply.cut_after(self.rng.randrange(CHANGES_AT_STOP_MAX))
        finally:
            broker.stop()
        if not supply.is_cut:
            self.promises.all_durable()
            supply.cut_now()
        assert supply.kept is not None
        self.cuts[when] += 1
        self.promises = supply.kept
        self._data_dir = left / "disk" / "data"
        shutil.rmtree(self._left)
        self._left = left

    def _check(self, broker: Broker) -> None:
        with self.promises.mutex:
            self.promises.check(broker.core)

    def _load(self, broker: Broker, supply: PowerSupply) -> None:
        load = PowerLoad(broker, self.clock, self.promises, self.rng)
        try:
            self.retried += load.retry_batches()
            for _ in range(self.rng.randrange(ACTIONS_MAX)):
                if supply.is_cut:
                    break
                load.act()
        finally:
            load.close()

    def end(self) -> None:
        """Start with plain files, check, stop: nothing is wrong with any file."""
        with Broker(self._data_dir, settings=FIXED, clock=self.clock) as broker:
            self._check(broker)
        assert_logs_and_indexes_agree(self._data_dir)


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long; every wait in it has its own end
def test_promises_hold_after_power_cuts(
    tmp_path: Path, seed: int, rounds: int, caplog: pytest.LogCaptureFixture
) -> None:
    checked = retried = 0
    for number in range(rounds):
        round_seed = seed + number
        print(f"round --seed {round_seed} --rounds 1")
        story = Story(round_seed, tmp_path / f"round-{number}")
        for life in range(LIVES):
            story.live(life)
        story.end()
        checked += story.promises.checked_records
        retried += story.retried
        shutil.rmtree(tmp_path / f"round-{number}")
        caplog.clear()  # the errors in it hold files open
    print(f"{rounds} rounds of {LIVES} power cuts: {checked} records checked, {retried} batches retried")
