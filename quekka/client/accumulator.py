"""Where records wait to be sent: a queue of batches for each partition, within one limit of memory.

`append` is called by the program's threads, `take_ready` and what follows by the one sender thread. All state
is guarded by one mutex, which is held for a few dictionary and list operations and never while anyone waits
for a socket; promises are kept and broken outside of it.

A batch is sent when it is full, when its linger time is over, when another one queues up behind it, and at
once while someone waits for memory, flushes or closes.
"""

import threading
from collections.abc import Sequence

from quekka.client.delivery_future import DeliveryFuture
from quekka.client.partition_queue import PartitionQueue, TopicQueues
from quekka.client.producer_batch import ProducerBatch
from quekka.client.topic_partition import TopicPartition
from quekka.clock import Clock
from quekka.deadline import Deadline
from quekka.errors import BufferExhaustedError, IllegalStateError, MessageTooLargeError, RequestTimedOutError
from quekka.formats.record import Header

RECORD_OVERHEAD_BYTES = 32
"""Counted for each record besides its key, value and headers: lengths, deltas and its part of the header."""


class Accumulator:
    """Batches under construction, batches that wait, and batches on their way.

    Threads: any for `append`, `flush`, `close`; the sender thread for the rest.
    """

    def __init__(
        self,
        *,
        batch_size_bytes: int,
        linger_ms: float,
        memory_bytes: int,
        max_block_ms: float,
        delivery_timeout_ms: float,
        clock: Clock,
    ) -> None:
        # Constant
        self._batch_size_bytes = batch_size_bytes
        self._linger_s = linger_ms / 1000
        self._memory_bytes = memory_bytes
        self._max_block_s = max_block_ms / 1000
        self._delivery_timeout_s = delivery_timeout_ms / 1000
        self._clock = clock
        self._mutex = threading.Lock()
        self._work = threading.Condition(self._mutex)
        """The sender waits here."""
        self._progress = threading.Condition(self._mutex)
        """Who waits for memory or for outcomes waits here."""
        # Guarded by the mutex
        self._queues: dict[TopicPartition, PartitionQueue] = {}
        self._waiting: dict[PartitionQueue, None] = {}
        """Queues with batches, in the order in which they began to have some."""
        self._unfinished: set[ProducerBatch] = set()
        self._batches_opened = 0
        self._free_bytes = memory_bytes
        self._hurried = 0
        """How many threads wait for memory or for a flush; batches do not linger then."""
        self._sender: threading.Thread | None = None
        self._is_closed = False
        self._forget_clock = clock.on_advance(self._wake_all)

    def topic_queues(self, topic: str, partitions: int, *, refresh_at_ms: int, sticky: int) -> TopicQueues:
        """The queues of a topic; those that exist are kept, with what is in them."""
        with self._mutex:
            queues = tuple(self._queue_locked(TopicPartition(topic, index)) for index in range(partitions))
        return TopicQueues(queues, refresh_at_ms=refresh_at_ms, sticky=sticky)

    def append(
        self,
        topic: TopicQueues,
        partition: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header],
        timestamp_ms: int,
    ) -> DeliveryFuture:
        """Put one record where it is sent from; `partition` None lets the topic's sticky one have it.

        Raises BufferExhaustedError when there is no memory for `max_block_ms`, MessageTooLargeError for a
        record that never has enough, IllegalStateError after `close`.
        """
        size_bytes = _size_bytes(key, value, headers)
        with self._mutex:
            if self._is_closed:
                raise IllegalStateError("the producer is closed")
            if size_bytes > self._free_bytes:
                self._wait_for_memory_locked(size_bytes)
            if partition is None:
                queue = topic.sticky_queue(size_bytes, self._batch_size_bytes)
            else:
                queue = topic.queues[partition]
            batch = queue.open_batch(size_bytes, self._batch_size_bytes)
            if batch is None:
                batch = self._open_batch_locked(queue, timestamp_ms)
            future = batch.append(key, value, headers, timestamp_ms, size_bytes)
            self._free_bytes -= size_bytes
            if batch.reserved_bytes >= self._batch_size_bytes:
                batch.is_closed = True
                self._work.notify()
        return future

    def flush(self, timeout_s: float | None) -> None:
        """Wait until every record that was appended before has its outcome; raises RequestTimedOutError."""
        deadline = Deadline(timeout_s, self._clock)
        with self._mutex:
            self._refuse_sender_locked("flush")
            newest = self._batches_opened
            self._hurried += 1
            self._work.notify()
            try:
                while count := sum(batch.count for batch in self._unfinished if batch.number <= newest):
                    if deadline.expired():
                        raise RequestTimedOutError(f"{count} records have no outcome after {timeout_s:g} s")
                    self._progress.wait(deadline.remaining_s())
            finally:
                self._hurried -= 1

    def close(self) -> None:
        """Take no more records; what is here is sent without lingering, and then `take_ready` ends."""
        with self._mutex:
            self._is_closed = True
            self._work.notify()
            self._progress.notify_all()
        self._forget_clock()

    def take_ready(self) -> list[ProducerBatch]:
        """Wait for batches that are to be sent, one of each partition at most; none when all is done."""
        with self._mutex:
            self._sender = threading.current_thread()
            while True:
                now_s = self._clock.monotonic_s()
                taken = self._take_locked(now_s)
                if taken or (self._is_closed and not self._unfinished):
                    return taken
                self._work.wait(self._pause_s_locked(now_s))

    def retry(self, batches: Sequence[ProducerBatch], send_at_s: float) -> None:
        """Put batches of one partition back in front, in their order; `send_at_s` ends the pause before."""
        with self._mutex:
            queue = self._queues[batches[0].topic_partition]
            for batch in reversed(batches):
                batch.send_at_s = send_at_s
                queue.batches.appendleft(batch)
            self._waiting[queue] = None

    def replace(self, batch: ProducerBatch, parts: Sequence[ProducerBatch]) -> None:
        """Send `parts` in place of `batch`, next."""
        with self._mutex:
            self._unfinished.remove(batch)
            self._unfinished.update(parts)
        self.retry(parts, send_at_s=0.0)

    def finished(self, batch: ProducerBatch) -> None:
        """Let go of a batch whose promises are kept or broken."""
        with self._mutex:
            self._unfinished.remove(batch)
            self._free_bytes += batch.reserved_bytes
            self._progress.notify_all()

    def take_all(self) -> list[ProducerBatch]:
        """Every batch that has no outcome yet, for a sender that gives up; nothing is taken in any more."""
        with self._mutex:
            self._is_closed = True
            self._waiting.clear()
            for queue in self._queues.values():
                queue.batches.clear()
            return list(self._unfinished)

    def _queue_locked(self, topic_partition: TopicPartition) -> PartitionQueue:
        queue = self._queues.get(topic_partition)
        if queue is None:
            queue = self._queues[topic_partition] = PartitionQueue(topic_partition)
        return queue

    def _open_batch_locked(self, queue: PartitionQueue, timestamp_ms: int) -> ProducerBatch:
        now_s = self._clock.monotonic_s()
        self._batches_opened += 1
        batch = ProducerBatch(
            queue.topic_partition,
            timestamp_ms,
            number=self._batches_opened,
            send_at_s=now_s + self._linger_s,
            expires_at_s=now_s + self._delivery_timeout_s,
        )
        queue.batches.append(batch)
        self._unfinished.add(batch)
        self._waiting[queue] = None
        self._work.notify()
        return batch

    def _wait_for_memory_locked(self, size_bytes: int) -> None:
        if size_bytes > self._memory_bytes:
            raise MessageTooLargeError(
                f"a record of {size_bytes} bytes; buffer_memory_bytes is {self._memory_bytes}"
            )
        deadline = Deadline(self._max_block_s, self._clock)
        self._hurried += 1
        self._work.notify()
        try:
            while size_bytes > self._free_bytes:
                if deadline.expired() or threading.current_thread() is self._sender:
                    raise BufferExhaustedError(
                        f"{size_bytes} bytes wanted, {self._free_bytes} of {self._memory_bytes} free"
                        f" after {self._max_block_s * 1000:g} ms"
                    )
                self._progress.wait(deadline.remaining_s())
                if self._is_closed:
                    raise IllegalStateError("the producer was closed while a record waited for memory")
        finally:
            self._hurried -= 1

    def _take_locked(self, now_s: float) -> list[ProducerBatch]:
        hurry = self._is_closed or self._hurried > 0
        taken = []
        for queue in list(self._waiting):
            first = queue.batches[0]
            due = queue.send_at_s() <= now_s or (hurry and not first.attempts) or first.expires_at_s <= now_s
            if due:
                queue.batches.popleft()
                first.is_closed = True
                taken.append(first)
                if not queue.batches:
                    del self._waiting[queue]
        return taken

    def _pause_s_locked(self, now_s: float) -> float | None:
        """How long nothing becomes due by itself."""
        moments = [min(queue.send_at_s(), queue.batches[0].expires_at_s) for queue in self._waiting]
        return max(0.0, min(moments) - now_s) if moments else None

    def _refuse_sender_locked(self, what: str) -> None:
        if threading.current_thread() is self._sender:
            raise IllegalStateError(f"{what} in a callback would wait for the thread that runs the callback")

    def _wake_all(self) -> None:
        with self._mutex:
            self._work.notify_all()
            self._progress.notify_all()


def _size_bytes(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    size_bytes = RECORD_OVERHEAD_BYTES
    if key is not None:
        size_bytes += len(key)
    if value is not None:
        size_bytes += len(value)
    for name, data in headers:
        size_bytes += len(name) + len(data or b"")
    return size_bytes
