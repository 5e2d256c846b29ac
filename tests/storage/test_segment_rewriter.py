"""SegmentRewriter: a cleaned segment whose indexes lead to its batches, on the disk before it is offered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from quekka.clock import ManualClock
from quekka.errors import CorruptMessageError
from quekka.formats.record_batch import iter_batches, iter_records
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.storage.batch_walk import FAR_BYTES, walk_batches
from quekka.storage.faulty_files import FaultyFiles
from quekka.storage.file_cache import FileCache, OpenFile
from quekka.storage.files import FILES
from quekka.storage.key_offsets import KeyOffsets
from quekka.storage.log_config import LogConfig
from quekka.storage.log_inspector import (
    inspect_offset_index,
    inspect_time_index,
    offset_index_mismatches,
    time_index_mismatches,
)
from quekka.storage.partition_log import PartitionLog
from quekka.storage.segment import SegmentPaths, SegmentView
from quekka.storage.segment_replacement import CLEANED_SUFFIX
from quekka.storage.segment_rewriter import SegmentRewriter, checked_batches

CONFIG = LogConfig.from_settings({"cleanup.policy": "compact", "index.interval.bytes": "200"})


class Bench:
    """A log of two sealed segments with 30 batches each, every key twice in each."""

    def __init__(self, directory: Path) -> None:
        self.files = FaultyFiles()
        self.directory = directory
        self.clock = ManualClock()
        self.cache = FileCache(self.files, 10)
        self.log = PartitionLog.open(
            directory, config=CONFIG, files=self.files, file_cache=self.cache, clock=self.clock
        )
        for number in range(60):
            builder = BatchBuilder(self.clock.wall_ms() + number)
            builder.append(b"key %d" % (number % 15), b"value %d" % number)
            self.log.writer.append([builder.build()])
            if number % 30 == 29:
                self.log.writer.roll()
        self.log.writer.publish()
        self.log.writer.flush()

    @property
    def group(self) -> tuple[SegmentView, ...]:
        return self.log.view.sealed

    def rewrite(self, group: tuple[SegmentView, ...], keys: KeyOffsets) -> bool:
        now_ms = self.clock.wall_ms()
        return SegmentRewriter(self.files, self.directory, CONFIG, keys, now_ms).rewrite(group)

    def cleaned(self) -> tuple[Path, ...]:
        return tuple(SegmentPaths.of(self.directory, 0, CLEANED_SUFFIX))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "0")
    yield made
    made.log.close()
    made.cache.close_all()


def last_values(latest_offset: int = 59) -> KeyOffsets:
    """What is known of a log that was read up to an offset."""
    keys = KeyOffsets(100)
    for offset in range(latest_offset + 1):
        keys.add(b"key %d" % (offset % 15), offset)
    return keys


def offsets(path: Path) -> list[int]:
    data = path.read_bytes()
    return [record.offset for at, _ in iter_batches(data) for record in iter_records(data, at)]


def test_segments_become_one_of_the_last_records(bench: Bench) -> None:
    assert bench.rewrite(bench.group, last_values())
    assert offsets(bench.cleaned()[0]) == list(range(45, 60))


def test_records_after_what_was_read_all_stay(bench: Bench) -> None:
    assert bench.rewrite(bench.group, last_values(latest_offset=32))
    assert offsets(bench.cleaned()[0]) == list(range(18, 60))


def test_the_indexes_are_those_of_the_new_segment(bench: Bench) -> None:
    bench.rewrite(bench.group, last_values())
    log_path, offset_index_path, time_index_path = bench.cleaned()
    file = OpenFile(FILES, log_path, FILES.open_read(log_path))
    batches = list(walk_batches(file, 0, log_path.stat().st_size, FAR_BYTES))
    offset_entries = list(inspect_offset_index(offset_index_path))
    time_entries = list(inspect_time_index(time_index_path))
    assert len(offset_entries) > 1
    assert list(offset_index_mismatches(offset_entries, 0, batches)) == []
    assert list(time_index_mismatches(time_entries, 0, batches, is_finished=True)) == []


def test_a_segment_with_nothing_to_do_is_not_replaced(bench: Bench) -> None:
    assert not bench.rewrite(bench.group[1:], KeyOffsets(1))
    assert not any(path.exists() for path in tuple(SegmentPaths.of(bench.directory, 30, CLEANED_SUFFIX)))


def test_leftovers_of_an_earlier_try_are_replaced(bench: Bench) -> None:
    for path in bench.cleaned():
        path.write_bytes(b"leftover")
    assert bench.rewrite(bench.group, last_values())
    assert offsets(bench.cleaned()[0]) == list(range(45, 60))


def test_what_is_offered_survives_a_power_cut(bench: Bench) -> None:
    bench.files.fsync_directory(bench.directory.parent)
    bench.rewrite(bench.group, last_values())
    before = [path.read_bytes() for path in bench.cleaned()]
    bench.files.lose_unsynced()
    assert [path.read_bytes() for path in bench.cleaned()] == before


def test_damage_names_file_and_byte(bench: Bench) -> None:
    segment = bench.group[0]
    data = bytearray(segment.path.read_bytes())
    data[-1] ^= 1
    segment.path.write_bytes(data)
    with pytest.raises(CorruptMessageError, match=r"00000000000000000000\.log: byte \d+: "):
        list(checked_batches(segment))
    with pytest.raises(CorruptMessageError):
        bench.rewrite(bench.group, last_values())
    assert not any(path.exists() for path in bench.cleaned())
