"""What lies in a partition's directory when its log is opened, and what of it belongs to the log.

    name                                what is done with it
    <20 digits>.log                     a segment
    <20 digits>.index .timeindex        its indexes; without a .log left over from a deletion, and removed
    <20 digits>.snapshot                producer state; the loader decides (producer_loader.py)
    <segment file>.swap                 a replacement that was decided: finished; without a .log.swap removed
    <segment file>.cleaned              a replacement that was not decided: removed
    <segment file>.deleted .tmp         left over from a crash: removed
    <segment file>.broken[.n]           bytes that recovery cut off, kept for people
    anything else                       left alone, with a log line

A segment file is one of the first three.
"""

import logging
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import NamedTuple

from quekka.formats.segment_name import (
    INDEX_SUFFIX,
    LOG_SUFFIX,
    SNAPSHOT_SUFFIX,
    TIME_INDEX_SUFFIX,
    parse_segment_name,
)
from quekka.storage.batch_walk import FAR_BYTES, walk_batches
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import TEMPORARY_SUFFIX, Files
from quekka.storage.segment import SegmentPaths
from quekka.storage.segment_replacement import CLEANED_SUFFIX, SWAP_SUFFIX, finish_replacement

logger = logging.getLogger(__name__)

DELETED_SUFFIX = ".deleted"
BROKEN_SUFFIX = ".broken"


class DirectoryContents(NamedTuple):
    """What of a directory belongs to the log, by offset, ascending.

    Threads: the one that opens the log.
    """

    segments: list[int]
    snapshots: list[int]


def sweep_directory(files: Files, directory: Path) -> DirectoryContents:
    """Bring the directory in order; what is there then.

    Raises OSError; CorruptMessageError where a replacement that was decided cannot be read.
    """
    names = files.listdir(directory)
    segments = _base_offsets(names, LOG_SUFFIX)
    for base_offset in _base_offsets(names, LOG_SUFFIX, SWAP_SUFFIX):
        segments = _finish_replacement(files, directory, base_offset, segments)
    for name in files.listdir(directory):
        if _is_leftover(name, segments):
            parsed = parse_segment_name(name)
            # Deletion takes the oldest first: one at the end has lost its .log in another way.
            is_last = parsed is not None and parsed.base_offset > max(segments, default=-1)
            level = logging.WARNING if is_last else logging.INFO
            logger.log(level, "%s: removed, left over from a crash", directory / name)
            files.unlink(directory / name)
        elif not _is_known(name):
            logger.info("%s: not part of the log, left alone", directory / name)
    return DirectoryContents(segments, _base_offsets(names, SNAPSHOT_SUFFIX))


def set_aside(files: Files, path: Path) -> Path:
    """Give a file, or what stands in its place, a `.broken` name that is free; raises OSError."""
    target = free_broken_name(files, path)
    files.replace(path, target)
    return target


def free_broken_name(files: Files, path: Path) -> Path:
    """`<name>.broken`, or `<name>.broken.1` and so on where that is there."""
    target = path.with_name(path.name + BROKEN_SUFFIX)
    for number in count(1):
        if not files.exists(target):
            break
        target = path.with_name(f"{path.name}{BROKEN_SUFFIX}.{number}")
    return target


def _base_offsets(names: Iterable[str], kind: str, suffix: str = "") -> list[int]:
    """Of the segment files of one kind whose names end in `suffix` besides."""
    wanted = kind + suffix
    found = (parse_segment_name(name.removesuffix(suffix)) for name in names if name.endswith(wanted))
    return sorted(name.base_offset for name in found if name is not None)


def _finish_replacement(files: Files, directory: Path, base_offset: int, segments: list[int]) -> list[int]:
    """Finish what a crash interrupted; the base offsets that are left."""
    swap = SegmentPaths.of(directory, base_offset, SWAP_SUFFIX).log
    file = OpenFile(files, swap, files.open_read(swap))
    next_offset = base_offset
    for span in walk_batches(file, 0, files.size_of(file.fileno), FAR_BYTES):
        next_offset = span.last_offset + 1
    doomed = [segment for segment in segments if base_offset < segment < next_offset]
    logger.info("%s: finishing its replacement of %d segments", swap, len(doomed) + 1)
    finish_replacement(files, directory, base_offset, doomed)
    return sorted({base_offset, *segments}.difference(doomed))


def _is_leftover(name: str, segments: list[int]) -> bool:
    for suffix in (CLEANED_SUFFIX, SWAP_SUFFIX, DELETED_SUFFIX, TEMPORARY_SUFFIX):
        if name.endswith(suffix) and parse_segment_name(name.removesuffix(suffix)) is not None:
            return True
    parsed = parse_segment_name(name)
    if parsed is None or parsed.suffix not in (INDEX_SUFFIX, TIME_INDEX_SUFFIX):
        return False
    return parsed.base_offset not in segments


def _is_known(name: str) -> bool:
    return parse_segment_name(name.partition(BROKEN_SUFFIX)[0]) is not None
