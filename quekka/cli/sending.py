"""The records that quekka-produce has under way, and what became of them, in the order of the input."""

import sys
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING

from quekka.cli.common import Exit, complain, describe_error, exit_for
from quekka.cli.record_input import InputRecord
from quekka.errors import (
    NetworkError,
    QuekkaError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

if TYPE_CHECKING:
    from quekka.client import Producer, RecordMetadata

PENDING_MAX = 10_000
"""Records whose answer is awaited; more would only take memory."""

COMPLAINTS_MAX = 20
"""Failed records that are described one by one; more are only counted."""

SHARED_BY_ALL = (
    NetworkError,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
    TopicAuthorizationFailedError,
)
"""Failures of which the next record would die too."""


class Sending:
    """The records under way to one topic, in input order, and what became of them."""

    def __init__(self, producer: "Producer", topic: str, *, show_offsets: bool) -> None:
        self._producer = producer
        self._topic = topic
        self.show_offsets = show_offsets
        self._pending: deque[tuple[str, Future[RecordMetadata]]] = deque()
        self.records_sent = 0
        self.records_failed = 0
        self.exit_code = Exit.OK
        self.stopped = False
        """True when a failure showed that what follows would fail too."""

    def send(self, place: str, record: InputRecord) -> None:
        """Hand one record over; waits when too many are under way."""
        self.settle_answered()
        if len(self._pending) >= PENDING_MAX:
            self._settle_oldest()
        try:
            future = self._producer.send(
                self._topic,
                record.value,
                key=record.key,
                partition=record.partition,
                timestamp_ms=record.timestamp_ms,
                headers=record.headers,
            )
        except QuekkaError as error:
            self.fail(place, error)
        else:
            self._pending.append((place, future))

    def settle_answered(self) -> None:
        """Look at the answers that are there, without waiting."""
        while self._pending and self._pending[0][1].done():
            self._settle_oldest()

    def settle(self) -> None:
        """Send all there is now, and wait for every answer."""
        self._producer.flush()
        while self._pending:
            self._settle_oldest()
        sys.stdout.flush()

    def fail(self, place: str, error: QuekkaError) -> None:
        """Count a record that was not produced, and say so."""
        self.records_failed += 1
        if self.records_failed <= COMPLAINTS_MAX:
            complain(f"{place}: {describe_error(error)}")
        if isinstance(error, SHARED_BY_ALL):
            self.stopped = True
            self.exit_code = exit_for(error)
        elif not self.stopped:
            self.exit_code = Exit.RECORDS_FAILED

    def _settle_oldest(self) -> None:
        place, future = self._pending.popleft()
        try:
            metadata = future.result()
        except QuekkaError as error:
            self.fail(place, error)
            return
        self.records_sent += 1
        if self.show_offsets:
            sys.stdout.write(f"{metadata.partition} {metadata.offset}\n")
