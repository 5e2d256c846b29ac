"""What a partition knows of its idempotent producers: what each wrote last, and so what may come next.

A producer numbers its records, per partition, from 0 on and after 2^31-1 from 0 again. A retry carries the
numbers of the first try; so what is in the log already is known again and not written twice:

    epoch of the batch       sequences of the batch                      what becomes of it
    the known one            those of one of the last 5 batches          duplicate of that batch
    smaller than the known   any                                         InvalidProducerEpochError
    larger than the known    beginning with 0                            accepted
                             else                                        OutOfOrderSequenceNumberError
    the known one            beginning after the last sequence           accepted
                             else                                        OutOfOrderSequenceNumberError
    nothing is known         any                                         accepted

The first line that fits counts. The last one is for producers whose state was let go: it went with records
that were deleted, by damage, or because

- the producer wrote nothing for `producer.id.expiration.ms`, counted from its last append to this partition
or, if that is later, from the opening of the log; timestamps of records do not count, as they may be old ones
- `producer.ids.max` others wrote since: ids come from clients, and memory is bounded.

Source: org.apache.kafka.storage.internals.log.ProducerAppendInfo and ProducerStateEntry.
"""

from collections.abc import Iterable
from typing import NamedTuple

from quekka.clock import Clock
from quekka.errors import InvalidProducerEpochError, OutOfOrderSequenceNumberError
from quekka.formats.producer_snapshot import ProducerSnapshotEntry
from quekka.formats.record_batch import BatchHeader

BATCHES_KEPT = 5
"""As many as a Kafka producer has in flight: each of them may be one whose answer was lost."""

SEQUENCE_MASK = 2**31 - 1
NO_SEQUENCE = -1
NO_OFFSET = -1
NO_EPOCH = -1


class ProducerLimits(NamedTuple):
    """How long and how many producers are remembered, in each partition.

    Threads: any; immutable.
    """

    expiration_ms: int = 24 * 60 * 60 * 1000
    producers_max: int = 1000


DEFAULT_LIMITS = ProducerLimits()


class ProducerBatch(NamedTuple):
    """One batch that was appended.

    Threads: any; immutable.
    """

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp_ms: int
    """Its largest timestamp; the time of the append where the topic's timestamps are LogAppendTime."""

    @property
    def base_offset(self) -> int:
        return self.last_offset - self.offset_delta

    @property
    def first_sequence(self) -> int:
        return (self.last_sequence - self.offset_delta) & SEQUENCE_MASK


class ProducerEntry(NamedTuple):
    """One producer in one partition; an append makes another value.

    Threads: any; immutable.
    """

    producer_epoch: int
    batches: tuple[ProducerBatch, ...]
    """The last ones of this epoch, the oldest first."""
    active_s: float
    """Monotonic time of the last append."""
    coordinator_epoch: int = NO_EPOCH
    current_txn_first_offset: int = NO_OFFSET

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    def check(self, header: BatchHeader) -> ProducerBatch | None:
        """The batch that this one repeats; None for one that may be appended.

        Raises InvalidProducerEpochError, OutOfOrderSequenceNumberError.
        """
        if header.producer_epoch == self.producer_epoch:
            for batch in self.batches:
                if (
                    batch.offset_delta == header.last_offset_delta
                    and batch.first_sequence == header.base_sequence
                ):
                    return batch
            wanted = (self.last_sequence + 1) & SEQUENCE_MASK
        elif header.producer_epoch < self.producer_epoch:
            raise InvalidProducerEpochError(
                f"producer id {header.producer_id}: epoch {header.producer_epoch} is over, "
                f"{self.producer_epoch} has begun"
            )
        else:
            wanted = 0
        if header.base_sequence != wanted:
            raise OutOfOrderSequenceNumberError(
                f"producer id {header.producer_id}, epoch {header.producer_epoch}: "
                f"sequence {header.base_sequence} where {wanted} should come"
            )
        return None


def entry_after(
    entry: ProducerEntry | None, header: BatchHeader, base_offset: int, now_s: float
) -> ProducerEntry:
    """What is known of a producer once its batch is in the log; `entry` is what was known before."""
    epoch = header.producer_epoch
    earlier: tuple[ProducerBatch, ...] = ()
    if entry is not None and entry.producer_epoch == epoch:
        earlier = entry.batches[1 - BATCHES_KEPT :]
    coordinator_epoch = NO_EPOCH if entry is None else entry.coordinator_epoch
    return ProducerEntry(epoch, (*earlier, _batch_of(header, base_offset)), now_s, coordinator_epoch)


def _batch_of(header: BatchHeader, base_offset: int) -> ProducerBatch:
    last_offset_delta = header.last_offset_delta
    return ProducerBatch(
        (header.base_sequence + last_offset_delta) & SEQUENCE_MASK,
        base_offset + last_offset_delta,
        last_offset_delta,
        header.max_timestamp_ms,
    )


class ProducerState:
    """All producers of a partition that are remembered.

    Threads: the topic's writer; before, the one that opens the log. `all` any.
    """

    __slots__ = ("_clock", "_limits", "_producers")

    def __init__(self, limits: ProducerLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._producers: dict[int, ProducerEntry] = {}
        """By producer id, the least recently active one first."""

    def __len__(self) -> int:
        self._forget_expired()
        return len(self._producers)

    def now_s(self) -> float:
        """Now, for `ProducerEntry.active_s`."""
        return self._clock.monotonic_s()

    def find(self, producer_id: int) -> ProducerEntry | None:
        """What is known of a producer; None for one that expired, or was never heard of."""
        entry = self._producers.get(producer_id)
        return None if entry is None or self._is_expired(entry) else entry

    def put(self, producer_id: int, entry: ProducerEntry) -> None:
        """Remember a producer, the most recently active one from now on."""
        producers = self._producers
        producers.pop(producer_id, None)
        producers[producer_id] = entry
        self._forget_expired()
        while len(producers) > self._limits.producers_max:
            del producers[next(iter(producers))]

    def replay(self, header: BatchHeader) -> None:
        """Learn from a batch that is in the log; nothing is checked."""
        entry = self._producers.get(header.producer_id)
        if not header.is_control:
            entry = entry_after(entry, header, header.base_offset, self.now_s())
        elif entry is None or entry.producer_epoch != header.producer_epoch:
            # A transaction's marker has no sequence, but may be the first to bring an epoch.
            entry = ProducerEntry(header.producer_epoch, (), self.now_s())
        self.put(header.producer_id, entry)

    def all(self) -> list[tuple[int, ProducerEntry]]:
        """All producers by id, the least recently active one first."""
        producers = list(self._producers.items())  # one step under the GIL, whatever the writer does
        return [item for item in producers if not self._is_expired(item[1])]

    # Snapshots

    def snapshot(self) -> list[ProducerSnapshotEntry]:
        """All producers with the last batch of each, the least recently active one first."""
        return [_snapshot_entry(*item) for item in self.all()]

    def recall(self, header: BatchHeader) -> None:
        """Learn from a batch that is older than what a snapshot told of its producer; in their order."""
        entry = self._producers.get(header.producer_id)
        if entry is None or entry.producer_epoch != header.producer_epoch or not entry.batches:
            return
        (*earlier, last) = entry.batches
        if header.last_offset < last.last_offset and not header.is_control:
            batches = (*earlier, _batch_of(header, header.base_offset), last)
            self._producers[header.producer_id] = entry._replace(batches=batches[-BATCHES_KEPT:])

    def restore(self, entries: Iterable[ProducerSnapshotEntry]) -> None:
        """Remember the producers of a snapshot, as active now."""
        now_s = self.now_s()
        for entry in entries:
            batches: tuple[ProducerBatch, ...] = ()
            if entry.last_offset >= 0:
                batches = (ProducerBatch(*entry[2:6]),)
            self.put(entry.producer_id, ProducerEntry(entry.producer_epoch, batches, now_s, *entry[6:]))

    def _forget_expired(self) -> None:
        while self._producers:
            oldest = next(iter(self._producers))
            if not self._is_expired(self._producers[oldest]):
                return
            del self._producers[oldest]

    def _is_expired(self, entry: ProducerEntry) -> bool:
        return (self.now_s() - entry.active_s) * 1000 >= self._limits.expiration_ms


def _snapshot_entry(producer_id: int, entry: ProducerEntry) -> ProducerSnapshotEntry:
    last = entry.batches[-1] if entry.batches else ProducerBatch(NO_SEQUENCE, NO_OFFSET, 0, -1)
    return ProducerSnapshotEntry(
        producer_id, entry.producer_epoch, *last, entry.coordinator_epoch, entry.current_txn_first_offset
    )
