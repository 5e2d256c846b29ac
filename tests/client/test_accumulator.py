import threading
from collections.abc import Callable

import pytest
from fake_server import WAIT_S

from quekka.client.accumulator import RECORD_OVERHEAD_BYTES, Accumulator
from quekka.client.partition_queue import TopicQueues
from quekka.client.producer_batch import ProducerBatch
from quekka.clock import ManualClock
from quekka.errors import BufferExhaustedError, IllegalStateError, MessageTooLargeError, RequestTimedOutError

VALUE = b"x" * (100 - RECORD_OVERHEAD_BYTES)
"""Counts for 100 bytes."""

Make = Callable[..., Accumulator]


@pytest.fixture
def make(manual_clock: ManualClock) -> Make:
    def make_accumulator(
        batch_size_bytes: int = 1000,
        linger_ms: float = 0,
        memory_bytes: int = 10_000,
        max_block_ms: float = 0,
    ) -> Accumulator:
        return Accumulator(
            batch_size_bytes=batch_size_bytes,
            linger_ms=linger_ms,
            memory_bytes=memory_bytes,
            max_block_ms=max_block_ms,
            delivery_timeout_ms=60_000,
            clock=manual_clock,
        )

    return make_accumulator


def topic_of(accumulator: Accumulator, partitions: int = 1) -> TopicQueues:
    return accumulator.topic_queues("logs", partitions, refresh_at_ms=0, sticky=0)


def append(accumulator: Accumulator, topic: TopicQueues, count: int = 1, partition: int | None = 0) -> None:
    for _ in range(count):
        accumulator.append(topic, partition, None, VALUE, (), 1000)


class Background:
    """A call in another thread; `result()` waits for it and raises what it raised."""

    def __init__(self, body: Callable[[], object]) -> None:
        self._body = body
        self._error: BaseException | None = None
        self._value: object = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._body()
        except BaseException as error:  # noqa: BLE001  given to the thread that asks
            self._error = error

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> object:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error
        return self._value


def wait_until_hurried(accumulator: Accumulator) -> list[ProducerBatch]:
    """Take batches that linger; they come only when another thread waits for memory or a flush."""
    return accumulator.take_ready()


def test_records_of_a_partition_share_a_batch_until_it_is_full(make: Make) -> None:
    accumulator = make(batch_size_bytes=300)
    append(accumulator, topic_of(accumulator), count=7)
    counts = []
    for _ in range(3):
        (batch,) = accumulator.take_ready()
        counts.append(batch.count)
        accumulator.finished(batch)
    assert counts == [3, 3, 1]


def test_a_record_larger_than_a_batch_makes_one_of_its_own(make: Make) -> None:
    accumulator = make(batch_size_bytes=50)
    append(accumulator, topic_of(accumulator), count=2)
    assert [batch.count for batch in accumulator.take_ready()] == [1]


def test_partitions_have_batches_of_their_own_taken_together(make: Make) -> None:
    accumulator = make()
    topic = topic_of(accumulator, partitions=3)
    for partition in (2, 0, 2):
        append(accumulator, topic, partition=partition)
    taken = accumulator.take_ready()
    assert [(batch.topic_partition.partition, batch.count) for batch in taken] == [(2, 2), (0, 1)]


def test_a_batch_waits_for_its_linger_time(make: Make, manual_clock: ManualClock) -> None:
    accumulator = make(linger_ms=50)
    append(accumulator, topic_of(accumulator))
    taking = Background(accumulator.take_ready)
    manual_clock.advance(ms=49)
    append(accumulator, topic_of(accumulator))
    manual_clock.advance(ms=1)
    (batch,) = taking.result()
    assert batch.count == 2


def test_a_full_batch_does_not_linger(make: Make) -> None:
    accumulator = make(batch_size_bytes=200, linger_ms=50)
    append(accumulator, topic_of(accumulator), count=2)
    assert len(accumulator.take_ready()) == 1


def test_what_was_taken_is_not_filled_any_more(make: Make) -> None:
    accumulator = make()
    topic = topic_of(accumulator)
    append(accumulator, topic)
    (first,) = accumulator.take_ready()
    append(accumulator, topic)
    assert first.count == 1


def test_a_retry_goes_before_what_came_later_and_after_its_pause(
    make: Make, manual_clock: ManualClock
) -> None:
    accumulator = make()
    topic = topic_of(accumulator, partitions=2)
    append(accumulator, topic)
    (first,) = accumulator.take_ready()
    append(accumulator, topic)
    append(accumulator, topic, partition=1)
    first.attempts = 1
    accumulator.retry([first], send_at_s=manual_clock.monotonic_s() + 0.1)
    (other,) = accumulator.take_ready()
    assert other.topic_partition.partition == 1, "the pause is for its partition alone"
    accumulator.finished(other)
    taking = Background(accumulator.take_ready)
    manual_clock.advance(ms=100)
    assert taking.result() == [first]


def test_a_retry_that_is_out_of_time_is_taken_in_spite_of_its_pause(
    make: Make, manual_clock: ManualClock
) -> None:
    accumulator = make()
    append(accumulator, topic_of(accumulator))
    (batch,) = accumulator.take_ready()
    batch.attempts = 1
    accumulator.retry([batch], send_at_s=manual_clock.monotonic_s() + 1000)
    taking = Background(accumulator.take_ready)
    manual_clock.advance(60)
    assert taking.result() == [batch]


def test_the_parts_of_a_batch_are_sent_in_its_place(make: Make) -> None:
    accumulator = make()
    topic = topic_of(accumulator)
    append(accumulator, topic, count=4)
    (batch,) = accumulator.take_ready()
    append(accumulator, topic)
    accumulator.replace(batch, batch.split())
    counts = []
    for _ in range(3):
        (part,) = accumulator.take_ready()
        counts.append(part.count)
        accumulator.finished(part)
    assert counts == [2, 2, 1]


def test_without_memory_append_waits_until_a_batch_is_finished(make: Make) -> None:
    accumulator = make(memory_bytes=300, linger_ms=1000, max_block_ms=1000)
    topic = topic_of(accumulator)
    append(accumulator, topic, count=3)
    appending = Background(lambda: append(accumulator, topic))
    (batch,) = wait_until_hurried(accumulator)
    accumulator.finished(batch)
    appending.result()
    accumulator.close()
    assert [batch.count for batch in accumulator.take_ready()] == [1]


def test_without_memory_for_too_long_append_says_how_much_there_is(
    make: Make, manual_clock: ManualClock
) -> None:
    accumulator = make(memory_bytes=250, linger_ms=1000, max_block_ms=50)
    topic = topic_of(accumulator)
    append(accumulator, topic, count=2)
    appending = Background(lambda: append(accumulator, topic))
    wait_until_hurried(accumulator)
    manual_clock.advance(ms=50)
    with pytest.raises(BufferExhaustedError, match="100 bytes wanted, 50 of 250 free after 50 ms") as refused:
        appending.result()
    assert refused.value.retriable


def test_a_record_that_never_has_room_is_refused_at_once(make: Make) -> None:
    accumulator = make(memory_bytes=99, max_block_ms=1000)
    with pytest.raises(MessageTooLargeError, match="100 bytes; buffer_memory_bytes is 99"):
        append(accumulator, topic_of(accumulator))


def test_the_sender_thread_never_waits_for_memory(make: Make) -> None:
    accumulator = make(memory_bytes=100, max_block_ms=100_000)
    topic = topic_of(accumulator)
    append(accumulator, topic)
    accumulator.take_ready()  # makes this thread the sender
    with pytest.raises(BufferExhaustedError):
        append(accumulator, topic)


def test_flush_ends_lingering_and_waits_for_the_outcome(make: Make) -> None:
    accumulator = make(linger_ms=1000)
    append(accumulator, topic_of(accumulator))
    flushing = Background(lambda: accumulator.flush(None))
    (batch,) = wait_until_hurried(accumulator)
    batch.complete(0)
    accumulator.finished(batch)
    flushing.result()


def test_flush_waits_for_the_parts_of_a_batch_too(make: Make) -> None:
    accumulator = make(linger_ms=1000)
    append(accumulator, topic_of(accumulator), count=2)
    flushing = Background(lambda: accumulator.flush(None))
    (batch,) = wait_until_hurried(accumulator)
    accumulator.replace(batch, batch.split())
    (first,) = accumulator.take_ready()
    accumulator.finished(first)
    (second,) = accumulator.take_ready()
    assert not flushing.is_over
    accumulator.finished(second)
    flushing.result()


def test_flush_without_records_returns_at_once(make: Make) -> None:
    make().flush(None)


def test_flush_that_takes_too_long_says_how_many_records_are_left(
    make: Make, manual_clock: ManualClock
) -> None:
    accumulator = make(linger_ms=1000)
    append(accumulator, topic_of(accumulator), count=2)
    flushing = Background(lambda: accumulator.flush(3))
    wait_until_hurried(accumulator)
    manual_clock.advance(3)
    with pytest.raises(RequestTimedOutError, match="2 records have no outcome after 3 s"):
        flushing.result()


def test_flush_in_a_callback_is_refused(make: Make) -> None:
    accumulator = make()
    append(accumulator, topic_of(accumulator))
    accumulator.take_ready()
    with pytest.raises(IllegalStateError, match="flush in a callback"):
        accumulator.flush(None)


def test_after_close_nothing_is_taken_in_and_what_is_here_goes_out(make: Make) -> None:
    accumulator = make(linger_ms=1000)
    topic = topic_of(accumulator)
    append(accumulator, topic)
    accumulator.close()
    with pytest.raises(IllegalStateError, match="closed"):
        append(accumulator, topic)
    (batch,) = accumulator.take_ready()
    accumulator.finished(batch)
    assert accumulator.take_ready() == []


def test_close_wakes_who_waits_for_memory(make: Make) -> None:
    accumulator = make(memory_bytes=100, linger_ms=1000, max_block_ms=100_000)
    topic = topic_of(accumulator)
    append(accumulator, topic)
    appending = Background(lambda: append(accumulator, topic))
    wait_until_hurried(accumulator)
    accumulator.close()
    with pytest.raises(IllegalStateError, match="closed while a record waited"):
        appending.result()


def test_close_wakes_a_sender_that_has_nothing_to_do(make: Make) -> None:
    accumulator = make()
    taking = Background(accumulator.take_ready)
    accumulator.close()
    assert taking.result() == []


def test_a_sender_that_gives_up_gets_all_that_has_no_outcome(make: Make) -> None:
    accumulator = make()
    topic = topic_of(accumulator, partitions=2)
    append(accumulator, topic)
    (on_its_way,) = accumulator.take_ready()
    append(accumulator, topic, partition=1)
    assert on_its_way in accumulator.take_all()
    assert sum(batch.count for batch in accumulator.take_all()) == 2
    with pytest.raises(IllegalStateError):
        append(accumulator, topic)


def test_queues_are_kept_when_partitions_are_added(make: Make) -> None:
    accumulator = make()
    before = topic_of(accumulator)
    append(accumulator, before)
    after = topic_of(accumulator, partitions=2)
    assert after.queues[0] is before.queues[0]
    assert after.partitions == 2


def test_no_record_is_lost_or_doubled_between_threads(make: Make) -> None:
    accumulator = make(batch_size_bytes=700, memory_bytes=100_000_000)
    topic = topic_of(accumulator, partitions=3)
    producing = [Background(lambda: append(accumulator, topic, count=500, partition=None)) for _ in range(4)]

    def send() -> int:
        count = 0
        while batches := accumulator.take_ready():
            for batch in batches:
                count += batch.count
                accumulator.finished(batch)
        return count

    sending = Background(send)
    for producer in producing:
        producer.result()
    accumulator.close()
    assert sending.result() == 2000
