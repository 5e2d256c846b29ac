"""Read records: alone or in a group, from where it was left, with the offsets kept by the broker."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType

from quekka.client.addresses import parse_addresses
from quekka.client.admin import DEFAULT_SERVERS
from quekka.client.assignment import Assignment
from quekka.client.backoff import Backoff
from quekka.client.checks import at_least, one_of
from quekka.client.connection import Connection
from quekka.client.consumer_coordinator import ConsumerCoordinator, OnRebalance
from quekka.client.consumer_record import ConsumerRecord
from quekka.client.fetch_lane import FetchLane
from quekka.client.fetched_data import Deserializer, FetchedData, RecordDecoder
from quekka.client.fetcher import Fetcher
from quekka.client.membership import Membership
from quekka.client.topic_partition import TopicPartition
from quekka.clock import SYSTEM_CLOCK, Clock
from quekka.deadline import Deadline
from quekka.errors import IllegalStateError
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec
from quekka.topic_name import check_topic_name

RESETS: dict[str, OffsetSpec | None] = {
    "earliest": EARLIEST,
    "latest": LATEST,
    "none": None,
    "error": None,
}
"""`auto_offset_reset`; none is the Java client's word, error is librdkafka's."""


class Consumer:
    """Reads records of topics, alone or as a member of a group.

        with Consumer("logs", servers="localhost:9999", group_id="readers",
                      auto_offset_reset="earliest") as consumer:
            for record in consumer:
                print(record.partition, record.offset, record.key, record.value)

    **Groups.** The members of a group share the partitions of its topics; when one comes or goes, the shares
    of the others change, which they notice within `heartbeat_interval_ms`. What was handed out is committed
    every `auto_commit_interval_ms`, inside `poll` or the next step of the iteration, so after the program is
    done with it; also before a partition is given up, and by `close`. After a crash, or when a share changes,
    records that were handed out and not committed are read again: *at least once*.

    **Where it starts.** At the committed offset; without one, where `auto_offset_reset` says: "latest" (the
    default, as in all Kafka clients: only what comes later), "earliest", or "none" (also "error"):
    OffsetOutOfRangeError. The same holds when retention has deleted what lies at the position. Without
    `group_id` nothing is committed and all partitions are read.

    **Errors.** While the broker is away, or a topic does not exist, the consumer waits and logs a warning;
    only when the broker has never been reached does NetworkError come out. A damaged record, or one that a
    deserializer refuses, raises from `poll` or the iteration each time until `seek` goes past it.

    Threads: one at a time; another one that comes in between gets IllegalStateError. Only `close` may be
    called by any thread at any time, and wakes one that waits.
    """

    def __init__(
        self,
        *topics: str,
        servers: str | Sequence[str] = DEFAULT_SERVERS,
        group_id: str | None = None,
        auto_offset_reset: str = "latest",
        enable_auto_commit: bool = True,
        auto_commit_interval_ms: float = 5_000,
        heartbeat_interval_ms: float = 1_000,
        max_poll_records: int = 500,
        fetch_max_bytes: int = 1024 * 1024,
        fetch_max_wait_ms: int = 500,
        fetch_connections_max: int = 32,
        request_timeout_ms: float = 30_000,
        retry_backoff_ms: float = 100,
        retry_backoff_max_ms: float = 1_000,
        check_crcs: bool = True,
        key_deserializer: Deserializer | None = None,
        value_deserializer: Deserializer | None = None,
        consumer_timeout_ms: float | None = None,
        on_assigned: OnRebalance | None = None,
        on_revoked: OnRebalance | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Nothing is connected before the first `poll` or step of an iteration.

        `topics`: subscribed to; none, to call `subscribe` or `assign` later.
        `servers`: `host:port`, or several, of which the first that answers is used.
        `max_poll_records`: the most that one `poll` gives.
        `fetch_max_bytes`: asked for at once, for each partition; a larger batch comes whole.
        `fetch_max_wait_ms`: how long the broker may wait for data before it says that there is none.
        `fetch_connections_max`: up to so many partitions get a connection of their own, on which records
        arrive as they are stored; more have to share, and an idle one is then looked at every 10 to 160 ms.
        `check_crcs`: compare the CRC-32C of each batch.
        `key_deserializer`, `value_deserializer`: called with bytes or None.
        `consumer_timeout_ms`: an iteration ends after so long without a record; None: never.
        `on_assigned`, `on_revoked`: see `subscribe`.

        Raises InvalidConfigError and InvalidTopicError that name the argument.
        """
        at_least(0, retry_backoff_ms=retry_backoff_ms, retry_backoff_max_ms=retry_backoff_max_ms)
        at_least(
            1, auto_commit_interval_ms=auto_commit_interval_ms, heartbeat_interval_ms=heartbeat_interval_ms
        )
        at_least(1, max_poll_records=max_poll_records, fetch_max_bytes=fetch_max_bytes)
        at_least(1, fetch_max_wait_ms=fetch_max_wait_ms, fetch_connections_max=fetch_connections_max)
        at_least(1, request_timeout_ms=request_timeout_ms)
        one_of(tuple(RESETS), auto_offset_reset=auto_offset_reset)
        addresses = parse_addresses(servers)
        reset = RESETS[auto_offset_reset]

        def connection() -> Connection:
            backoff = Backoff(clock, initial_ms=retry_backoff_ms, maximum_ms=retry_backoff_max_ms)
            return Connection(addresses, timeout_s=request_timeout_ms / 1000, backoff=backoff)

        def lane() -> FetchLane:
            return FetchLane(
                connection(),
                max_bytes=fetch_max_bytes,
                max_wait_ms=fetch_max_wait_ms,
                request_timeout_s=request_timeout_ms / 1000,
                clock=clock,
            )

        # Constant
        self._clock = clock
        self._max_poll_records = max_poll_records
        self._consumer_timeout_s = None if consumer_timeout_ms is None else consumer_timeout_ms / 1000
        self._use_mutex = threading.RLock()
        """Held while the consumer is in use."""
        self._fetcher = Fetcher(
            lane,
            RecordDecoder(
                key_deserializer=key_deserializer,
                value_deserializer=value_deserializer,
                check_crcs=check_crcs,
            ),
            connections_max=fetch_connections_max,
            clock=clock,
        )
        self._membership = Membership(connection(), group_id, reset or EARLIEST)
        self._assignment = Assignment(self._membership, self._fetcher, reset)
        self._coordinator = ConsumerCoordinator(
            self._membership,
            self._assignment,
            heartbeat_interval_ms=heartbeat_interval_ms,
            auto_commit_interval_ms=auto_commit_interval_ms if enable_auto_commit and group_id else None,
            clock=clock,
        )
        self._forget_clock = clock.on_advance(self._fetcher.wake)
        # Set once
        self._is_closing = False
        self._is_closed = False
        # Guarded by use
        self._iteration: Iterator[ConsumerRecord] | None = None
        if topics:
            self.subscribe(topics, on_assigned, on_revoked)

    def __enter__(self) -> "Consumer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[ConsumerRecord]:
        return self

    def __next__(self) -> ConsumerRecord:
        """The next record; waits for it, for `consumer_timeout_ms` if that is set.

        The iteration also ends when the consumer is closed. It can be taken up again, and mixed with `poll`.
        """
        if self._iteration is None:
            self._iteration = self._iterate()
        try:
            return next(self._iteration)
        except BaseException:
            self._iteration = None
            raise

    def subscribe(
        self,
        topics: str | Iterable[str],
        on_assigned: OnRebalance | None = None,
        on_revoked: OnRebalance | None = None,
    ) -> None:
        """Read these topics, and no others, from the next `poll` on; in a group, this member's share of them.

        `on_revoked` is called inside `poll` with the partitions that are about to be given up, and may
        commit; `on_assigned` with those that have come, and may seek. Raises InvalidTopicError,
        IllegalStateError after `assign`.
        """
        with self._in_use():
            if self._assignment.partitions and not self._coordinator.topics:
                raise IllegalStateError("partitions are assigned by hand; unsubscribe first")
            names = [topics] if isinstance(topics, str) else list(topics)
            self._coordinator.subscribe([check_topic_name(name) for name in names], on_assigned, on_revoked)

    def unsubscribe(self) -> None:
        """Commit what was handed out, leave the group and read nothing, also of what was assigned by hand."""
        with self._in_use():
            self._coordinator.leave()

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these partitions whoever else reads them; with a `group_id` only for its committed offsets.

        Raises UnknownTopicOrPartitionError, NetworkError, IllegalStateError after `subscribe`.
        """
        with self._in_use():
            if self._coordinator.topics:
                raise IllegalStateError("topics are subscribed to; unsubscribe first")
            wanted = {TopicPartition(*partition) for partition in partitions}
            self._assignment.remove(self._assignment.partitions - wanted)
            self._assignment.add(sorted(wanted - self._assignment.partitions))

    def assignment(self) -> set[TopicPartition]:
        """The partitions that are read at present."""
        return self._assignment.partitions

    def subscription(self) -> set[str]:
        """The topics subscribed to."""
        return set(self._coordinator.topics)

    def poll(
        self, timeout_ms: float | None = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """The next records, in order within each partition; empty after `timeout_ms` without any.

        0 answers with what has arrived already, None waits for ever. At most `max_records`, or
        `max_poll_records`. Raises IllegalStateError where nothing is subscribed or assigned, and what the
        class' docstring says.
        """
        deadline = Deadline(None if timeout_ms is None else timeout_ms / 1000, self._clock)
        with self._in_use():
            while self._prepare(deadline):
                records = self._fetcher.take(max_records or self._max_poll_records)
                if records or deadline.expired():
                    return records
        return {}

    def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        """Commit `offsets` (of the records to read next), or the positions of all partitions.

        Raises RebalanceInProgressError or UnknownMemberIdError for a partition that is another member's by
        now, InvalidGroupIdError without `group_id`, NetworkError.
        """
        with self._in_use():
            self._coordinator.commit(offsets)

    def committed(self, partition: TopicPartition) -> int | None:
        """The offset that the group has committed, whoever did; None: none. Raises InvalidGroupIdError."""
        with self._in_use():
            return self._membership.committed([partition[0]]).get(TopicPartition(*partition))

    def position(self, partition: TopicPartition) -> int:
        """The offset of the record to be handed out next; raises IllegalStateError if not assigned."""
        return self._assignment.state(partition).position

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Hand out the record at `offset` next; raises IllegalStateError where it is not assigned."""
        with self._in_use():
            at_least(0, offset=offset)
            self._assignment.seek(partition, offset)

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        """Go to the log start of `partitions`, or of all that are assigned."""
        self._seek_to(partitions, EARLIEST)

    def seek_to_end(self, *partitions: TopicPartition) -> None:
        """Go to the log end of `partitions`, or of all that are assigned."""
        self._seek_to(partitions, LATEST)

    def seek_to_timestamp(self, timestamp_ms: int, *partitions: TopicPartition) -> None:
        """Go to the first record that is not older, else to the log end, of `partitions` or all assigned."""
        at_least(0, timestamp_ms=timestamp_ms)
        self._seek_to(partitions, OffsetSpec("timestamp", timestamp_ms))

    def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The log start offsets, of any partitions."""
        return self._offsets(dict.fromkeys(partitions, EARLIEST))

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets that the next records will get, of any partitions."""
        return self._offsets(dict.fromkeys(partitions, LATEST))

    def offsets_for_times(self, timestamps_ms: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """The offset of the first record that is not older than the time; the log end where all are older."""
        return self._offsets({tp: OffsetSpec("timestamp", time_ms) for tp, time_ms in timestamps_ms.items()})

    def pause(self, *partitions: TopicPartition) -> None:
        """Hand out nothing of `partitions` until `resume`; they stay assigned."""
        with self._in_use():
            for state in [self._assignment.state(partition) for partition in partitions]:
                state.is_paused = True

    def resume(self, *partitions: TopicPartition) -> None:
        """Go on with paused partitions."""
        with self._in_use():
            for state in [self._assignment.state(partition) for partition in partitions]:
                state.is_paused = False

    def paused(self) -> set[TopicPartition]:
        """The partitions that are paused."""
        return {state.topic_partition for state in self._assignment.states() if state.is_paused}

    def close(self) -> None:
        """Commit what was handed out if that is automatic, leave the group, close the connections.

        A thread that waits in `poll` or an iteration is woken and gets nothing more. Does nothing when it is
        closed already. While the broker is away the commit is given up with a warning in the log.
        """
        self._is_closing = True
        self._fetcher.wake()
        with self._use_mutex:
            if self._is_closed:
                return
            self._is_closed = True
            try:
                self._coordinator.leave()
            finally:
                self._forget_clock()
                self._fetcher.close()
                self._membership.connection.close()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Held while one thread uses the consumer."""
        if not self._use_mutex.acquire(blocking=False):
            raise IllegalStateError("another thread is using the consumer")
        try:
            if self._is_closing:
                raise IllegalStateError("the consumer is closed")
            yield
        finally:
            self._use_mutex.release()

    def _prepare(self, deadline: Deadline) -> bool:
        """Do what is due, and wait for data; False when the consumer is being closed."""
        if not (self._coordinator.topics or self._assignment.partitions):
            raise IllegalStateError("nothing is subscribed to or assigned")
        self._coordinator.run_due()
        if self._is_closing:
            return False
        remaining_s = deadline.remaining_s()
        wait_s = self._coordinator.remaining_s()
        self._fetcher.fetch(wait_s if remaining_s is None else min(wait_s, remaining_s))
        return not self._is_closing

    def _iterate(self) -> Iterator[ConsumerRecord]:
        while (data := self._next_data()) is not None:
            for record in data.records:
                yield record
                if self._is_closing:
                    return
                if self._clock.monotonic_s() >= self._coordinator.due_at_s:
                    with self._in_use():
                        self._coordinator.run_due()
                if data.state.is_paused:
                    break
            else:
                self._fetcher.drop(data)

    def _next_data(self) -> FetchedData | None:
        """Wait for data; None when the time is over or the consumer is being closed."""
        deadline = Deadline(self._consumer_timeout_s, self._clock)
        with self._in_use():
            while self._prepare(deadline):
                data = self._fetcher.first_data()
                if data is not None or deadline.expired():
                    return data
        return None

    def _seek_to(self, partitions: Iterable[TopicPartition], where: OffsetSpec) -> None:
        with self._in_use():
            self._assignment.seek_to(dict.fromkeys(partitions or self._assignment.partitions, where))

    def _offsets(self, wanted: Mapping[TopicPartition, OffsetSpec]) -> dict[TopicPartition, int]:
        with self._in_use():
            return self._membership.offsets(wanted)
