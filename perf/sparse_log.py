"""A log of any size that takes next to no room: whole batches, whose values are holes.

For measuring what opening, finding and looking up cost in a log of 50 GB. A batch is one record with a value
of zeros, and zeros need not be written: the file system keeps a block for the head of each batch and none for
the rest. To a broker it is a log as any other, checksums and all.
"""

from pathlib import Path

from perf.batches import RECORD_OVERHEAD_BYTES
from quekka.formats.index_entry import encode_offset_entry, encode_time_entry
from quekka.formats.record_batch import HEADER_BYTES, patch_offsets
from quekka.formats.record_batch_builder import BatchBuilder
from quekka.formats.segment_name import INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, format_segment_name

SEGMENT_BYTES = 100 << 20
VALUE_BYTES = (1 << 20) - HEADER_BYTES - RECORD_OVERHEAD_BYTES
FIRST_TIMESTAMP_MS = 1_700_000_000_000
RECORD_EVERY_MS = 10


def write_sparse_log(topic_directory: Path, size_bytes: int) -> int:
    """Fill partition 0 of a topic that a broker made and that nobody serves now; the log end offset.

    `size_bytes` is what the log seems to be, give or take a segment.
    """
    directory = topic_directory / "0"
    for path in directory.iterdir():
        path.unlink()
    batch_bytes = len(_batch_of(0))
    batches = SEGMENT_BYTES // batch_bytes
    end_offset = 0
    for _ in range(max(1, size_bytes // (batches * batch_bytes))):
        _write_segment(directory, end_offset, batches)
        end_offset += batches
    return end_offset


def timestamp_of(offset: int) -> int:
    return FIRST_TIMESTAMP_MS + offset * RECORD_EVERY_MS


def _write_segment(directory: Path, base_offset: int, batches: int) -> None:
    index, time_index = bytearray(), bytearray()
    with (directory / format_segment_name(base_offset, LOG_SUFFIX)).open("wb") as log:
        for number in range(batches):
            batch = _batch_of(base_offset + number)
            position = number * len(batch)
            log.seek(position)
            log.write(batch[: HEADER_BYTES + RECORD_OVERHEAD_BYTES])
            log.truncate(position + len(batch))
            if number:  # as Kafka does: the first batch of a segment needs no entry
                index += encode_offset_entry(number, position)
            time_index += encode_time_entry(timestamp_of(base_offset + number), number)
    (directory / format_segment_name(base_offset, INDEX_SUFFIX)).write_bytes(index)
    (directory / format_segment_name(base_offset, TIME_INDEX_SUFFIX)).write_bytes(time_index)


def _batch_of(offset: int) -> bytearray:
    builder = BatchBuilder(timestamp_of(offset))
    builder.append(None, bytes(VALUE_BYTES))
    batch = builder.build()
    patch_offsets(batch, offset, 0)
    return batch
