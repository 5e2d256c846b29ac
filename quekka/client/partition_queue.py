"""The batches that wait for one partition, in their order, and the partitions of one topic together."""

from collections import deque

from quekka.client.producer_batch import ProducerBatch
from quekka.client.topic_partition import TopicPartition


class PartitionQueue:
    """Batches of one partition: the first is sent next, the last may still be filled.

    Threads: any that holds the accumulator's mutex.
    """

    __slots__ = ("batches", "topic_partition")

    def __init__(self, topic_partition: TopicPartition) -> None:
        self.topic_partition = topic_partition
        self.batches: deque[ProducerBatch] = deque()

    def open_batch(self, size_bytes: int, batch_size_bytes: int) -> ProducerBatch | None:
        """The batch that takes a record of `size_bytes`; one that has no room for it is closed."""
        if not self.batches:
            return None
        batch = self.batches[-1]
        if batch.is_closed:
            return None
        if batch.reserved_bytes + size_bytes > batch_size_bytes:
            batch.is_closed = True
            return None
        return batch

    def send_at_s(self) -> float:
        """When the first batch is due, in monotonic time: at once if it is full or has others behind it."""
        first = self.batches[0]
        if first.attempts or not (first.is_closed or len(self.batches) > 1):
            return first.send_at_s
        return 0.0


class TopicQueues:
    """The queues of a topic's partitions, and the one that records without a key go to at present.

    Such records stick to a partition until its batch is full or sent, and then move on to the next: batches
    are larger so, and partitions get the same share over time (KIP-480).

    Threads: any; `sticky` is guarded by the accumulator's mutex.
    """

    __slots__ = ("partitions", "queues", "refresh_at_ms", "sticky")

    def __init__(self, queues: tuple[PartitionQueue, ...], *, refresh_at_ms: int, sticky: int) -> None:
        self.queues = queues
        self.partitions = len(queues)
        self.refresh_at_ms = refresh_at_ms
        """Wall time from which the number of partitions is asked for again."""
        self.sticky = sticky % len(queues)

    def sticky_queue(self, size_bytes: int, batch_size_bytes: int) -> PartitionQueue:
        """The queue for a record of `size_bytes` without a key; the caller holds the accumulator's mutex."""
        queue = self.queues[self.sticky]
        if queue.open_batch(size_bytes, batch_size_bytes) is None:
            self.sticky = (self.sticky + 1) % self.partitions
            queue = self.queues[self.sticky]
        return queue
