"""Compaction: the last record of every key stays, the others go.

One pass over a partition's log, when clean_plan.py finds it worth it:

1. Read the dirty segments and note for every key the offset of its last record (key_offsets.py).
2. Rewrite the segments up to there, neighbours into one while they fit (segment_rewriter.py).
3. Hand each group of old segments to the caller, whose topic writer puts the new files in their place
   (segment_replacement.py).
4. Note in cleaner-offset-checkpoint how far the log is clean.

Records of transactions never supersede others, as they may have been aborted. Memory is bounded by the
number of keys, the largest batch and a chunk of a file. A pass may end in the middle of a batch, where there
is no room for the next key. It may also be aborted, between batches and within large ones: then the files it
was writing are removed, and the next one begins anew. Source: org.apache.kafka.storage.internals.log.Cleaner.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from quekka.storage.batch_filter import batch_records, record_spans
from quekka.storage.batch_reader import BatchBytes
from quekka.storage.checkpoint_file import CLEANER_OFFSET_NAME, CheckpointFile
from quekka.storage.clean_plan import CleanPlan, plan_cleaning
from quekka.storage.files import Files
from quekka.storage.key_offsets import KeyOffsets
from quekka.storage.segment import SegmentView
from quekka.storage.segment_replacement import is_half_done
from quekka.storage.segment_rewriter import SegmentRewriter, checked_batches, naming_damage

if TYPE_CHECKING:
    from quekka.storage.partition_log import PartitionLog


logger = logging.getLogger(__name__)


class LogCleaningAborted(Exception):
    """The pass was ended by `LogCleaner.abort`; what it had not handed over yet is as it was.

    Threads: the cleaner's.
    """


class LogCleaner:
    """Cleans one log at a time.

    Threads: one, not a topic's writer: the rewriting is done here, only the replacement is the writer's.
    `abort` any.
    """

    def __init__(self, files: Files, keys_max: int) -> None:
        """`keys_max` bounds the distinct keys of one pass; a log with more is cleaned in several."""
        self._files = files
        self._keys_max = keys_max
        self._aborted = False
        self._half_done: set[Path] = set()
        """Directories of logs that cannot be cleaned before they are opened again; said once of each."""

    def abort(self) -> None:
        """End the pass that runs, soon, and any later one at its beginning."""
        self._aborted = True

    def clean(self, log: "PartitionLog", now_ms: int) -> Iterator[tuple[SegmentView, ...]]:
        """One pass, as far as it is worth it: yields groups of segments, each when its successor is on the
        disk.

        The caller has the writer replace the group before it asks for the next one. Raises OSError,
        KafkaStorageError, CorruptMessageError, UnsupportedCompressionTypeError, LogCleaningAborted; then the
        log is as it was.
        """
        self._check_done()
        unfinished = log.writer.replacement.unfinished
        if unfinished and set(unfinished).issubset(log.view.sealed):
            logger.info("%s: finishing a replacement that has failed half-way", log.directory)
            yield unfinished
            return
        checkpoint = CheckpointFile(log.directory.parent, CLEANER_OFFSET_NAME, self._files)
        partition = int(log.directory.name)
        config = log.config
        cleaned_to_offset = (checkpoint.read() or {}).get(partition, 0)
        plan = plan_cleaning(log.view, config, cleaned_to_offset, now_ms, log.recovery_point)
        if plan is None or self._is_half_done(log.directory):
            return
        keys = self._read_keys(plan)
        for group in plan.groups(keys.latest_offset + 1, config.segment_bytes):
            rewriter = SegmentRewriter(self._files, log.directory, config, keys, now_ms, self._check_done)
            if rewriter.rewrite(group):
                yield group
        checkpoint.write({**(checkpoint.read() or {}), partition: keys.latest_offset + 1})

    def _is_half_done(self, directory: Path) -> bool:
        if not is_half_done(self._files, directory):
            self._half_done.discard(directory)
            return False
        if directory not in self._half_done:
            self._half_done.add(directory)
            logger.error(
                "%s is cleaned no more until it is opened again: a replacement has failed half-way", directory
            )
        return True

    def _read_keys(self, plan: CleanPlan) -> KeyOffsets:
        """The last offset of each key of the dirty segments, or of as many as there is room for."""
        keys = KeyOffsets(self._keys_max)
        for segment in plan.dirty_segments:
            for batch in checked_batches(segment, self._check_done):
                if batch.header.last_offset < plan.first_dirty_offset:
                    continue
                with naming_damage(segment, batch):
                    if not self._add_batch(keys, batch, plan.first_dirty_offset):
                        return keys
        return keys

    def _add_batch(self, keys: KeyOffsets, batch: BatchBytes, first_dirty_offset: int) -> bool:
        """Take in a batch's keys, none of a transaction's, which may have been aborted; False when there is
        no room for one.
        """
        header = batch.header
        if not (header.is_transactional or header.is_control):
            for span in record_spans(batch_records(header, batch.data), header, self._check_done):
                offset = header.base_offset + span.offset_delta
                if span.key is not None and offset >= first_dirty_offset and not keys.add(span.key, offset):
                    return False
        keys.latest_offset = header.last_offset
        return True

    def _check_done(self) -> None:
        if self._aborted:
            raise LogCleaningAborted
