"""Checking the files of one partition, and saying what can be done about what is wrong.

safe          a torn tail, indexes, a replacement that a crash interrupted: a broker does the same at boot
destructive   damage with whole batches or segments after it: records are lost, so only when asked for
none          what only a person can know
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Literal

from quekka.errors import CorruptMessageError, QuekkaError
from quekka.formats.segment_name import LOG_SUFFIX, OFFSET_MAX, parse_segment_name
from quekka.storage.batch_walk import FAR_BYTES, BatchSpan, walk_batches
from quekka.storage.damage_scan import Damage, scan_segment
from quekka.storage.directory_sweep import sweep_directory
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import Files
from quekka.storage.log_inspector import (
    inspect_offset_index,
    inspect_time_index,
    offset_index_mismatches,
    time_index_mismatches,
)
from quekka.storage.segment import SegmentPaths
from quekka.storage.segment_repair import cut_damage, rebuild_indexes
from quekka.storage.segment_replacement import SWAP_SUFFIX

Advance = Callable[[int], None]
"""Told how many more bytes of logs were checked."""


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be.

    Threads: the one that verifies.
    """

    path: Path
    what: str
    position: int | None = None
    """Byte in the file, where there is one."""
    remedy: Literal["none", "safe", "destructive"] = "none"
    repair: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    """Does what `remedy` names and says what it did; raises OSError, QuekkaError."""


class PartitionVerifier:
    """One partition's directory, which nobody else may use meanwhile.

    Threads: one.
    """

    def __init__(self, files: Files, directory: Path, interval_bytes: int, advance: Advance) -> None:
        """`interval_bytes` is the topic's index.interval.bytes, for indexes that are made anew."""
        self._files = files
        self._directory = directory
        self._interval_bytes = interval_bytes
        self._advance = advance
        self.segments = 0
        """Segments checked so far."""
        self.log_end_offset = 0
        """As far as the log can be read."""

    def verify(self) -> Iterator[Problem]:
        """Every problem there is, file by file; raises OSError when the directory cannot be read."""
        names = self._files.listdir(self._directory)
        for name in names:
            if name.endswith(LOG_SUFFIX + SWAP_SUFFIX):
                yield Problem(
                    self._directory / name,
                    "the replacement of cleaned segments was interrupted",
                    remedy="safe",
                    repair=self._finish_replacements,
                )
        parsed = [parse_segment_name(name) for name in names]
        bases = sorted(name.base_offset for name in parsed if name is not None and name.suffix == LOG_SUFFIX)
        for base_offset, end_offset in pairwise([*bases, OFFSET_MAX]):
            try:
                yield from self._verify_segment(base_offset, end_offset)
            except (QuekkaError, OSError) as error:
                path = SegmentPaths.of(self._directory, base_offset).log
                yield Problem(path, problem_text(error, path))

    def _verify_segment(self, base_offset: int, end_offset: int) -> Iterator[Problem]:
        path = SegmentPaths.of(self._directory, base_offset).log
        file = OpenFile(self._files, path, self._files.open_read(path))
        size_bytes = self._files.size_of(file.fileno)
        is_last = end_offset == OFFSET_MAX
        is_damaged = False
        self.segments += 1
        self.log_end_offset = base_offset
        for found in scan_segment(file, size_bytes, base_offset, end_offset):
            if isinstance(found, Damage):
                is_damaged = True
                yield self._damage(
                    path, base_offset, found, is_tail=is_last and found.end_position == size_bytes
                )
            else:
                self.log_end_offset = found.last_offset + 1
            self._advance(found.size_bytes)
        if not is_damaged:
            yield from self._verify_indexes(file, base_offset, size_bytes, is_sealed=not is_last)

    def _damage(self, path: Path, base_offset: int, damage: Damage, *, is_tail: bool) -> Problem:
        repair = partial(cut_damage, self._files, self._directory, base_offset, damage, self._interval_bytes)
        if is_tail:
            what = f"torn tail, {damage.size_bytes} bytes: {damage.what}"
            return Problem(path, what, damage.position, "safe", repair)
        what = f"{damage.size_bytes} bytes damaged: {damage.what}"
        return Problem(path, what, damage.position, "destructive", repair)

    def _verify_indexes(
        self, file: OpenFile, base_offset: int, size_bytes: int, *, is_sealed: bool
    ) -> Iterator[Problem]:
        _, offset_index_path, time_index_path = SegmentPaths.of(self._directory, base_offset)

        def batches() -> Iterator[BatchSpan]:
            return walk_batches(file, 0, size_bytes, FAR_BYTES)

        def offset_mismatches() -> Iterator[str]:
            entries = inspect_offset_index(offset_index_path, self._files)
            return offset_index_mismatches(entries, base_offset, batches())

        def time_mismatches() -> Iterator[str]:
            entries = inspect_time_index(time_index_path, self._files)
            return time_index_mismatches(entries, base_offset, batches(), is_finished=is_sealed)

        repair = partial(rebuild_indexes, self._files, self._directory, base_offset, self._interval_bytes)
        for path, mismatches in ((offset_index_path, offset_mismatches), (time_index_path, time_mismatches)):
            what = _first_of(mismatches, path)
            if what is not None:
                yield Problem(path, what, remedy="safe", repair=repair)

    def _finish_replacements(self) -> str:
        sweep_directory(self._files, self._directory)
        return "replacement finished"


def problem_text(error: QuekkaError | OSError, path: Path) -> str:
    """What an exception says, without the name of the file, which the problem has."""
    if isinstance(error, QuekkaError):
        return error.message.removeprefix(f"{path}: ")
    return str(error.strerror or error)


def _first_of(mismatches: Callable[[], Iterator[str]], path: Path) -> str | None:
    """The first mismatch, and how many more there are."""
    try:
        found = list(mismatches())
    except (CorruptMessageError, OSError) as error:
        return problem_text(error, path)
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else None
