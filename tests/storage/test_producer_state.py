"""What a partition remembers of producers, rule by rule."""

import pytest
from log_bench import START_MS, header_by

from quekka.clock import ManualClock
from quekka.errors import InvalidProducerEpochError, OutOfOrderSequenceNumberError
from quekka.formats.producer_snapshot import ProducerSnapshotEntry
from quekka.formats.record_batch import CONTROL, BatchHeader
from quekka.storage.producer_state import (
    BATCHES_KEPT,
    DEFAULT_LIMITS,
    ProducerBatch,
    ProducerEntry,
    ProducerLimits,
    ProducerState,
    entry_after,
)

LAST = 2**31 - 1
EPOCH = 3


def known(*batches: tuple[int, int], epoch: int = EPOCH, base_offset: int = 100) -> ProducerEntry:
    """A producer that appended batches of (base sequence, records) one after the other."""
    entry = None
    for base_sequence, count in batches:
        entry = entry_after(entry, header_by(7, base_sequence, count, epoch=epoch), base_offset, 0.0)
        base_offset += count
    assert entry is not None
    return entry


ACCEPTED = {
    "next": (known((0, 5)), header_by(7, 5, 2, epoch=EPOCH)),
    "next_after_any_start": (known((41, 1)), header_by(7, 42, epoch=EPOCH)),
    "wraps": (known((LAST - 4, 5)), header_by(7, 0, 2, epoch=EPOCH)),
    "wraps_within_a_batch": (known((0, 5), (LAST, 3)), header_by(7, 2, epoch=EPOCH)),
    "begins_before_the_wrap": (known((LAST - 5, 5)), header_by(7, LAST, 3, epoch=EPOCH)),
    "new_epoch_begins_with_0": (known((0, 5)), header_by(7, 0, 9, epoch=EPOCH + 1)),
    "new_epoch_far_ahead": (known((0, 5)), header_by(7, 0, 5, epoch=2**15 - 1)),
    "only_a_marker_known": (ProducerEntry(EPOCH, (), 0.0), header_by(7, 0, epoch=EPOCH)),
}


@pytest.mark.parametrize(("entry", "header"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(entry: ProducerEntry, header: BatchHeader) -> None:
    assert entry.check(header) is None


OUT_OF_ORDER = {
    "gap": (known((0, 5)), header_by(7, 6, epoch=EPOCH), "sequence 6 where 5 should come"),
    "behind": (known((0, 5)), header_by(7, 4, epoch=EPOCH), "sequence 4 where 5"),
    "other_end_than_the_original": (known((0, 5)), header_by(7, 0, 4, epoch=EPOCH), "sequence 0 where 5"),
    "other_start_than_the_original": (known((0, 5)), header_by(7, 1, 4, epoch=EPOCH), "sequence 1 where 5"),
    "sixth_batch_back": (known(*((n, 1) for n in range(6))), header_by(7, 0, epoch=EPOCH), "0 where 6"),
    "0_without_wrap": (known((0, 5), (5, 1)), header_by(7, 0, 9, epoch=EPOCH), "sequence 0 where 6"),
    "no_wrap_to_1": (known((LAST, 1)), header_by(7, 1, epoch=EPOCH), "sequence 1 where 0"),
    "new_epoch_not_from_0": (known((0, 5)), header_by(7, 5, epoch=EPOCH + 1), "epoch 4: sequence 5 where 0"),
    "only_a_marker_known": (ProducerEntry(EPOCH, (), 0.0), header_by(7, 1, epoch=EPOCH), "1 where 0"),
}


@pytest.mark.parametrize(("entry", "header", "message"), OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_out_of_order(entry: ProducerEntry, header: BatchHeader, message: str) -> None:
    with pytest.raises(OutOfOrderSequenceNumberError, match=f"producer id 7, .*{message}") as caught:
        entry.check(header)
    assert caught.value.number == 45


@pytest.mark.parametrize("base_sequence", [0, 5], ids=["as_the_last_batch", "as_the_next"])
def test_an_older_epoch_is_fenced_whatever_its_sequence(base_sequence: int) -> None:
    with pytest.raises(InvalidProducerEpochError, match="producer id 7: epoch 2 is over, 3 has") as caught:
        known((0, 5)).check(header_by(7, base_sequence, 5, epoch=EPOCH - 1))
    assert caught.value.number == 47


DUPLICATES = {
    "last": (known((0, 5), (5, 2)), header_by(7, 5, 2, epoch=EPOCH), 105),
    "first_of_five": (known(*((n, 1) for n in range(5))), header_by(7, 0, epoch=EPOCH), 100),
    "fifth_batch_back": (known(*((n, 1) for n in range(9))), header_by(7, 4, epoch=EPOCH), 104),
    "across_the_wrap": (known((LAST - 1, 4), (2, 1)), header_by(7, LAST - 1, 4, epoch=EPOCH), 100),
    "ends_at_the_wrap": (known((LAST, 1), (0, 1)), header_by(7, LAST, epoch=EPOCH), 100),
}


@pytest.mark.parametrize(("entry", "header", "base_offset"), DUPLICATES.values(), ids=DUPLICATES)
def test_a_retry_is_a_duplicate_of_its_original(
    entry: ProducerEntry, header: BatchHeader, base_offset: int
) -> None:
    original = entry.check(header)
    assert original is not None
    assert original.base_offset == base_offset
    assert original.first_sequence == header.base_sequence
    assert original.timestamp_ms == START_MS


def test_the_original_tells_its_own_append_time() -> None:
    first, retry = (header_by(7, 0, timestamp_ms=START_MS + late_ms) for late_ms in (1, 99))
    assert entry_after(None, first, 4, 0.0).check(retry) == ProducerBatch(0, 4, 0, START_MS + 1)


def test_the_last_five_batches_are_kept_and_a_new_epoch_forgets_those_of_the_old() -> None:
    entry = known(*((n, 1) for n in range(9)))
    assert [batch.base_offset for batch in entry.batches] == [104, 105, 106, 107, 108]
    assert len(entry.batches) == BATCHES_KEPT
    entry = entry_after(entry, header_by(7, 0, 3, epoch=EPOCH + 1), 109, 0.0)
    assert entry.batches == (ProducerBatch(2, 111, 2, START_MS),)
    assert entry.producer_epoch == EPOCH + 1


# Remembering and forgetting


def state_of(clock: ManualClock, **limits: int) -> ProducerState:
    return ProducerState(DEFAULT_LIMITS._replace(**limits), clock)


def append(state: ProducerState, producer_id: int, base_offset: int) -> None:
    header = header_by(producer_id, 0)
    state.put(producer_id, entry_after(None, header, base_offset, state.now_s()))


def ids(state: ProducerState) -> list[int]:
    return [producer_id for producer_id, _ in state.all()]


def test_the_defaults_are_those_of_the_settings() -> None:
    from quekka.broker.config import BrokerConfig

    config = BrokerConfig()
    assert ProducerLimits(config.producer_id_expiration_ms, config.producer_ids_max) == DEFAULT_LIMITS


def test_who_was_never_heard_of_is_not_known(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock)
    assert state.find(7) is None
    assert not state
    assert state.snapshot() == []


def test_a_silent_producer_expires_to_the_millisecond(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock, expiration_ms=1000)
    append(state, 7, 0)
    manual_clock.advance(ms=999)
    assert state.find(7) is not None
    manual_clock.advance(ms=1)
    assert state.find(7) is None
    assert not state
    assert ids(state) == []
    assert state.snapshot() == []


def test_an_append_begins_the_time_anew(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock, expiration_ms=1000)
    append(state, 7, 0)
    append(state, 8, 1)
    manual_clock.advance(ms=600)
    append(state, 7, 2)
    manual_clock.advance(ms=600)
    assert ids(state) == [7]
    append(state, 9, 3)
    assert len(state) == 2


def test_old_timestamps_of_records_do_not_age_a_producer(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock)
    state.replay(header_by(7, 0, timestamp_ms=1)._replace(base_offset=5))
    state.restore([ProducerSnapshotEntry(8, 0, 0, 6, 0, 1)])
    assert ids(state) == [7, 8]


def test_beyond_the_limit_the_longest_silent_one_is_forgotten(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock, producers_max=3)
    for base_offset, producer_id in enumerate([1, 2, 3, 1, 4, 5]):
        append(state, producer_id, base_offset)
    assert ids(state) == [1, 4, 5]
    assert state.find(2) is None


def test_many_producers_take_no_more_than_the_limit(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock, producers_max=100)
    for producer_id in range(5000):
        append(state, producer_id, producer_id)
    assert ids(state) == list(range(4900, 5000))


# The log and snapshots


def test_replay_learns_what_appends_taught(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock)
    headers = [(0, 5, 0), (5, 1, 0), (0, 2, 1), (2, 2, 1)]
    offset = 0
    for base_sequence, count, epoch in headers:
        state.replay(header_by(7, base_sequence, count, epoch=epoch)._replace(base_offset=offset))
        offset += count
    entry = state.find(7)
    assert entry is not None
    assert entry.producer_epoch == 1
    assert entry.batches == (ProducerBatch(1, 7, 1, START_MS), ProducerBatch(3, 9, 1, START_MS))


def test_replay_takes_gaps_as_they_are(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock)
    for base_sequence in (0, 40):
        state.replay(header_by(7, base_sequence)._replace(base_offset=base_sequence))
    entry = state.find(7)
    assert entry is not None
    assert entry.check(header_by(7, 41)) is None


def test_a_marker_brings_an_epoch_and_no_sequence(manual_clock: ManualClock) -> None:
    def marker(epoch: int) -> BatchHeader:
        return header_by(7, 0, epoch=epoch)._replace(base_sequence=-1, base_offset=9, attributes=CONTROL)

    state = state_of(manual_clock)
    state.replay(header_by(7, 0, 5))
    state.replay(marker(0))
    entry = state.find(7)
    assert entry is not None
    assert entry.check(header_by(7, 5)) is None
    state.replay(marker(2))
    entry = state.find(7)
    assert entry is not None
    assert (entry.producer_epoch, entry.batches, entry.last_sequence) == (2, (), -1)


def test_a_snapshot_keeps_the_last_batch_of_each_in_the_order_of_silence(manual_clock: ManualClock) -> None:
    state = state_of(manual_clock)
    state.put(8, known((0, 5), (5, 2)))
    state.put(7, ProducerEntry(2, (), 0.0, 4, 77))
    entries = [
        ProducerSnapshotEntry(8, EPOCH, 6, 106, 1, START_MS),
        ProducerSnapshotEntry(7, 2, -1, -1, 0, -1, 4, 77),
    ]
    assert state.snapshot() == entries
    restored = state_of(manual_clock)
    restored.restore(entries)
    assert restored.snapshot() == entries
    assert ids(restored) == [8, 7]
    entry = restored.find(8)
    assert entry is not None
    assert entry.check(header_by(8, 7, epoch=EPOCH)) is None
    assert entry.check(header_by(8, 5, 2, epoch=EPOCH)) == ProducerBatch(6, 106, 1, START_MS)
    with pytest.raises(OutOfOrderSequenceNumberError):
        entry.check(header_by(8, 0, 5, epoch=EPOCH))


def test_a_restored_producer_counts_as_active_now(manual_clock: ManualClock) -> None:
    manual_clock.advance(1e6)
    state = state_of(manual_clock, expiration_ms=1000, producers_max=2)
    state.restore([ProducerSnapshotEntry(number, 0, 0, number, 0, START_MS) for number in (1, 2, 3)])
    assert ids(state) == [2, 3]
    manual_clock.advance(1)
    assert ids(state) == []
