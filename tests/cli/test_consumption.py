"""The loop of quekka-consume, with a consumer and a clock that do as they are told."""

import io
import signal
from collections.abc import Callable

import pytest

from quekka.cli.consumption import FLUSH_INTERVAL_S, Consumption, Limits
from quekka.cli.output import RecordOutput
from quekka.cli.record_format import record_formatter
from quekka.client import ConsumerRecord, TopicPartition
from quekka.clock import ManualClock

PARTITION = TopicPartition("t", 0)
OTHER = TopicPartition("t", 1)

Polled = dict[TopicPartition, list[ConsumerRecord]]


class Consumer:
    """Hands out what each poll is scripted to give; time passes only in a poll that waits in vain."""

    def __init__(self, clock: ManualClock, *polls: Polled | Callable[[], Polled]) -> None:
        self._clock = clock
        self._polls = list(polls)
        self._positions = dict.fromkeys([PARTITION, OTHER], 0)
        self.commits: list[dict[TopicPartition, int]] = []
        self.asked: list[int] = []

    def poll(self, timeout_ms: int, max_records: int) -> Polled:
        self.asked.append(max_records)
        if not self._polls:
            self._clock.advance(ms=timeout_ms)
            return {}
        scripted = self._polls.pop(0)
        polled = scripted() if callable(scripted) else scripted
        for partition, found in polled.items():
            self._positions[partition] = found[-1].offset + 1
        return polled

    def assignment(self) -> set[TopicPartition]:
        return set(self._positions)

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.commits.append(offsets)


def records(partition: TopicPartition, *offsets: int) -> Polled:
    return {partition: [ConsumerRecord(*partition, offset, 0, None, b"%d" % offset) for offset in offsets]}


def consume(consumer: Consumer, clock: ManualClock, **limits: object) -> list[bytes]:
    stream = io.BytesIO()
    output = RecordOutput(stream, record_formatter("value"), consumer)  # type: ignore[arg-type]
    wanted = Limits(**{"records_max": None, "timeout_s": None, "end_offsets": None, **limits})  # type: ignore[arg-type]
    Consumption(consumer, output, wanted, clock).run()  # type: ignore[arg-type]
    return stream.getvalue().split()


def test_it_ends_where_the_partitions_ended_at_the_start(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock, records(PARTITION, 0, 1), {}, records(OTHER, 0))
    ends = {PARTITION: 2, OTHER: 1}
    assert consume(consumer, manual_clock, end_offsets=ends) == [b"0", b"1", b"0"]
    assert consumer.commits == [{PARTITION: 2}, {OTHER: 1}]


def test_what_came_after_the_start_is_neither_written_nor_committed(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock, records(PARTITION, 0, 1, 2, 3))
    assert consume(consumer, manual_clock, end_offsets={PARTITION: 2, OTHER: 0}) == [b"0", b"1"]
    assert consumer.commits == [{PARTITION: 2}]


def test_offsets_that_are_missing_before_the_end_do_not_keep_it_waiting(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock, records(PARTITION, 0, 9))
    assert consume(consumer, manual_clock, end_offsets={PARTITION: 5, OTHER: 0}) == [b"0"]


def test_an_empty_topic_ends_at_once(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock)
    assert consume(consumer, manual_clock, end_offsets={PARTITION: 0, OTHER: 0}) == []
    assert consumer.asked == []


def test_a_member_that_got_no_partition_ends_after_it_has_waited(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock)
    consumer.assignment = set  # type: ignore[method-assign]
    assert consume(consumer, manual_clock, end_offsets={PARTITION: 5, OTHER: 0}) == []
    assert len(consumer.asked) == 2


def test_records_of_a_partition_that_was_added_meanwhile_are_not_written(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock, records(OTHER, 0), records(PARTITION, 0))
    assert consume(consumer, manual_clock, end_offsets={PARTITION: 1}) == [b"0"]
    assert consumer.commits == [{PARTITION: 1}]


def test_no_more_than_max_records_are_asked_for(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock, records(PARTITION, 0, 1), records(PARTITION, 2))
    assert consume(consumer, manual_clock, records_max=3) == [b"0", b"1", b"2"]
    assert consumer.asked == [3, 1]


def test_it_ends_after_a_silence_of_timeout_s(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock, records(PARTITION, 0))
    started_at_s = manual_clock.monotonic_s()
    assert consume(consumer, manual_clock, timeout_s=2.5) == [b"0"]
    assert 2.5 <= manual_clock.monotonic_s() - started_at_s < 3


def test_what_was_written_is_let_out_before_it_waits(manual_clock: ManualClock) -> None:
    consumer = Consumer(manual_clock, records(PARTITION, 0))
    committed_at: list[float] = []
    consumer.commit = lambda offsets: committed_at.append(manual_clock.monotonic_s())  # type: ignore[method-assign]
    started_at_s = manual_clock.monotonic_s()
    consume(consumer, manual_clock, timeout_s=5)
    assert committed_at == [started_at_s]


def test_records_that_come_without_a_pause_are_committed_all_the_same(manual_clock: ManualClock) -> None:
    def busy(offset: int) -> Callable[[], Polled]:
        def poll() -> Polled:
            manual_clock.advance(FLUSH_INTERVAL_S)
            return records(PARTITION, offset)

        return poll

    consumer = Consumer(manual_clock, busy(0), busy(1), busy(2))
    consume(consumer, manual_clock, records_max=3)
    assert consumer.commits == [{PARTITION: 1}, {PARTITION: 2}, {PARTITION: 3}]


def test_an_interruption_commits_what_was_written(manual_clock: ManualClock) -> None:
    def interrupt() -> Polled:
        signal.raise_signal(signal.SIGINT)
        return records(PARTITION, 2)

    consumer = Consumer(manual_clock, records(PARTITION, 0, 1), interrupt, records(PARTITION, 3))
    with pytest.raises(KeyboardInterrupt):
        consume(consumer, manual_clock)
    assert consumer.commits == [{PARTITION: 3}]
