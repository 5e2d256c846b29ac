"""What a group of appends will change in a partition's producer state, if the group is written.

The writer checks command after command, each against what those before it will have done, and writes all
that were accepted at once. Only then does the state change:

    ProducerState --- begin ---> PendingProducers.check(...) for each command
          ^                               |
          '---- commit, after the write --'     (the write failed: the pending ones are dropped, nothing else)

An entry can name its offset before the batch is written, because offsets follow from the log end offset and
the number of records.
"""

from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from quekka.errors import DuplicateSequenceNumberError
from quekka.formats import Buffer
from quekka.formats.record_batch import OFFSET_MAX, BatchHeader
from quekka.storage.batch_walk import fields_of_one_batch
from quekka.storage.producer_state import ProducerBatch, ProducerEntry, ProducerState, entry_after


class _Update(NamedTuple):
    """What the batch at `base_offset` makes of its producer.

    Threads: the topic's writer; immutable.
    """

    base_offset: int
    producer_id: int
    entry: ProducerEntry


class PendingProducers:
    """A group's effect on the producers; used once.

    Threads: the topic's writer.
    """

    def __init__(self, state: ProducerState, log_end_offset: int) -> None:
        self._state = state
        self._now_s = state.now_s()
        self._updates: list[_Update] = []
        self._changed: dict[int, ProducerEntry] = {}
        self.log_end_offset = log_end_offset
        """Where the log ends before the group is written."""
        self.next_offset = log_end_offset
        """Where it ends when all that was accepted so far is."""

    def pass_by(self, batches: Sequence[Buffer]) -> None:
        """Count in a command whose batches have no producer."""
        for batch in batches:
            self.next_offset += fields_of_one_batch(batch)[0] + 1

    def check(self, headers: Sequence[BatchHeader]) -> ProducerBatch | None:
        """Accept all batches of a command (None), or recognize all as appended before: the first one's
        original.

        Raises InvalidProducerEpochError, OutOfOrderSequenceNumberError; DuplicateSequenceNumberError when
        some were appended before and others not. Then none is accepted.
        """
        next_offset = self.next_offset
        updates: list[_Update] = []
        changed: dict[int, ProducerEntry] = {}
        originals: list[ProducerBatch] = []
        for header in headers:
            producer_id = header.producer_id
            if producer_id >= 0:
                entry = changed.get(producer_id) or self._find(producer_id)
                original = None if entry is None else entry.check(header)
                if original is None:
                    changed[producer_id] = entry = entry_after(entry, header, next_offset, self._now_s)
                    updates.append(_Update(next_offset, producer_id, entry))
                else:
                    originals.append(original)
            next_offset += header.last_offset_delta + 1
        if originals:
            return _only_duplicates(originals, headers)
        self._updates += updates
        self._changed.update(changed)
        self.next_offset = next_offset
        return None

    def commit(self, before_offset: int = OFFSET_MAX) -> None:
        """Put what the batches before an offset change into the state: they are in the log now."""
        count = bisect_left(self._updates, before_offset, key=itemgetter(0))
        for update in self._updates[:count]:
            self._state.put(update.producer_id, update.entry)
        del self._updates[:count]

    def _find(self, producer_id: int) -> ProducerEntry | None:
        return self._changed.get(producer_id) or self._state.find(producer_id)


def _only_duplicates(originals: list[ProducerBatch], headers: Sequence[BatchHeader]) -> ProducerBatch:
    if len(originals) < len(headers):
        raise DuplicateSequenceNumberError(
            f"{len(originals)} of {len(headers)} batches were appended before, "
            f"one of them at offset {originals[0].base_offset}; the others are not appended without them"
        )
    return originals[0]
