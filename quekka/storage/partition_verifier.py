"""Checking the files of one partition, and saying what can be done about what is wrong.

safe          a torn tail, indexes, snapshots, a replacement that a crash interrupted: a broker does the same
              at boot; and a base offset that the batches around it tell
destructive   damage or a gap with whole batches or segments after it: records are lost, so only when asked
              for
none          what only a person can know

Every segment ends where the next one begins, also a compacted one, whose last batch stays, empty if need be.
Within segments offsets have gaps only where the log was ever compacted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Literal

from quekka.errors import CorruptMessageError, QuekkaError
from quekka.formats.producer_snapshot import decode_producer_snapshot
from quekka.formats.record_batch import HEADER, HEADER_BYTES, MAGIC, BatchHeader, verify_crc
from quekka.formats.segment_name import (
    LOG_SUFFIX,
    OFFSET_MAX,
    SNAPSHOT_SUFFIX,
    SegmentName,
    format_segment_name,
    parse_segment_name,
)
from quekka.storage.batch_walk import FAR_BYTES, BatchSpan, walk_batches
from quekka.storage.damage_scan import Damage, offset_before_name, scan_segment
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
from quekka.storage.segment_repair import (
    cut_damage,
    rebuild_indexes,
    rename_segment,
    renumber_batch,
    set_aside,
)
from quekka.storage.segment_replacement import SWAP_SUFFIX

Advance = Callable[[int], None]
"""Told how many more bytes of logs were checked."""
Remedy = Literal["none", "safe", "destructive"]


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be.

    Threads: the one that verifies.
    """

    path: Path
    what: str
    position: int | None = None
    """Byte in the file, where there is one."""
    remedy: Remedy = "none"
    repair: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    """Does what `remedy` names and says what it did; raises OSError, QuekkaError."""


class PartitionVerifier:
    """One partition's directory, which nobody else may use meanwhile.

    Threads: one.
    """

    def __init__(
        self,
        files: Files,
        directory: Path,
        interval_bytes: int,
        advance: Advance,
        *,
        log_start_offset: int = 0,
        was_compacted: bool = True,
    ) -> None:
        """`interval_bytes` is the topic's index.interval.bytes, for indexes that are made anew.

        Gaps before `log_start_offset` do not matter; those within segments only unless the log
        `was_compacted`.
        """
        self._log_start_offset = log_start_offset
        self._was_compacted = was_compacted
        self._files = files
        self._directory = directory
        self._interval_bytes = interval_bytes
        self._advance = advance
        self.segments = 0
        """Segments checked so far."""
        self.first_offset = 0
        """Of the first segment."""
        self.log_end_offset = 0
        """As far as the log can be read."""
        self.producer_id_max = -1
        """The largest one met in a snapshot."""

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
        self.first_offset = bases[0] if bases else 0
        misnamed = list(self._verify_names(bases))
        if misnamed:
            self.first_offset, self.log_end_offset = 0, OFFSET_MAX
            yield from misnamed
            return  # what else there is, and how far the log goes, can be told when they have their names
        for base_offset, end_offset in pairwise([*bases, OFFSET_MAX]):
            try:
                yield from self._verify_segment(base_offset, end_offset)
            except (QuekkaError, OSError) as error:
                path = SegmentPaths.of(self._directory, base_offset).log
                repair = partial(set_aside, self._files, path)
                yield Problem(path, problem_text(error, path), remedy="destructive", repair=repair)
        for known in parsed:
            if known is None:
                continue
            if known.suffix == SNAPSHOT_SUFFIX:
                yield from self._verify_snapshot(known)
            elif known.base_offset > max(bases, default=-1):
                # Deletion takes the oldest first, so none leaves these.
                path = self._directory / format_segment_name(*known)
                what = "there is no .log to this index, and none after it"
                yield Problem(path, what, remedy="safe", repair=partial(set_aside, self._files, path))

    def _verify_names(self, bases: list[int]) -> Iterator[Problem]:
        for base_offset in bases:
            path = SegmentPaths.of(self._directory, base_offset).log
            try:
                file = OpenFile(self._files, path, self._files.open_read(path))
                begins = offset_before_name(file, self._files.size_of(file.fileno), base_offset)
            except (QuekkaError, OSError):
                continue  # told when its contents are verified
            if begins is not None and begins in bases:
                what = f"begins at offset {begins}, as another segment does: its name is wrong"
                yield Problem(path, what, 0, "destructive", partial(set_aside, self._files, path))
            elif begins is not None:
                what = f"begins at offset {begins}: its name is wrong"
                yield Problem(path, what, 0, "safe", partial(rename_segment, self._files, path, begins))

    def _verify_segment(self, base_offset: int, end_offset: int) -> Iterator[Problem]:
        path = SegmentPaths.of(self._directory, base_offset).log
        file = OpenFile(self._files, path, self._files.open_read(path))
        size_bytes = self._files.size_of(file.fileno)
        is_last = end_offset == OFFSET_MAX
        is_damaged = False
        self.segments += 1
        self.log_end_offset = base_offset
        follows_damage = False
        for found in scan_segment(file, size_bytes, base_offset, end_offset):
            if isinstance(found, Damage):
                is_damaged = follows_damage = True
                is_tail = is_last and found.end_position == size_bytes
                yield self._damage(file, base_offset, found, is_tail=is_tail)
            else:
                if not follows_damage and not self._was_compacted:
                    for gap in self._gap(path, base_offset, found.position, found.base_offset):
                        is_damaged = True
                        yield gap
                follows_damage = False
                self.log_end_offset = found.last_offset + 1
            self._advance(found.size_bytes)
        if not is_last and not follows_damage:
            for gap in self._gap(path, base_offset, size_bytes, end_offset):
                is_damaged = True
                yield gap
        if not is_damaged:
            yield from self._verify_indexes(file, base_offset, size_bytes, is_sealed=not is_last)

    def _gap(self, path: Path, base_offset: int, position: int, next_offset: int) -> Iterator[Problem]:
        """Where the log should go on at `next_offset` and does not reach it."""
        if self.log_end_offset >= next_offset or next_offset <= self._log_start_offset:
            return
        what = f"offsets {self.log_end_offset} to {next_offset - 1} are missing"
        gap = Damage(position, 0, what, self.log_end_offset, next_offset)
        repair = partial(cut_damage, self._files, self._directory, base_offset, gap, self._interval_bytes)
        yield Problem(path, what, position, "destructive", repair)

    def _damage(self, file: OpenFile, base_offset: int, damage: Damage, *, is_tail: bool) -> Problem:
        path = SegmentPaths.of(self._directory, base_offset).log
        arguments = (self._files, self._directory, base_offset)
        if _fits_but_for_its_offset(file, damage):
            what = f"{damage.what}: by those around it, it is {damage.first_offset}"
            return Problem(path, what, damage.position, "safe", partial(
                renumber_batch, *arguments, damage.position, damage.first_offset, self._interval_bytes
            ))  # fmt: skip
        repair = partial(cut_damage, *arguments, damage, self._interval_bytes)
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
            entries = inspect_offset_index(offset_index_path, self._files, may_end_in_zeros=False)
            return offset_index_mismatches(entries, base_offset, batches())

        def time_mismatches() -> Iterator[str]:
            entries = inspect_time_index(time_index_path, self._files, may_end_in_zeros=False)
            return time_index_mismatches(entries, base_offset, batches(), is_finished=is_sealed)

        repair = partial(rebuild_indexes, self._files, self._directory, base_offset, self._interval_bytes)
        for path, mismatches in (
            (offset_index_path, offset_mismatches),
            (time_index_path, time_mismatches),
        ):
            what = _first_of(mismatches, path)
            if what is not None:
                yield Problem(path, what, remedy="safe", repair=repair)

    def _verify_snapshot(self, name: SegmentName) -> Iterator[Problem]:
        path = self._directory / format_segment_name(*name)
        what = None
        try:
            entries = decode_producer_snapshot(self._files.read_file(path))
            self.producer_id_max = max(self.producer_id_max, *(entry.producer_id for entry in entries), -1)
            if name.base_offset > self.log_end_offset:
                what = f"of offset {name.base_offset}, beyond the log's end, {self.log_end_offset}"
        except (CorruptMessageError, OSError) as error:
            what = problem_text(error, path)
        if what is not None:
            yield Problem(path, what, remedy="safe", repair=partial(set_aside, self._files, path))

    def _finish_replacements(self) -> str:
        sweep_directory(self._files, self._directory)
        return "replacement finished"


def problem_text(error: QuekkaError | OSError, path: Path) -> str:
    """What an exception says, without the name of the file, which the problem has."""
    if isinstance(error, QuekkaError):
        return error.message.removeprefix(f"{path}: ")
    return str(error.strerror or error)


def _fits_but_for_its_offset(file: OpenFile, damage: Damage) -> bool:
    """Whether the damage is one whole batch with as many offsets as are missing there."""
    if damage.size_bytes < HEADER_BYTES:
        return False
    header = BatchHeader._make(HEADER.unpack(file.read(damage.position, HEADER_BYTES)))
    if header.size_bytes != damage.size_bytes or header.magic != MAGIC:
        return False
    try:
        verify_crc(file.read(damage.position, damage.size_bytes), 0, header)
    except CorruptMessageError:
        return False
    return header.last_offset_delta + 1 == damage.end_offset - damage.first_offset


def _first_of(mismatches: Callable[[], Iterator[str]], path: Path) -> str | None:
    """The first mismatch, and how many more there are."""
    try:
        found = list(mismatches())
    except (CorruptMessageError, OSError) as error:
        return problem_text(error, path)
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else None
