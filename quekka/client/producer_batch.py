"""Records of one partition that travel together, and the promises about them."""

import threading
from collections.abc import Sequence
from itertools import count, repeat

from quekka.client.delivery_future import DeliveryFuture, settle
from quekka.client.record_metadata import RecordMetadata
from quekka.client.topic_partition import TopicPartition
from quekka.errors import QuekkaError
from quekka.formats.record import Header
from quekka.formats.record_batch import iter_records
from quekka.formats.record_batch_builder import BatchBuilder


class ProducerBatch:
    """A record batch from its first record to its outcome.

    Filling it is guarded by the accumulator's mutex. When the sender has taken it, it is the sender's alone;
    it is never filled again then, also when it comes back for another attempt.

    Threads: one at a time, as above.
    """

    __slots__ = (
        "_builder",
        "_encoded",
        "_futures",
        "_mutex",
        "_timestamps_ms",
        "attempts",
        "expires_at_s",
        "is_closed",
        "number",
        "reserved_bytes",
        "send_at_s",
        "topic_partition",
    )

    def __init__(
        self,
        topic_partition: TopicPartition,
        base_timestamp_ms: int,
        *,
        number: int,
        send_at_s: float,
        expires_at_s: float,
    ) -> None:
        self._builder = BatchBuilder(base_timestamp_ms)
        self._encoded: bytearray | None = None
        self._futures: list[DeliveryFuture] = []
        self._mutex = threading.Lock()
        self._timestamps_ms: list[int] = []
        self.topic_partition = topic_partition
        self.attempts = 0
        self.expires_at_s = expires_at_s
        """When the promises are broken for good, in monotonic time."""
        self.is_closed = False
        """Nothing more goes in: it is full, or was taken to be sent."""
        self.number = number
        """Batches are numbered as they are opened; the parts of one that was split share its number."""
        self.reserved_bytes = 0
        """What its records count for in the producer's memory."""
        self.send_at_s = send_at_s
        """When it is sent even though it is not full: after the linger, or after the pause before a retry."""

    @property
    def count(self) -> int:
        return len(self._futures)

    def append(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header],
        timestamp_ms: int,
        reserved_bytes: int,
    ) -> DeliveryFuture:
        """Add one record; the caller holds the accumulator's mutex."""
        self._builder.append(key, value, headers, timestamp_ms)
        future = DeliveryFuture(self._mutex)
        self._futures.append(future)
        self._timestamps_ms.append(timestamp_ms)
        self.reserved_bytes += reserved_bytes
        return future

    def encoded(self, codec: int) -> bytearray:
        """The bytes for APPEND, made once and kept for retries."""
        if self._encoded is None:
            self._encoded = self._builder.build(codec)
        return self._encoded

    def complete(self, base_offset: int) -> None:
        """Keep all promises: the records were stored from `base_offset` on; -1 where nobody said."""
        topic, partition = self.topic_partition
        offsets = repeat(-1) if base_offset < 0 else count(base_offset)
        places = map(RecordMetadata, repeat(topic), repeat(partition), offsets, self._timestamps_ms)
        settle(self._mutex, zip(self._futures, places, strict=False))

    def fail(self, error: QuekkaError) -> None:
        """Break all promises."""
        settle(self._mutex, zip(self._futures, repeat(error), strict=False))

    def split(self) -> tuple["ProducerBatch", "ProducerBatch"]:
        """Two batches with half of the records each, for a broker that finds this one too large."""
        middle = self.count // 2
        records = list(iter_records(self._builder.build()))
        halves = []
        for part in (slice(None, middle), slice(middle, None)):
            half = ProducerBatch(
                self.topic_partition,
                records[part][0].timestamp_ms,
                number=self.number,
                send_at_s=self.send_at_s,
                expires_at_s=self.expires_at_s,
            )
            for record in records[part]:
                half._builder.append(record.key, record.value, record.headers, record.timestamp_ms)
            half._mutex = self._mutex
            half._futures = self._futures[part]
            half._timestamps_ms = self._timestamps_ms[part]
            half.is_closed = True
            halves.append(half)
        first, second = halves
        first.reserved_bytes = self.reserved_bytes // 2
        second.reserved_bytes = self.reserved_bytes - first.reserved_bytes
        return first, second
