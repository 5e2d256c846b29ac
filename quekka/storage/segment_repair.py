"""Putting files in order that a verification found wrong; offline, and nothing is dropped.

    cut_damage         <n>.log.broken gets the bytes that go, the .log keeps the rest; new indexes
    rename_segment     a .log file gets the base offset at which its batches begin
    renumber_batch     a batch gets the base offset that it must have had
    rebuild_indexes    both indexes are made anew from the batches
    set_aside          <name>.broken, and the broker does without
    lower_checkpoint   offsets beyond a log's end become its end, or a log start offset its beginning
    renew_checkpoint   another one in the place of log start offsets that cannot be read

A `.broken` file that is there already stays; the next one is called `.broken.1`. Where offsets are lost an
empty batch is left in their place, as compaction leaves them: so the gap is known to be one.
"""

from collections.abc import Mapping
from pathlib import Path

from quekka.formats.index_entry import RELATIVE_OFFSET_MAX
from quekka.formats.record_batch import patch_offsets, read_header
from quekka.storage import directory_sweep
from quekka.storage.batch_filter import missing_batch
from quekka.storage.checkpoint_file import CheckpointFile
from quekka.storage.damage_scan import Damage
from quekka.storage.directory_sweep import free_broken_name
from quekka.storage.file_cache import OpenFile
from quekka.storage.files import COPY_CHUNK_BYTES, TEMPORARY_SUFFIX, Files
from quekka.storage.index_check import indexes_of_log
from quekka.storage.log_writer import LEADER_EPOCH
from quekka.storage.segment import SegmentPaths


def cut_damage(files: Files, directory: Path, base_offset: int, damage: Damage, interval_bytes: int) -> str:
    """Take the damaged bytes out of a segment; what was done, as text. Raises OSError, KafkaStorageError."""
    path = SegmentPaths.of(directory, base_offset).log
    broken = free_broken_name(files, path)
    file = OpenFile(files, path, files.open_append(path))
    size_bytes = files.size_of(file.fileno)
    placeholder = _placeholder(damage, base_offset)
    done = []
    if damage.size_bytes:
        _copy(files, file, damage.position, damage.end_position, broken)
        done.append(f"{damage.size_bytes} bytes moved to {broken.name}")
    if placeholder:
        done.append(f"offsets {damage.first_offset} to {damage.end_offset - 1} are left out")
    if damage.end_position == size_bytes and not placeholder:
        files.ftruncate(file.fileno, damage.position)
        files.fsync(file.fileno)
    else:
        _copy_replacing(files, file, damage, placeholder, size_bytes, path)
    files.fsync_directory(directory)
    rebuild_indexes(files, directory, base_offset, interval_bytes)
    return ", ".join(done) or "nothing to take out"


def renumber_batch(
    files: Files, directory: Path, base_offset: int, position: int, batch_offset: int, interval_bytes: int
) -> str:
    """Give the batch at `position` the base offset `batch_offset`; what was done, as text.

    Raises OSError, KafkaStorageError, CorruptMessageError.
    """
    path = SegmentPaths.of(directory, base_offset).log
    data = bytearray(files.read_file(path))
    before = read_header(data, position).base_offset
    patch_offsets(data, batch_offset, LEADER_EPOCH, position)
    files.replace_file(path, data)
    rebuild_indexes(files, directory, base_offset, interval_bytes)
    return f"base offset {before} made {batch_offset}"


def rebuild_indexes(files: Files, directory: Path, base_offset: int, interval_bytes: int) -> str:
    """Make both indexes of a segment anew; what was done, as text. Raises OSError, KafkaStorageError."""
    log_path, offset_index_path, time_index_path = SegmentPaths.of(directory, base_offset)
    for path in (offset_index_path, time_index_path):
        if files.is_directory(path):
            directory_sweep.set_aside(files, path)
    file = OpenFile(files, log_path, files.open_read(log_path))
    indexes = indexes_of_log(file, base_offset, files.size_of(file.fileno), interval_bytes)
    files.replace_file(offset_index_path, indexes.offset_index.encode(0))
    files.replace_file(time_index_path, indexes.time_index.encode(0))
    return "indexes made anew"


def set_aside(files: Files, path: Path) -> str:
    """Rename a file so that nobody reads it; what was done, as text. Raises OSError."""
    broken = directory_sweep.set_aside(files, path)
    files.fsync_directory(path.parent)
    return f"renamed to {broken.name}"


def rename_segment(files: Files, path: Path, base_offset: int) -> str:
    """Give a .log file the name of a base offset that no other has; its indexes are made anew by the next
    verification, or by the broker. What was done, as text. Raises OSError.
    """
    target = SegmentPaths.of(path.parent, base_offset).log
    files.replace(path, target)
    files.fsync_directory(path.parent)
    return f"renamed to {target.name}"


def lower_checkpoint(
    checkpoint: CheckpointFile, ends: Mapping[int, int], lower_to: Mapping[int, int]
) -> str:
    """Bring offsets beyond a partition's log end down to those of `lower_to`; what was done, as text.

    Raises OSError, CorruptMessageError.
    """
    offsets = checkpoint.read_strictly()
    too_large = [partition for partition, offset in offsets.items() if offset > ends.get(partition, offset)]
    checkpoint.write({**offsets, **{partition: lower_to[partition] for partition in too_large}})
    return ", ".join(f"partition {partition} lowered to {lower_to[partition]}" for partition in too_large)


def raise_checkpoint(checkpoint: CheckpointFile, partition: int, offset: int) -> str:
    """Bring one partition's offset up to `offset`; what was done, as text.

    Raises OSError, CorruptMessageError.
    """
    try:
        offsets = checkpoint.read_strictly()
    except FileNotFoundError:
        offsets = {}
    checkpoint.write({**offsets, partition: offset})
    return f"offset raised to {offset}"


def renew_checkpoint(files: Files, checkpoint: CheckpointFile, offsets: Mapping[int, int]) -> str:
    """Set a checkpoint aside and write another one; what was done, as text. Raises OSError."""
    done = set_aside(files, checkpoint.path)
    checkpoint.write(offsets)
    return f"{done}, made anew"


def _placeholder(damage: Damage, base_offset: int) -> bytes:
    """An empty batch with the offsets that are lost; nothing where none are, or more than one can have."""
    if damage.end_offset <= damage.first_offset or damage.end_offset - 1 - base_offset > RELATIVE_OFFSET_MAX:
        return b""
    return bytes(missing_batch(damage.first_offset, damage.end_offset))


def _copy_replacing(
    files: Files, file: OpenFile, damage: Damage, placeholder: bytes, size_bytes: int, path: Path
) -> None:
    """Replace `path` by its bytes, with others in the place of the damaged ones."""
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    if files.exists(temporary):
        files.unlink(temporary)
    _copy(files, file, 0, damage.position, temporary)
    _append(files, temporary, placeholder)
    _copy(files, file, damage.end_position, size_bytes, temporary)
    files.replace(temporary, path)


def _append(files: Files, target: Path, data: bytes) -> None:
    fd = files.open_append(target)
    try:
        files.write_all(fd, [data])
    finally:
        files.close(fd)


def _copy(files: Files, file: OpenFile, start: int, end: int, target: Path) -> None:
    """Append a stretch of a file to another one, durably."""
    fd = files.open_append(target)
    try:
        for position in range(start, end, COPY_CHUNK_BYTES):
            files.write_all(fd, [file.read(position, min(COPY_CHUNK_BYTES, end - position))])
        files.fsync(fd)
    finally:
        files.close(fd)

