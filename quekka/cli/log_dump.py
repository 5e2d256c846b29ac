"""Going through the files that quekka-dump-log is to show, whatever is wrong with one of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from quekka.cli.common import Exit, complain, describe_error, exit_for
from quekka.cli.dump_format import DumpFormat
from quekka.errors import CorruptMessageError, MessageTooLargeError, QuekkaError
from quekka.formats.segment_name import (
    INDEX_SUFFIX,
    LOG_SUFFIX,
    TIME_INDEX_SUFFIX,
    format_segment_name,
)
from quekka.storage.batch_walk import BatchSpan
from quekka.storage.log_inspector import (
    InspectedBatch,
    inspect_log,
    inspect_offset_index,
    inspect_time_index,
    offset_index_mismatches,
    segment_name_of,
    time_index_mismatches,
)

DAMAGE = (CorruptMessageError, MessageTooLargeError)

Compare = Callable[[Path, int, Iterable[BatchSpan]], Iterator[str]]


@dataclass(frozen=True)
class DumpOptions:
    """What of each file is shown and checked."""

    format: Callable[[Path, int], DumpFormat]
    print_records: bool = False
    deep_iteration: bool = False
    verify_index: bool = False
    offset_from: int = 0
    offset_to: int = 2**63 - 1


class LogDump:
    """One run over some files; `exit_code` tells what went wrong first."""

    def __init__(self, options: DumpOptions, out: BinaryIO, advance: Callable[[int], None]) -> None:
        """`advance` is told how many more bytes of .log files were read."""
        self._options = options
        self._out = out
        self._advance = advance
        self.exit_code = Exit.OK

    def dump(self, path: Path) -> None:
        """Show one segment file; what is wrong with it goes to standard error. Raises BrokenPipeError."""
        name = segment_name_of(path)
        if name is None or name.suffix not in DUMPERS:
            self._fault(f"{path}: no segment file, by its name", Exit.USAGE)
            return
        try:
            self._format = self._options.format(path, name.base_offset)
            self._line(self._format.header())
            DUMPERS[name.suffix](self, path, name.base_offset)
        except BrokenPipeError:
            raise
        except (QuekkaError, OSError) as error:
            self._fault(describe_error(error), _exit_code(error))

    def _dump_log(self, path: Path, base_offset: int) -> None:
        options = self._options
        for batch in inspect_log(path):
            self._advance(batch.header.size_bytes)
            if batch.header.base_offset > options.offset_to:
                break
            if batch.header.last_offset >= options.offset_from:
                self._dump_batch(path, batch)
        if options.verify_index:
            for suffix, compare in COMPARISONS.items():
                self._compare(
                    path.with_name(format_segment_name(base_offset, suffix)), path, base_offset, compare
                )

    def _dump_batch(self, path: Path, batch: InspectedBatch) -> None:
        options = self._options
        self._line(self._format.batch(batch))
        if batch.fault is not None:
            self._fault(f"{path}: byte {batch.position}: {batch.fault}", Exit.DATA_DAMAGED)
        elif options.print_records or options.deep_iteration:
            try:
                self._dump_records(batch)
            except QuekkaError as error:
                self._fault(f"{path}: byte {batch.position}: {describe_error(error)}", _exit_code(error))

    def _dump_records(self, batch: InspectedBatch) -> None:
        for record in batch.records(self._options.offset_from):
            if record.offset <= self._options.offset_to and self._options.print_records:
                self._line(self._format.record(batch, record))

    def _dump_offset_index(self, path: Path, base_offset: int) -> None:
        for entry in inspect_offset_index(path):
            if self._is_wanted(base_offset + entry.relative_offset):
                self._line(self._format.offset_entry(entry))
        self._compare_with_log(path, base_offset, INDEX_SUFFIX)

    def _dump_time_index(self, path: Path, base_offset: int) -> None:
        for entry in inspect_time_index(path):
            if self._is_wanted(base_offset + entry.relative_offset):
                self._line(self._format.time_entry(entry))
        self._compare_with_log(path, base_offset, TIME_INDEX_SUFFIX)

    def _compare_with_log(self, path: Path, base_offset: int, suffix: str) -> None:
        if self._options.verify_index:
            log_path = path.with_name(format_segment_name(base_offset, LOG_SUFFIX))
            self._compare(path, log_path, base_offset, COMPARISONS[suffix])

    def _compare(self, path: Path, log_path: Path, base_offset: int, compare: Compare) -> None:
        for what in compare(path, base_offset, _spans(log_path)):
            self._line(self._format.mismatch(path, what))
            self.exit_code = self.exit_code or Exit.DATA_DAMAGED

    def _is_wanted(self, offset: int) -> bool:
        return self._options.offset_from <= offset <= self._options.offset_to

    def _line(self, line: str) -> None:
        # A file name need not be text; what cannot be written as UTF-8 is escaped, in JSON too.
        self._out.write(line.encode("utf-8", "backslashreplace") + b"\n")

    def _fault(self, what: str, code: Exit) -> None:
        self.exit_code = self.exit_code or code
        self._out.flush()
        complain(what)


def _exit_code(error: QuekkaError | OSError) -> Exit:
    """No broker takes part: what is not damage is a file that cannot be read, or a codec that is missing."""
    if isinstance(error, OSError):
        return exit_for(error)
    return Exit.DATA_DAMAGED if isinstance(error, DAMAGE) else Exit.FILE_ERROR


def _spans(log_path: Path) -> Iterator[BatchSpan]:
    for batch in inspect_log(log_path):
        header = batch.header
        yield BatchSpan(
            batch.position, header.size_bytes, header.base_offset, header.last_offset, header.max_timestamp_ms
        )


def _compare_offset_index(path: Path, base_offset: int, batches: Iterable[BatchSpan]) -> Iterator[str]:
    return offset_index_mismatches(inspect_offset_index(path), base_offset, batches)


def _compare_time_index(path: Path, base_offset: int, batches: Iterable[BatchSpan]) -> Iterator[str]:
    # Whether the segment is the active one, whose time index is not finished, no file says.
    return time_index_mismatches(inspect_time_index(path), base_offset, batches, is_finished=False)


COMPARISONS: dict[str, Compare] = {
    INDEX_SUFFIX: _compare_offset_index,
    TIME_INDEX_SUFFIX: _compare_time_index,
}

DUMPERS: dict[str, Callable[[LogDump, Path, int], None]] = {
    LOG_SUFFIX: LogDump._dump_log,
    INDEX_SUFFIX: LogDump._dump_offset_index,
    TIME_INDEX_SUFFIX: LogDump._dump_time_index,
}
"""What shows a file, by the kind its name tells."""
