"""Send records: batched, compressed, retried, in order for each partition."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from quekka.client.accumulator import Accumulator
from quekka.client.addresses import parse_addresses
from quekka.client.admin import DEFAULT_SERVERS
from quekka.client.backoff import Backoff
from quekka.client.checks import at_least, one_of
from quekka.client.connection import Connection
from quekka.client.delivery_future import DeliveryFuture, OnDelivery
from quekka.client.partition_counts import PartitionCounts
from quekka.client.partition_queue import TopicQueues
from quekka.client.partitioner import Partitioner, default_partitioner
from quekka.client.sender import Sender
from quekka.clock import SYSTEM_CLOCK, Clock
from quekka.deadline import Deadline
from quekka.errors import (
    IllegalStateError,
    InvalidTimestampError,
    NetworkError,
    RequestTimedOutError,
    ShuttingDownError,
    TooManyConnectionsError,
    UnknownTopicOrPartitionError,
)
from quekka.formats.compression import CODEC_NAMES, check_codec, codec_number
from quekka.formats.record import Header
from quekka.topic_name import check_topic_name

logger = logging.getLogger(__name__)

Serializer = Callable[[Any], bytes | None]
Headers = Sequence[Header] | Mapping[str, bytes | None]

MAY_PASS = (NetworkError, RequestTimedOutError, ShuttingDownError, TooManyConnectionsError)
"""Errors about the broker's state, not about the topic that was asked for."""
ACKS = ("all", "1", "0")
RETRIES_MAX = 2**31 - 1
TIMESTAMP_MS_MAX = 2**62
"""So that the difference of any two fits in a record."""


class Producer:
    """Sends records to topics.

        with Producer("localhost:9999") as producer:
            future = producer.send("logs", b"hello", key=b"user-42", headers=[("trace", b"1")])
            metadata = future.result(timeout=10)   # RecordMetadata(topic, partition, offset, timestamp_ms)

    `send` puts the record into a batch and returns; one background thread sends the batches. `close`, or the
    end of the `with` block, delivers what is still here; a program that ends without it loses that.

    **Order and repeats.** The records of a partition are stored in the order in which `send` was called: a
    partition has one batch on its way at a time, and one that fails is sent again before those behind it. An
    attempt whose reply was lost may have been stored all the same; then the retry stores its records a second
    time. So delivery is *at least once*; with `retries=0` or `acks="0"` it is at most once.

    **Errors.** What may pass (the broker is away, stops, or has no room: `retriable` in quekka.errors) is
    tried again until `delivery_timeout_ms` after the record was sent, and then is RequestTimedOutError. What
    will not pass fails the futures of that batch at once, but for a batch that the broker finds too large: it
    is split, until it is a single record that fails with MessageTooLargeError. Later batches are not held up.

    Threads: any, at the same time.
    """

    def __init__(
        self,
        servers: str | Sequence[str] = DEFAULT_SERVERS,
        *,
        linger_ms: float = 5,
        batch_size_bytes: int = 256 * 1024,
        compression_type: str = "none",
        acks: str | int = "all",
        buffer_memory_bytes: int = 32 * 1024 * 1024,
        max_block_ms: float = 60_000,
        delivery_timeout_ms: float = 120_000,
        request_timeout_ms: float = 30_000,
        retries: int = RETRIES_MAX,
        retry_backoff_ms: float = 100,
        retry_backoff_max_ms: float = 1_000,
        metadata_max_age_ms: int = 300_000,
        allow_auto_create_topics: bool = True,
        partitioner: Partitioner | None = None,
        key_serializer: Serializer | None = None,
        value_serializer: Serializer | None = None,
        client_id: str = "producer",
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Nothing is connected before the first `send`.

        `servers`: `host:port`, or several, of which the first that answers is used.
        `linger_ms`: how long a batch waits for more records.
        `batch_size_bytes`: a batch of this size is sent at once; a larger record makes a batch of its own.
        `compression_type`: none, gzip, snappy, lz4 or zstd (all but gzip: `quekka[codecs]`).
        `acks`: "all" or "1" (the same with one broker: the record was stored), or "0": nobody says, offsets
        are -1.
        `buffer_memory_bytes`: of records that are not delivered yet, counted without compression.
        `max_block_ms`: how long `send` may wait for memory or for the topic's number of partitions.
        `delivery_timeout_ms`: from `send` to the last attempt.
        `request_timeout_ms`: how long the broker may be silent before a request counts as lost.
        `retries`, `retry_backoff_ms`: how often, and after which pause, a batch is sent again;
        `retry_backoff_max_ms` bounds the pause between attempts to connect, which doubles each time.
        `metadata_max_age_ms`: how soon partitions that were added are noticed.
        `allow_auto_create_topics`: create a topic that is missing, with the broker's defaults.
        `partitioner`: called with key (or None) and number of partitions; default: keys by murmur2 as Kafka's
        Java client, records without a key stick to one partition for a batch.
        `key_serializer`, `value_serializer`: called with what `send` was given, also with None.
        `client_id`: names the background thread.

        Raises InvalidConfigError and UnsupportedCompressionTypeError that name the argument.
        """
        at_least(0, linger_ms=linger_ms, max_block_ms=max_block_ms, retries=retries)
        at_least(0, retry_backoff_ms=retry_backoff_ms, retry_backoff_max_ms=retry_backoff_max_ms)
        at_least(1, batch_size_bytes=batch_size_bytes, buffer_memory_bytes=buffer_memory_bytes)
        at_least(1, delivery_timeout_ms=delivery_timeout_ms, request_timeout_ms=request_timeout_ms)
        at_least(1, metadata_max_age_ms=metadata_max_age_ms)
        acks = "all" if acks == -1 else str(acks)
        one_of(ACKS, acks=acks)
        one_of(CODEC_NAMES, compression_type=compression_type)
        check_codec(codec_number(compression_type))
        addresses = parse_addresses(servers)

        def connection() -> Connection:
            backoff = Backoff(clock, initial_ms=retry_backoff_ms, maximum_ms=retry_backoff_max_ms)
            return Connection(addresses, timeout_s=request_timeout_ms / 1000, backoff=backoff)

        # Constant
        self._clock = clock
        self._max_block_s = max_block_ms / 1000
        self._metadata_max_age_ms = metadata_max_age_ms
        self._retry_backoff_s = retry_backoff_ms / 1000
        self._partitioner = partitioner or default_partitioner()
        self._key_serializer = key_serializer
        self._value_serializer = value_serializer
        self._closing = threading.Event()
        self._partition_counts = PartitionCounts(
            connection, allow_auto_create_topics=allow_auto_create_topics
        )
        self._accumulator = Accumulator(
            batch_size_bytes=batch_size_bytes,
            linger_ms=linger_ms,
            memory_bytes=buffer_memory_bytes,
            max_block_ms=max_block_ms,
            delivery_timeout_ms=delivery_timeout_ms,
            clock=clock,
        )
        # Changed by single operations of a dict
        self._topics: dict[str, TopicQueues] = {}
        self._sender = Sender(
            self._accumulator,
            connection(),
            acks=acks,
            codec=codec_number(compression_type),
            retries=retries,
            retry_backoff_ms=retry_backoff_ms,
            on_unknown_topic=self._forget_topic,
            clock=clock,
        )
        self._thread = threading.Thread(target=self._sender.run, name=f"quekka-{client_id}", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Producer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(
        self,
        topic: str,
        value: Any = None,
        *,
        key: Any = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Headers = (),
        on_delivery: OnDelivery | None = None,
    ) -> DeliveryFuture:
        """Have one record delivered; the future's result is its RecordMetadata.

        `value` and `key` are bytes or None, or what the serializers take. A record with value None is a
        tombstone.
        `partition` overrides the partitioner, `timestamp_ms` (since 1970-01-01 UTC) the clock. `headers` are
        pairs of a text and bytes or None, or a mapping. `on_delivery(error, metadata)` is called in the
        background thread; it must not wait, and `flush` and `close` in it are refused.

        Raises BufferExhaustedError after `max_block_ms` without memory; UnknownTopicOrPartitionError;
        InvalidTopicError; InvalidTimestampError; MessageTooLargeError for a record larger than
        `buffer_memory_bytes`; NetworkError when the number of partitions is not known yet and the broker does
        not answer: at once when it never did before, else after `max_block_ms`; IllegalStateError after
        `close`; TypeError for what is no bytes. All else is in the future.
        """
        if self._key_serializer is not None:
            key = self._key_serializer(key)
        if self._value_serializer is not None:
            value = self._value_serializer(value)
        if type(key) is not bytes and key is not None:
            key = _as_bytes("key", key)
        if type(value) is not bytes and value is not None:
            value = _as_bytes("value", value)
        now_ms = self._clock.wall_ms()
        queues = self._topics.get(topic)
        if queues is None or now_ms >= queues.refresh_at_ms:
            queues = self._load_topic(topic, queues)
        if partition is None:
            partition = self._partitioner(key, queues.partitions)
        if partition is not None and not 0 <= partition < queues.partitions:
            raise UnknownTopicOrPartitionError(
                f"{topic}: there is no partition {partition}, only 0 to {queues.partitions - 1}"
            )
        future = self._accumulator.append(
            queues,
            partition,
            key,
            value,
            _as_headers(headers) if headers else (),
            now_ms if timestamp_ms is None else _as_timestamp(timestamp_ms),
        )
        if on_delivery is not None:
            future.call_on_delivery(on_delivery)
        return future

    def flush(self, timeout_s: float | None = None) -> None:
        """Send everything now and wait until all futures given out before have their outcome.

        Raises RequestTimedOutError after `timeout_s`; without it, `delivery_timeout_ms` bounds the wait.
        """
        self._accumulator.flush(timeout_s)

    def close(self, timeout_s: float | None = None) -> None:
        """Deliver everything and end; what is not delivered after `timeout_s` fails with IllegalStateError.

        Does nothing when it is closed already.
        """
        if threading.current_thread() is self._thread:
            raise IllegalStateError("close in a callback would wait for the thread that runs the callback")
        self._closing.set()
        self._accumulator.close()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._sender.give_up()
            self._thread.join()
        self._partition_counts.close()

    def partitions_for(self, topic: str) -> set[int]:
        """The numbers of the topic's partitions; it is created, and errors are raised, as by `send`."""
        return set(range(self._load_topic(topic, None).partitions))

    def _forget_topic(self, topic: str) -> None:
        self._topics.pop(topic, None)

    def _load_topic(self, topic: str, known: TopicQueues | None) -> TopicQueues:
        """Ask for the number of partitions; what is known is kept while the broker does not answer."""
        if self._closing.is_set():
            raise IllegalStateError("the producer is closed")
        deadline = Deadline(self._max_block_s, self._clock)
        while True:
            try:
                partitions = self._partition_counts.count(check_topic_name(topic))
                break
            except MAY_PASS as error:
                if known is not None:
                    logger.warning("the number of partitions of %s was not renewed: %s", topic, error.message)
                    partitions = known.partitions
                    break
                if not self._topics or deadline.expired():
                    raise
            if self._closing.wait(self._retry_backoff_s):
                raise IllegalStateError("the producer was closed while it asked for a topic")
        queues = self._accumulator.topic_queues(
            topic,
            partitions,
            refresh_at_ms=self._clock.wall_ms() + self._metadata_max_age_ms,
            sticky=known.sticky if known else 0,
        )
        self._topics[topic] = queues
        return queues


def _as_bytes(what: str, data: object) -> bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(
            f"{what} is {type(data).__name__}, not bytes: encode it, or give the producer a {what}_serializer"
        )
    return bytes(data)


def _as_headers(headers: Headers) -> list[Header]:
    pairs: Iterable[Header] = headers.items() if isinstance(headers, Mapping) else headers
    checked: list[Header] = []
    for name, data in pairs:
        if not isinstance(name, str):
            raise TypeError(f"a header's name is {type(name).__name__}, not str")
        checked.append((name, None if data is None else _as_bytes(f"header {name}", data)))
    return checked


def _as_timestamp(timestamp_ms: int) -> int:
    if not 0 <= timestamp_ms <= TIMESTAMP_MS_MAX:
        raise InvalidTimestampError(f"timestamp_ms={timestamp_ms}: not milliseconds since 1970-01-01 UTC")
    return timestamp_ms
