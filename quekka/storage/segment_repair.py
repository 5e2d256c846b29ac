"""Putting files in order that a verification found wrong; offline, and nothing is dropped.

    cut_damage         <n>.log.broken gets the bytes that go, the .log keeps the rest; new indexes
    rebuild_indexes    both indexes are made anew from the batches
    set_aside          <name>.broken, and the broker does without
    lower_checkpoint   offsets beyond a log's end become the log's end

A `.broken` file that is there already stays; the next one is called `.broken.1`.
"""

from collections.abc import Mapping
from pathlib import Path

from quekka.storage.checkpoint_file import CheckpointFile
from quekka.storage.damage_scan import Damage
from quekka.storage.directory_sweep import BROKEN_SUFFIX
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import COPY_CHUNK_BYTES, TEMPORARY_SUFFIX, Files
from quekka.storage.index_check import indexes_of_log
from quekka.storage.segment import SegmentPaths


def cut_damage(files: Files, directory: Path, base_offset: int, damage: Damage, interval_bytes: int) -> str:
    """Take the damaged bytes out of a segment; what was done, as text. Raises OSError, KafkaStorageError."""
    path = SegmentPaths.of(directory, base_offset).log
    broken = _free_name(files, path)
    file = OpenFile(files, path, files.open_append(path))
    size_bytes = files.size_of(file.fileno)
    _copy(files, file, damage.position, damage.end_position, broken)
    if damage.end_position == size_bytes:
        files.ftruncate(file.fileno, damage.position)
        files.fsync(file.fileno)
    else:
        _copy_without(files, file, damage, size_bytes, path)
    files.fsync_directory(directory)
    rebuild_indexes(files, directory, base_offset, interval_bytes)
    return f"{damage.size_bytes} bytes moved to {broken.name}"


def rebuild_indexes(files: Files, directory: Path, base_offset: int, interval_bytes: int) -> str:
    """Make both indexes of a segment anew; what was done, as text. Raises OSError, KafkaStorageError."""
    log_path, offset_index_path, time_index_path = SegmentPaths.of(directory, base_offset)
    file = OpenFile(files, log_path, files.open_read(log_path))
    indexes = indexes_of_log(file, base_offset, files.size_of(file.fileno), interval_bytes)
    files.replace_file(offset_index_path, indexes.offset_index.encode(0))
    files.replace_file(time_index_path, indexes.time_index.encode(0))
    return "indexes made anew"


def set_aside(files: Files, path: Path) -> str:
    """Rename a file so that nobody reads it; what was done, as text. Raises OSError."""
    broken = _free_name(files, path)
    files.replace(path, broken)
    files.fsync_directory(path.parent)
    return f"renamed to {broken.name}"


def lower_checkpoint(checkpoint: CheckpointFile, ends: Mapping[int, int]) -> str:
    """Bring offsets beyond a partition's log end down to it; what was done, as text.

    Raises OSError, CorruptMessageError.
    """
    offsets = checkpoint.read_strictly()
    checkpoint.write(
        {partition: min(offset, ends.get(partition, offset)) for partition, offset in offsets.items()}
    )
    return "offsets lowered to the log's end"


def _copy_without(files: Files, file: OpenFile, damage: Damage, size_bytes: int, path: Path) -> None:
    """Replace `path` by its bytes but for the damaged ones."""
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    if files.exists(temporary):
        files.unlink(temporary)
    _copy(files, file, 0, damage.position, temporary)
    _copy(files, file, damage.end_position, size_bytes, temporary)
    files.replace(temporary, path)


def _copy(files: Files, file: OpenFile, start: int, end: int, target: Path) -> None:
    """Append a stretch of a file to another one, durably."""
    fd = files.open_append(target)
    try:
        for position in range(start, end, COPY_CHUNK_BYTES):
            files.write_all(fd, [file.read(position, min(COPY_CHUNK_BYTES, end - position))])
        files.fsync(fd)
    finally:
        files.close(fd)


def _free_name(files: Files, path: Path) -> Path:
    target = path.with_name(path.name + BROKEN_SUFFIX)
    number = 0
    while files.exists(target):
        number += 1
        target = path.with_name(f"{path.name}{BROKEN_SUFFIX}.{number}")
    return target
