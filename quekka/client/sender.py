"""The producer's one thread that talks to the broker.

It works in rounds: take one batch of every partition that has one due, send them all in a row, read all the
replies. So requests for different partitions are pipelined, while a partition never has two batches on their
way: a batch that must be sent again is sent before those behind it, and the order of a partition's records is
kept.
"""

import logging
from collections.abc import Callable, Sequence

from quekka.client.accumulator import Accumulator
from quekka.client.connection import Connection
from quekka.client.producer_batch import ProducerBatch
from quekka.client.request import request_line
from quekka.clock import Clock
from quekka.errors import (
    IllegalStateError,
    MessageTooLargeError,
    NetworkError,
    QuekkaError,
    RecordListTooLargeError,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)
from quekka.formats import Buffer

logger = logging.getLogger(__name__)

Outcome = int | QuekkaError
"""The base offset, or why there is none."""

ACKS_NONE = "0"
TOO_LARGE = (MessageTooLargeError, RecordListTooLargeError)


class Sender:
    """Sends batches until the accumulator has no more.

    Threads: `run` is the body of the sender thread; `give_up` may be called by any thread.
    """

    def __init__(
        self,
        accumulator: Accumulator,
        connection: Connection,
        *,
        acks: str,
        codec: int,
        retries: int,
        retry_backoff_ms: float,
        on_unknown_topic: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._accumulator = accumulator
        self._connection = connection
        self._acks = acks
        self._codec = codec
        self._retries = retries
        self._retry_backoff_s = retry_backoff_ms / 1000
        self._on_unknown_topic = on_unknown_topic
        self._clock = clock
        self._gives_up = False

    def run(self) -> None:
        """Send until the accumulator is closed and empty, or `give_up`; no promise is left open."""
        try:
            while not self._gives_up and (batches := self._accumulator.take_ready()):
                self._deliver(batches)
        finally:
            self._connection.close()
            for batch in self._accumulator.take_all():
                self._fail(batch, IllegalStateError("the producer was closed before this was delivered"))

    def give_up(self) -> None:
        """End soon: break the connection, and all promises that are still open."""
        self._gives_up = True
        self._accumulator.close()
        self._connection.abort()

    def _deliver(self, batches: Sequence[ProducerBatch]) -> None:
        """One round."""
        for batch, outcome in zip(batches, self._exchange(batches), strict=True):
            if isinstance(outcome, int):
                batch.complete(outcome)
                self._accumulator.finished(batch)
            elif isinstance(outcome, TOO_LARGE) and batch.count > 1:
                self._accumulator.replace(batch, batch.split())
            else:
                self._retry_or_fail(batch, outcome)

    def _exchange(self, batches: Sequence[ProducerBatch]) -> list[Outcome]:
        """Send all batches, then read all replies; after trouble with the connection the rest share it."""
        outcomes: list[Outcome] = []
        try:
            self._refuse_to_hurry()
            self._connection.send(*self._requests(batches))
            for _ in batches:
                outcomes.append(self._receive())
        except QuekkaError as error:
            self._connection.close()
            missing = len(batches) - len(outcomes)
            logger.warning("%d of %d batches have no answer: %s", missing, len(batches), error.message)
            outcomes += [error] * missing
        return outcomes

    def _refuse_to_hurry(self) -> None:
        """Raises NetworkError while the last attempt to connect is too recent."""
        if not self._connection.is_open and self._connection.backoff.remaining_s() > 0:
            raise NetworkError(f"{self._connection.address}: waiting before connecting again")

    def _requests(self, batches: Sequence[ProducerBatch]) -> list[Buffer]:
        parts: list[Buffer] = []
        for batch in batches:
            encoded = batch.encoded(self._codec)
            topic, partition = batch.topic_partition
            parts.append(request_line("APPEND", topic, partition, len(encoded), options={"acks": self._acks}))
            parts.append(encoded)
        return parts

    def _receive(self) -> Outcome:
        if self._acks == ACKS_NONE:
            return -1
        reply = self._connection.receive()
        return reply.error or reply.integer()

    def _retry_or_fail(self, batch: ProducerBatch, error: QuekkaError) -> None:
        if isinstance(error, UnknownTopicOrPartitionError):
            self._on_unknown_topic(batch.topic_partition.topic)
        now_s = self._clock.monotonic_s()
        if not error.retriable or batch.attempts >= self._retries or self._gives_up:
            self._fail(batch, error)
        elif batch.expires_at_s <= now_s:
            self._fail(batch, _too_late(batch, error))
        else:
            batch.attempts += 1
            pause_s = max(self._retry_backoff_s, self._connection.backoff.remaining_s())
            self._accumulator.retry([batch], send_at_s=now_s + pause_s)

    def _fail(self, batch: ProducerBatch, error: QuekkaError) -> None:
        batch.fail(error)
        self._accumulator.finished(batch)


def _too_late(batch: ProducerBatch, error: QuekkaError) -> RequestTimedOutError:
    return RequestTimedOutError(
        f"{batch.topic_partition}: {batch.count} records were not delivered in time, in {batch.attempts + 1}"
        f" attempts; the last one: {error.message}"
    )
