"""Checking a group of appends: in order, all of a command or nothing, and no change before the write."""

import random
from copy import deepcopy
from dataclasses import dataclass, field

import pytest
from log_bench import batch, batch_by, header_by

from quekka.clock import ManualClock
from quekka.errors import (
    DuplicateSequenceNumberError,
    InvalidProducerEpochError,
    OutOfOrderSequenceNumberError,
    QuekkaError,
)
from quekka.formats.record_batch import BatchHeader, read_header
from quekka.storage.pending_producers import PendingProducers
from quekka.storage.producer_state import ProducerLimits, ProducerState

NO_PRODUCER = read_header(batch(b"a", b"b"))


@pytest.fixture
def state(manual_clock: ManualClock) -> ProducerState:
    return ProducerState(ProducerLimits(), manual_clock)


def base_offset(pending: PendingProducers, *headers: BatchHeader) -> int | None:
    """Of the original of a duplicate."""
    original = pending.check(headers)
    return None if original is None else original.base_offset


def test_nothing_is_known_before_the_commit(state: ProducerState) -> None:
    pending = PendingProducers(state, 10)
    assert pending.check([header_by(7, 0, 3)]) is None
    assert state.find(7) is None
    pending.commit()
    assert base_offset(PendingProducers(state, 13), header_by(7, 0, 3)) == 10


def test_a_group_that_was_not_written_leaves_no_trace(state: ProducerState) -> None:
    PendingProducers(state, 10).check([header_by(7, 0, 3)])
    assert PendingProducers(state, 10).check([header_by(7, 0, 3)]) is None


def test_commands_of_a_group_are_checked_against_those_before_them(state: ProducerState) -> None:
    pending = PendingProducers(state, 10)
    assert pending.check([header_by(7, 0, 3)]) is None
    with pytest.raises(OutOfOrderSequenceNumberError):
        pending.check([header_by(7, 4)])
    assert pending.check([header_by(7, 3)]) is None
    assert pending.check([header_by(8, 100)]) is None
    assert base_offset(pending, header_by(7, 0, 3)) == 10
    assert base_offset(pending, header_by(7, 3)) == 13
    assert base_offset(pending, header_by(8, 100)) == 14
    assert pending.next_offset == 15


def test_batches_without_a_producer_are_counted_in(state: ProducerState) -> None:
    pending = PendingProducers(state, 10)
    pending.pass_by([batch(b"a", b"b"), batch(b"c")])
    assert pending.check([NO_PRODUCER, header_by(7, 0), NO_PRODUCER]) is None
    assert pending.check([NO_PRODUCER]) is None
    assert pending.next_offset == 20
    assert base_offset(pending, header_by(7, 0)) == 15


def test_a_command_with_several_batches_is_accepted_as_one(state: ProducerState) -> None:
    pending = PendingProducers(state, 0)
    assert pending.check([header_by(7, 0, 2), header_by(8, 5), header_by(7, 2, 2)]) is None
    assert base_offset(pending, header_by(7, 0, 2), header_by(8, 5), header_by(7, 2, 2)) == 0
    assert base_offset(pending, header_by(7, 2, 2)) == 3


def test_one_refused_batch_refuses_its_command_and_leaves_the_others(state: ProducerState) -> None:
    pending = PendingProducers(state, 0)
    with pytest.raises(OutOfOrderSequenceNumberError):
        pending.check([header_by(7, 0, 2), header_by(8, 5), header_by(7, 3)])
    assert pending.next_offset == 0
    assert pending.check([header_by(8, 9)]) is None
    assert pending.check([header_by(7, 0)]) is None


@pytest.mark.parametrize(
    "headers",
    [
        [header_by(7, 0), header_by(7, 1)],
        [header_by(7, 1), header_by(7, 0)],
        [header_by(7, 0), NO_PRODUCER],
        [header_by(8, 0), header_by(7, 0)],
        [header_by(7, 1), header_by(7, 1)],
    ],
    ids=["then_new", "new_then", "then_without_producer", "another_producer", "twice_the_same"],
)
def test_a_command_of_which_only_a_part_was_appended_is_refused(
    state: ProducerState, headers: list[BatchHeader]
) -> None:
    pending = PendingProducers(state, 30)
    assert pending.check([header_by(7, 0)]) is None
    with pytest.raises(DuplicateSequenceNumberError, match=r"1 of 2 batches .* at offset 3\d; the others"):
        pending.check(headers)
    assert pending.next_offset == 31


def test_an_epoch_that_a_command_before_began_fences_the_older(state: ProducerState) -> None:
    pending = PendingProducers(state, 0)
    assert pending.check([header_by(7, 0)]) is None
    assert pending.check([header_by(7, 0, epoch=1)]) is None
    with pytest.raises(InvalidProducerEpochError):
        pending.check([header_by(7, 1)])
    pending.commit()
    assert base_offset(PendingProducers(state, 2), header_by(7, 0, epoch=1)) == 1


def test_a_part_is_committed_up_to_an_offset(state: ProducerState) -> None:
    pending = PendingProducers(state, 10)
    pending.check([header_by(7, 0, 2)])
    pending.check([header_by(7, 2, 2)])
    pending.commit(before_offset=12)
    assert state.snapshot()[0].last_offset == 11
    pending.commit(before_offset=12)
    pending.commit()
    assert state.snapshot()[0].last_offset == 13


# Against a model: every rule again, in the simplest words there are


@dataclass
class ProducerModel:
    """All it ever appended in its epoch, with sequences that never wrap."""

    epoch: int
    next_sequence: int
    appended: list[tuple[int, int, int]] = field(default_factory=list)
    """First sequence, records, base offset."""
    active_ms: int = 0


class Model:
    """A partition that never forgets anything but by its two limits."""

    def __init__(self, limits: ProducerLimits) -> None:
        self.limits = limits
        self.now_ms = 0
        self.producers: dict[int, ProducerModel] = {}
        self.end_offset = 0

    def find(self, producer_id: int) -> ProducerModel | None:
        known = self.producers.get(producer_id)
        if known is None or self.now_ms - known.active_ms >= self.limits.expiration_ms:
            return None
        return known

    def check(self, producer_id: int, epoch: int, sequence: int, count: int) -> int | type[QuekkaError]:
        """The offset that the answer names, or the error; what is accepted is appended."""
        known = self.find(producer_id)
        if known is not None:
            if epoch < known.epoch:
                return InvalidProducerEpochError
            if epoch == known.epoch:
                for first, records, offset in known.appended[-5:]:
                    if (first % 2**31, records) == (sequence, count):
                        return offset
                if known.next_sequence % 2**31 != sequence:
                    return OutOfOrderSequenceNumberError
            elif sequence != 0:
                return OutOfOrderSequenceNumberError
        if known is None or epoch > known.epoch:
            known = ProducerModel(epoch, sequence)
        known.appended.append((known.next_sequence, count, self.end_offset))
        known.next_sequence += count
        known.active_ms = self.now_ms
        self.producers.pop(producer_id, None)
        self.producers[producer_id] = known
        self.end_offset += count
        return known.appended[-1][2]

    def end_group(self) -> None:
        while len(self.producers) > self.limits.producers_max:
            self.producers.pop(next(iter(self.producers)))


def some_batch(rng: random.Random, model: Model, limits: ProducerLimits) -> tuple[int, int, int, int]:
    """Producer id, epoch, base sequence and records: mostly what may come, or came before."""
    producer_id = rng.randrange(limits.producers_max + 3)
    known = model.producers.get(producer_id)
    count = rng.randint(1, 4)
    if known is None:
        return producer_id, rng.randrange(3), rng.choice([0, 0, 5, 2**31 - 9]), count
    if rng.random() < 0.4:
        first, records, _ = rng.choice(known.appended[-7:])
        return producer_id, known.epoch, first % 2**31, records
    epoch = known.epoch + rng.choice([0] * 12 + [-1, 1])
    sequence = known.next_sequence + rng.choice([0] * 8 + [-1, 1])
    if epoch > known.epoch and rng.random() < 0.7:
        sequence = 0
    return producer_id, max(0, epoch), sequence % 2**31, count


def test_random_groups_are_answered_as_the_model_says(manual_clock: ManualClock, seed: int) -> None:
    rng = random.Random(seed)
    limits = ProducerLimits(expiration_ms=1000, producers_max=6)
    model = Model(limits)
    state = ProducerState(limits, manual_clock)
    seen: dict[object, int] = {}
    for _ in range(1500):
        pending = PendingProducers(state, model.end_offset)
        tried = deepcopy(model)
        for _ in range(rng.randint(1, 5)):
            asked = some_batch(rng, tried, limits)
            expected = tried.check(*asked)
            is_new = expected == pending.next_offset
            assert answer_to(pending, *asked) == expected, asked
            kind = expected if isinstance(expected, type) else is_new
            seen[kind] = seen.get(kind, 0) + 1
        assert pending.next_offset == tried.end_offset
        if rng.random() < 0.9:  # else the write failed
            pending.commit()
            model = tried
            model.end_group()
        if rng.random() < 0.1:
            step_ms = rng.choice([7, 301, 994, 1001])  # sums never meet 1000, where floats may round
            manual_clock.advance(ms=step_ms)
            model.now_ms += step_ms
    assert len(seen) == 4, f"a kind of answer never came: {seen}"


def answer_to(
    pending: PendingProducers, producer_id: int, epoch: int, sequence: int, count: int
) -> int | type[QuekkaError]:
    next_offset = pending.next_offset
    try:
        original = pending.check([read_header(batch_by(producer_id, sequence, count, epoch=epoch))])
    except QuekkaError as error:
        return type(error)
    return next_offset if original is None else original.base_offset
