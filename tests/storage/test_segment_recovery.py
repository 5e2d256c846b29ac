"""Every kind of damage at the end of a log, by name, and exactly what survives it."""

import logging
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_bench import START_MS, LogBench, batch, batch_of, offsets, read_all

from quekka.errors import KafkaStorageError
from quekka.formats.record_batch import iter_batches, patch_offsets
from quekka.storage import segment_recovery
from quekka.storage.faulty_files import FaultyFiles

SEALED, ACTIVE = 0, 10
"""Base offsets: ten batches of one record in each, 100 bytes large."""


def a_log(bench: Callable[..., LogBench]) -> LogBench:
    made = bench(index_interval_bytes=250)
    made.fill(10)
    made.roll()
    made.fill(10)
    made.close()
    return made


def log_of(log: LogBench, base_offset: int = ACTIVE) -> Path:
    return log.paths(base_offset).log


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def with_byte_flipped(position: int) -> Callable[[bytes], bytes]:
    def flip(data: bytes) -> bytes:
        at = position % len(data)
        return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]

    return flip


def with_offset_twice(data: bytes) -> bytes:
    last = bytearray(batch_of(100))
    patch_offsets(last, 19, 0)
    return data + last


class Damage(NamedTuple):
    """What happens to the log's files, how many records are left of 20, how many bytes are cut."""

    name: str
    happens: Callable[[LogBench], object]
    survivors: int
    cut_bytes: int


def index_is(entries: bytes) -> Callable[[LogBench], object]:
    return lambda log: log.paths(ACTIVE).index.write_bytes(entries)


def time_index_is(entries: bytes) -> Callable[[LogBench], object]:
    return lambda log: log.paths(ACTIVE).time_index.write_bytes(entries)


def log_is(change: Callable[[bytes], bytes]) -> Callable[[LogBench], object]:
    return lambda log: rewrite(log_of(log), change)


def file_is(base_offset: int, suffix: str, change: Callable[[bytes], bytes]) -> Callable[[LogBench], object]:
    return lambda log: rewrite(log_of(log, base_offset).with_suffix(suffix), change)


def missing(base_offset: int, *suffixes: str) -> Callable[[LogBench], object]:
    return lambda log: [log_of(log, base_offset).with_suffix(suffix).unlink() for suffix in suffixes]


def torn_and_without_index(log: LogBench) -> None:
    rewrite(log_of(log), lambda data: data[:-1])
    log.paths(ACTIVE).index.unlink()


DAMAGES = [
    Damage("none", lambda log: None, 20, 0),
    Damage("torn_last_batch", log_is(lambda data: data[:-1]), 19, 99),
    Damage("torn_header", log_is(lambda data: data[:-70]), 19, 30),
    Damage("one_byte_of_a_batch", log_is(lambda data: data[:-99]), 19, 1),
    Damage("flipped_byte_in_last_batch", log_is(with_byte_flipped(-10)), 19, 100),
    Damage("flipped_byte_in_last_crc", log_is(with_byte_flipped(-81)), 19, 100),
    Damage("flipped_byte_in_last_magic", log_is(with_byte_flipped(-84)), 19, 100),
    Damage("flipped_byte_in_last_length", log_is(with_byte_flipped(-92)), 19, 100),
    Damage("flipped_byte_in_the_middle", log_is(with_byte_flipped(450)), 14, 600),
    Damage("zeroes_at_the_end", log_is(lambda data: data + bytes(4096)), 20, 4096),
    Damage("garbage_at_the_end", log_is(lambda data: data + b"\xa5" * 77), 20, 77),
    Damage("offset_twice", log_is(with_offset_twice), 20, 100),
    Damage("empty_last_segment", log_is(lambda data: b""), 10, 0),
    Damage("only_garbage", log_is(lambda data: b"\1" * 30), 10, 30),
    Damage("index_missing", missing(ACTIVE, ".index"), 20, 0),
    Damage("timeindex_missing", missing(ACTIVE, ".timeindex"), 20, 0),
    Damage("index_too_long", file_is(ACTIVE, ".index", lambda data: data * 2), 20, 0),
    Damage("index_torn", file_is(ACTIVE, ".index", lambda data: data[:-3]), 20, 0),
    Damage("index_zeroes", file_is(ACTIVE, ".index", lambda data: bytes(len(data))), 20, 0),
    Damage("index_past_the_file", index_is(struct.pack(">2i", 3, 5000)), 20, 0),
    Damage("index_from_another_life", index_is(struct.pack(">2i", 3, 333)), 20, 0),
    Damage("timeindex_torn", file_is(ACTIVE, ".timeindex", lambda data: data[:-5]), 20, 0),
    Damage("timeindex_empty", time_index_is(b""), 20, 0),
    Damage("timeindex_from_another_life", time_index_is(struct.pack(">qi", 7, 5)), 20, 0),
    Damage("sealed_index_missing", missing(SEALED, ".index"), 20, 0),
    Damage("sealed_indexes_missing", missing(SEALED, ".index", ".timeindex"), 20, 0),
    Damage("sealed_timeindex_torn", file_is(SEALED, ".timeindex", lambda data: data[:-5]), 20, 0),
    Damage("sealed_index_too_long", file_is(SEALED, ".index", lambda data: data * 2), 20, 0),
    Damage("torn_last_batch_and_no_index", torn_and_without_index, 19, 99),
]


@pytest.mark.parametrize("recovery_point", [0, 5, 10, 13], ids=lambda point: f"recovery_point_{point}")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_after_a_crash(bench: Callable[..., LogBench], damage: Damage, recovery_point: int) -> None:
    log = a_log(bench)
    before = log_of(log).read_bytes()
    damage.happens(log)
    damaged = log_of(log).read_bytes()
    log.open(recovery_point=recovery_point)
    assert offsets(log.view, 150) == list(range(damage.survivors))
    assert log.log.recovery_point == log.view.log_end_offset == damage.survivors
    survived = before[: (damage.survivors - 10) * 100]
    assert log_of(log).read_bytes() == survived
    broken = log.directory / f"{log_of(log).name}.broken"
    assert (broken.read_bytes() if broken.exists() else b"") == damaged[len(survived) :]
    assert len(damaged) - len(survived) == damage.cut_bytes
    check_indexes_and_go_on(log, damage.survivors)


@pytest.mark.parametrize(
    "damage",
    [damage for damage in DAMAGES if damage.name.split("_")[0] not in ("flipped", "sealed")],
    ids=lambda damage: damage.name,
)
def test_after_a_clean_stop(bench: Callable[..., LogBench], damage: Damage) -> None:
    log = a_log(bench)
    damage.happens(log)
    log.open()
    assert offsets(log.view, 150) == list(range(damage.survivors))
    check_indexes_and_go_on(log, damage.survivors)


def check_indexes_and_go_on(log: LogBench, next_offset: int) -> None:
    """Appends, timestamps and another two opens work, and index files are what they would have been."""
    for offset in range(next_offset):
        assert log.view.offset_for_timestamp(START_MS + offset) == (offset, START_MS + offset)
    assert log.append(batch_of(100, START_MS + 100)) == [next_offset]
    log.close()
    kept = {path.name: path.read_bytes() for path in log.directory.glob("*index")}
    for path in log.directory.glob("*index"):
        path.unlink()
    log.open()
    assert offsets(log.view, 150) == list(range(next_offset + 1))
    log.close()
    assert {path.name: path.read_bytes() for path in log.directory.glob("*index")} == kept
    log.open(recovery_point=0)
    assert offsets(log.view) == list(range(next_offset + 1))


def test_damage_before_the_recovery_point_is_not_cut(bench: Callable[..., LogBench]) -> None:
    log = a_log(bench)
    rewrite(log_of(log), with_byte_flipped(150))
    before = log_of(log).read_bytes()
    log.open(recovery_point=15)
    assert log.view.log_end_offset == 20
    assert log_of(log).read_bytes() == before


def test_a_damaged_unsynced_segment_ends_the_log_and_those_after_it_are_set_aside(
    bench: Callable[..., LogBench], caplog: pytest.LogCaptureFixture
) -> None:
    log = a_log(bench)
    later = log_of(log).read_bytes()
    rewrite(log_of(log, SEALED), with_byte_flipped(450))
    log.open(recovery_point=0)
    assert offsets(log.view) == [0, 1, 2, 3]
    assert log.names() == [
        "00000000000000000000.index", "00000000000000000000.log", "00000000000000000000.log.broken",
        "00000000000000000000.timeindex", "00000000000000000010.log.broken",
    ]  # fmt: skip
    assert (log.directory / "00000000000000000010.log.broken").read_bytes() == later
    assert "does not go on where the log ends" in caplog.text
    check_indexes_and_go_on(log, 4)


def test_offsets_that_reach_into_the_next_segment_are_damage(bench: Callable[..., LogBench]) -> None:
    log = a_log(bench)
    extra = batch_of(100)
    patch_offsets(extra, 10, 0)
    rewrite(log_of(log, SEALED), lambda data: data + extra)
    log.open(recovery_point=0)
    assert offsets(log.view) == list(range(10))
    assert (log.directory / "00000000000000000000.log.broken").read_bytes() == extra


def test_broken_bytes_of_an_earlier_time_are_kept_too(bench: Callable[..., LogBench]) -> None:
    log = a_log(bench)
    for _ in range(3):
        rewrite(log_of(log), lambda data: data + b"torn")
        log.open(recovery_point=10)
        log.close()
    assert [name for name in log.names() if "broken" in name] == [
        "00000000000000000010.log.broken",
        "00000000000000000010.log.broken.1",
        "00000000000000000010.log.broken.2",
    ]


def test_a_disk_that_cannot_be_read_is_an_error_and_nothing_is_cut(bench: Callable[..., LogBench]) -> None:
    files = FaultyFiles()
    log = a_log(lambda **options: bench(files=files, **options))
    before = log_of(log).read_bytes()
    files.fail("pread", path="*.log", every=True)
    with pytest.raises(KafkaStorageError, match="Input/output error"):
        log.open(recovery_point=0)
    files.heal()
    assert log_of(log).read_bytes() == before
    log.cache.close_all()


def test_what_recovery_kept_is_on_the_disk_when_the_log_opens(bench: Callable[..., LogBench]) -> None:
    files = FaultyFiles()
    log = bench(files=files, index_interval_bytes=250)
    log.fill(10)
    log.abandon()
    log.open(recovery_point=0)
    log.abandon()
    files.lose_unsynced()
    log.open(recovery_point=10)
    assert offsets(log.view) == list(range(10))


def test_a_recovery_point_beyond_the_log_is_told(
    bench: Callable[..., LogBench], caplog: pytest.LogCaptureFixture
) -> None:
    log = a_log(bench)
    log.open(recovery_point=1000)
    assert log.view.log_end_offset == 20
    assert "ends at offset 20, before its recovery point 1000" in caplog.text


def test_a_recovery_point_beyond_the_log_is_not_believed(bench: Callable[..., LogBench]) -> None:
    """Else a flipped digit in the checkpoint would let a damaged end of the log pass."""
    log = a_log(bench)
    rewrite(log_of(log), with_byte_flipped(950))
    log.open(recovery_point=10**18)
    assert offsets(log.view) == list(range(19))


@pytest.mark.parametrize(
    ("last", "recovery_point"), [(True, None), (True, 0), (False, 0)], ids=["clean", "active", "sealed"]
)
def test_offsets_too_far_from_the_base_offset_are_damage(
    bench: Callable[..., LogBench], recovery_point: int | None, last: bool
) -> None:
    """An index has 31 bits for them."""
    log = a_log(bench)
    base_offset = 10 if last else SEALED
    extra = batch_of(100)
    patch_offsets(extra, base_offset + 2**31, 0)
    rewrite(log_of(log, base_offset), lambda data: data + extra)
    for path in log.directory.glob("*index"):
        path.unlink()
    log.open(recovery_point=recovery_point)
    assert offsets(log.view) == list(range(20 if last else 10))


def test_a_long_recovery_reports_progress(
    bench: Callable[..., LogBench], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress_bytes = 1 << 20
    monkeypatch.setattr(segment_recovery, "PROGRESS_BYTES", progress_bytes)
    caplog.set_level(logging.INFO)
    log = bench()
    large = batch(b"v" * (1 << 16))
    count = 2 * progress_bytes // len(large) + 2
    for _ in range(count):
        log.append(large)
    log.close()
    log.open(recovery_point=0)
    total_bytes = count * len(large)
    assert [report[0].name for report in log.progress] == ["00000000000000000000.log"] * 2
    assert all(0 < done <= total == total_bytes for _, done, total in log.progress)
    assert f"recovered up to offset {count}, {total_bytes} bytes" in caplog.text


def test_a_clean_open_reads_only_the_end(bench: Callable[..., LogBench]) -> None:
    class CountingFiles(FaultyFiles):
        """Counts what is read of .log files."""

        read_bytes = 0

        def pread(self, fd: int, size_bytes: int, position: int) -> bytes:
            data = super().pread(fd, size_bytes, position)
            if self._paths[fd].name.endswith(".log"):
                self.read_bytes += len(data)
            return data

    files = CountingFiles()
    log = bench(files=files, segment_bytes=500_000)
    log.fill(1500, size_bytes=1000)
    log.close()
    files.read_bytes = 0
    log.open()
    assert log.view.log_end_offset == 1500
    assert files.read_bytes < 100_000


# Properties


def whole_batches(data: bytes) -> int:
    """Bytes of the longest prefix that is whole batches."""
    end = 0
    while True:
        rest = data[end:]
        if len(rest) < 12 or len(rest) < 12 + int.from_bytes(rest[8:12]):
            return end
        end += 12 + int.from_bytes(rest[8:12])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.data())
def test_any_prefix_recovers_to_its_whole_batches(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], data: st.DataObject
) -> None:
    log = LogBench(tmp_path_factory.mktemp("log") / "0", index_interval_bytes=200)
    for count in counts:
        log.append(batch(*[b"value"] * count))
    log.close()
    written = log_of(log, 0).read_bytes()
    prefix = written[: data.draw(st.integers(0, len(written)))]
    is_clean = data.draw(st.booleans())
    log_of(log, 0).write_bytes(prefix)
    log.open(recovery_point=None if is_clean else data.draw(st.integers(0, 3)))
    survived = prefix[: whole_batches(prefix)]
    assert log_of(log, 0).read_bytes() == survived
    assert len(list(read_all(log.view))) == sum(header.records_count for _, header in iter_batches(survived))
    log.close()
