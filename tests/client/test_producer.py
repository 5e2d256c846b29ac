import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fake_server import WAIT_S, Answer, FakeRequest, FakeServer, HangUp

from quekka import Admin, Broker, Consumer, Producer
from quekka.client import ConsumerRecord, RecordMetadata, TopicPartition
from quekka.clock import ManualClock
from quekka.errors import (
    BufferExhaustedError,
    IllegalStateError,
    InvalidConfigError,
    InvalidTimestampError,
    InvalidTopicError,
    MessageTooLargeError,
    NetworkError,
    QuekkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from quekka.formats.compression import CODEC_NAMES
from quekka.formats.murmur2 import partition_for_key

Start = Callable[[Answer], FakeServer]


def read_all(broker: Broker, topic: str) -> list[ConsumerRecord]:
    """Everything in a topic, partition by partition."""
    with Admin(broker.address) as admin:
        ends = {each.partition: each.log_end_offset for each in admin.describe_topic(topic).partitions}
    with Consumer(servers=broker.address, auto_offset_reset="earliest") as consumer:
        consumer.assign(TopicPartition(topic, partition) for partition in ends)
        found: dict[TopicPartition, list[ConsumerRecord]] = {}
        while sum(map(len, found.values())) < sum(ends.values()):
            for partition, records in consumer.poll(timeout_ms=None).items():
                found.setdefault(partition, []).extend(records)
    return [record for partition in sorted(found) for record in found[partition]]


def test_the_example_of_the_documentation_works(broker: Broker) -> None:
    with Producer(broker.address) as producer:
        future = producer.send("logs", b"hello", key=b"user-42", headers=[("trace", b"1")], timestamp_ms=1000)
        metadata = future.result(timeout=10)
    assert metadata == RecordMetadata("logs", 0, 0, 1000)
    (record,) = read_all(broker, "logs")
    assert record == ConsumerRecord("logs", 0, 0, 1000, b"user-42", b"hello", (("trace", b"1"),))


@pytest.mark.parametrize("codec", CODEC_NAMES)
def test_every_codec_round_trips_keys_values_headers_and_nulls(broker: Broker, codec: str) -> None:
    sent = [
        (None, b"v", ()),
        (b"", b"", ()),
        (b"k", None, ()),
        (b"k" * 1000, bytes(range(256)) * 50, (("a", b"1"), ("a", None), ("\u00fc", b""))),
    ]
    with Producer(broker.address, compression_type=codec) as producer:
        for key, value, headers in sent:
            producer.send("logs", value, key=key, headers=headers, timestamp_ms=1000)
    assert [(record.key, record.value, record.headers) for record in read_all(broker, "logs")] == sent


def test_a_timestamp_is_the_clocks_where_none_is_given(broker: Broker, manual_clock: ManualClock) -> None:
    with Producer(broker.address, linger_ms=0, clock=manual_clock) as producer:
        metadata = producer.send("logs", b"v").result(WAIT_S)
    assert metadata.timestamp_ms == manual_clock.wall_ms()
    assert read_all(broker, "logs")[0].timestamp_ms == manual_clock.wall_ms()


def test_keys_go_to_the_partition_on_which_all_clients_agree(broker: Broker) -> None:
    with Admin(broker.address) as admin:
        admin.create_topic("logs", partitions=5)
    keys = [b"user-%d" % number for number in range(50)]
    with Producer(broker.address) as producer:
        futures = {key: producer.send("logs", b"", key=key) for key in keys}
    assert {key: future.result().partition for key, future in futures.items()} == {
        key: partition_for_key(key, 5) for key in keys
    }


def test_records_without_a_key_reach_all_partitions(broker: Broker) -> None:
    with Admin(broker.address) as admin:
        admin.create_topic("logs", partitions=3)
    with Producer(broker.address, batch_size_bytes=1000) as producer:
        futures = [producer.send("logs", b"x" * 100) for _ in range(300)]
    shares = [[future.result().partition for future in futures].count(partition) for partition in range(3)]
    assert min(shares) > 50, shares


def test_a_partition_that_is_named_is_used_and_one_that_does_not_exist_refused(broker: Broker) -> None:
    with Admin(broker.address) as admin:
        admin.create_topic("logs", partitions=3)
    with Producer(broker.address) as producer:
        assert producer.partitions_for("logs") == {0, 1, 2}
        assert producer.send("logs", b"", key=b"k", partition=2).result(WAIT_S).partition == 2
        for partition in (3, -1):
            with pytest.raises(UnknownTopicOrPartitionError, match=f"no partition {partition}, only 0 to 2"):
                producer.send("logs", b"", partition=partition)


def test_a_partitioner_of_ones_own_is_asked(broker: Broker) -> None:
    with Admin(broker.address) as admin:
        admin.create_topic("logs", partitions=3)
    asked: list[tuple[bytes | None, int]] = []

    def last(key: bytes | None, partitions: int) -> int:
        asked.append((key, partitions))
        return partitions - 1

    with Producer(broker.address, partitioner=last) as producer:
        assert producer.send("logs", b"v").result(WAIT_S).partition == 2
        assert producer.send("logs", b"v", key=b"k").result(WAIT_S).partition == 2
    assert asked == [(None, 3), (b"k", 3)]


def test_serializers_make_bytes_of_keys_and_values(broker: Broker) -> None:
    def encode(text: Any) -> bytes | None:
        return None if text is None else str(text).encode()

    with Producer(broker.address, key_serializer=encode, value_serializer=encode) as producer:
        producer.send("logs", "v\u00fc", key=42)
        producer.send("logs")
    assert [(record.key, record.value) for record in read_all(broker, "logs")] == [
        (b"42", "v\u00fc".encode()),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"value": "text"}, "value is str.*value_serializer"),
        ({"key": 42}, "key is int.*key_serializer"),
        ({"headers": [(b"h", b"1")]}, "header's name is bytes"),
        ({"headers": [("h", "1")]}, "header h is str"),
    ],
)
def test_what_is_no_bytes_is_a_type_error_that_names_it(
    broker: Broker, arguments: dict[str, Any], named: str
) -> None:
    with Producer(broker.address) as producer, pytest.raises(TypeError, match=named):
        producer.send("logs", **arguments)


def test_buffers_and_header_mappings_are_taken(broker: Broker) -> None:
    value = bytearray(b"value")
    with Producer(broker.address) as producer:
        producer.send("logs", value, key=memoryview(b"key"), headers={"h": bytearray(b"1")})
        value[:] = b"XXXXX"
    (record,) = read_all(broker, "logs")
    assert (record.key, record.value, record.headers) == (b"key", b"value", (("h", b"1"),))


@pytest.mark.parametrize("timestamp_ms", [-1, 2**63])
def test_a_timestamp_out_of_bounds_is_refused(broker: Broker, timestamp_ms: int) -> None:
    with Producer(broker.address) as producer, pytest.raises(InvalidTimestampError, match=str(timestamp_ms)):
        producer.send("logs", b"", timestamp_ms=timestamp_ms)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"acks": 2}, "acks=2"),
        ({"compression_type": "zip"}, "compression_type=zip"),
        ({"linger_ms": -1}, "linger_ms=-1"),
        ({"batch_size_bytes": 0}, "batch_size_bytes=0"),
        ({"servers": "nowhere"}, "servers=nowhere"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidConfigError, match=named):
        Producer(**arguments)


@pytest.mark.parametrize(("acks", "word"), [(-1, "all"), ("all", "all"), (1, "1"), ("0", "0")])
def test_acks_are_taken_as_numbers_and_words(fake_server: Start, acks: str | int, word: str) -> None:
    def answer(request: FakeRequest) -> bytes:
        if request.command == "INFO":
            return b"+OK partitions=1\r\n"
        return b"" if word == "0" else b"+OK 0 0\r\n"

    server = fake_server(answer)
    with Producer(server.address, acks=acks) as producer:
        producer.send("logs", b"v")
    server.wait_for(lambda: len(server.requests) == 2)
    assert server.requests[1].words[-1] == f"acks={word}"


def test_acks_0_stores_and_says_no_offset(broker: Broker) -> None:
    with Producer(broker.address, acks=0) as producer:
        assert producer.send("logs", b"v").result(WAIT_S).offset == -1
    with Producer(broker.address) as producer:
        assert producer.send("logs", b"v").result(WAIT_S).offset == 1


def test_a_topic_is_created_only_where_that_is_allowed(broker: Broker) -> None:
    with (
        Producer(broker.address, allow_auto_create_topics=False) as producer,
        pytest.raises(UnknownTopicOrPartitionError, match="logs"),
    ):
        producer.send("logs", b"v")
    with Admin(broker.address) as admin:
        assert admin.list_topics() == []


@pytest.mark.parametrize("topic", ["", "a b", "a\nDELETE logs", "..", "x" * 250])
def test_a_name_that_no_topic_can_have_is_refused(broker: Broker, topic: str) -> None:
    with Producer(broker.address) as producer, pytest.raises(InvalidTopicError):
        producer.send(topic, b"v")


def test_the_brokers_own_topics_are_not_written(broker: Broker) -> None:
    with Consumer("logs", servers=broker.address, group_id="g") as consumer, Admin(broker.address) as admin:
        admin.create_topic("logs")
        consumer.poll()
        with Producer(broker.address) as producer:
            future = producer.send("__consumer_offsets", b"v", key=b"k")
            with pytest.raises(TopicAuthorizationFailedError):
                future.result(WAIT_S)


def test_a_record_larger_than_the_topic_takes_fails_alone(broker: Broker) -> None:
    with Admin(broker.address) as admin:
        admin.create_topic("logs", configs={"max.message.bytes": "2000"})
    with Producer(broker.address) as producer:
        futures = [producer.send("logs", b"x" * size) for size in (500, 500, 500, 3000, 500, 500, 500)]
    errors = [future.exception() for future in futures]
    assert [type(error) for error in errors if error] == [MessageTooLargeError]
    assert errors[3] is not None
    assert [len(record.value) for record in read_all(broker, "logs")] == [500] * 6


def test_send_waits_for_memory_and_gives_up_after_max_block_ms(fake_server: Start) -> None:
    may_answer = threading.Event()

    def answer(request: FakeRequest) -> bytes:
        if request.command == "INFO":
            return b"+OK partitions=1\r\n"
        may_answer.wait(WAIT_S)
        return b"+OK 0 0\r\n"

    server = fake_server(answer)
    with Producer(server.address, buffer_memory_bytes=1000, max_block_ms=1) as producer:
        first = producer.send("logs", b"x" * 900)
        with pytest.raises(BufferExhaustedError, match="of 1000 free after 1 ms"):
            producer.send("logs", b"x" * 900)
        may_answer.set()
        first.result(WAIT_S)
        producer.flush()
        assert producer.send("logs", b"x" * 900).result(WAIT_S).offset == 0


def test_records_that_are_sent_faster_than_they_are_stored_are_all_stored(broker: Broker) -> None:
    with Producer(broker.address, buffer_memory_bytes=10_000, batch_size_bytes=2_000) as producer:
        for number in range(1000):
            producer.send("logs", b"%d" % number)
    assert [record.value for record in read_all(broker, "logs")] == [b"%d" % number for number in range(1000)]


class DroppingProxy:
    """Forwards APPENDs to a broker, and drops the connection after every third, before or after its reply."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._appends = 0

    def __call__(self, request: FakeRequest) -> bytes:
        from wire_client import WireClient

        client = WireClient(self._broker.host, self._broker.port)
        try:
            reply = client.ask(" ".join(request.words), request.payload).encode() + b"\r\n"
        finally:
            client.close()
        if request.command == "APPEND":
            self._appends += 1
            if self._appends % 3 == 0:
                raise HangUp(b"" if self._appends % 2 else reply[:3])
        return reply


def test_dropped_connections_repeat_records_but_lose_none_and_keep_the_order(
    broker: Broker, fake_server: Start
) -> None:
    server = fake_server(DroppingProxy(broker))
    options = {"batch_size_bytes": 500, "linger_ms": 0, "retry_backoff_ms": 1, "retry_backoff_max_ms": 1}
    with Producer(server.address, **options) as producer:
        futures = [producer.send("logs", b"%05d" % number) for number in range(300)]
    assert all(future.exception() is None for future in futures)
    values = [record.value for record in read_all(broker, "logs")]
    assert len(values) > 300, "nothing was stored twice, so nothing was tested"
    first_seen = list(dict.fromkeys(values))
    assert first_seen == [b"%05d" % number for number in range(300)]
    for future, number in zip(futures, range(300), strict=True):
        assert values[future.result().offset] == b"%05d" % number


def test_a_broker_that_was_restarted_is_found_again(broker: Broker, tmp_path: Any) -> None:
    with Broker(tmp_path / "restarted") as first:
        listen = first.address
        producer = Producer(listen, retry_backoff_ms=1)
        producer.send("logs", b"1").result(WAIT_S)
    future = producer.send("logs", b"2")
    with Broker(tmp_path / "restarted", listen):
        assert future.result(WAIT_S).offset == 1
        producer.close()


def test_a_broker_that_was_never_reached_is_told_at_once(closed_address: str) -> None:
    with Producer(closed_address) as producer, pytest.raises(NetworkError, match=closed_address):
        producer.send("logs", b"v")


def test_a_broker_that_went_away_is_waited_for(fake_server: Start, closed_address: str) -> None:
    server = fake_server(lambda request: b"+OK partitions=1\r\n")
    with Producer([server.address], max_block_ms=20, retry_backoff_ms=1) as producer:
        producer.partitions_for("logs")
        server.close()
        with pytest.raises(NetworkError):
            producer.send("other", b"v")


def test_partitions_that_were_added_are_found_after_a_while(
    broker: Broker, manual_clock: ManualClock
) -> None:
    with Admin(broker.address) as admin:
        admin.create_topic("logs", partitions=1)
        with Producer(broker.address, metadata_max_age_ms=1000, linger_ms=0, clock=manual_clock) as producer:
            producer.send("logs", b"v").result(WAIT_S)
            admin.create_partitions("logs", 2)
            with pytest.raises(UnknownTopicOrPartitionError):
                producer.send("logs", b"v", partition=1)
            manual_clock.advance(1)
            assert producer.send("logs", b"v", partition=1).result(WAIT_S).partition == 1


def test_what_is_known_is_kept_while_the_broker_is_away(
    fake_server: Start, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = fake_server(
        lambda request: b"+OK partitions=1\r\n" if request.command == "INFO" else b"+OK 0 0\r\n"
    )
    producer = Producer(server.address, metadata_max_age_ms=1000, retries=0, linger_ms=0, clock=manual_clock)
    producer.send("logs", b"v").result(WAIT_S)
    server.close()
    manual_clock.advance(1)
    with caplog.at_level(logging.WARNING):
        future = producer.send("logs", b"v")
    assert isinstance(future.exception(WAIT_S), NetworkError)
    assert "the number of partitions of logs was not renewed" in caplog.text
    producer.close()


def test_flush_delivers_without_waiting_for_the_linger_time(broker: Broker) -> None:
    with Producer(broker.address, linger_ms=100_000) as producer:
        futures = [producer.send("logs", b"v") for _ in range(10)]
        producer.flush(timeout_s=WAIT_S)
        assert [future.done() for future in futures] == [True] * 10


def test_on_delivery_is_called_in_order_and_may_fail(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    offsets: list[int] = []

    def report(error: QuekkaError | None, metadata: RecordMetadata | None) -> None:
        assert error is None
        assert metadata is not None
        offsets.append(metadata.offset)
        if metadata.offset == 1:
            raise ZeroDivisionError("in a callback")

    with caplog.at_level(logging.ERROR), Producer(broker.address) as producer:
        for _ in range(4):
            producer.send("logs", b"v", on_delivery=report)
    assert offsets == [0, 1, 2, 3]
    assert "in a callback" in caplog.text


def test_callbacks_may_send_but_not_flush_or_close(broker: Broker) -> None:
    refused: list[str] = []

    with Producer(broker.address) as producer:

        def report(error: QuekkaError | None, metadata: RecordMetadata | None) -> None:
            producer.send("logs", b"from a callback")
            for call in (producer.flush, producer.close):
                try:
                    call()
                except IllegalStateError as error_in_call:
                    refused.append(error_in_call.message)

        producer.send("logs", b"v", on_delivery=report).result(WAIT_S)
        producer.flush()
    assert [record.value for record in read_all(broker, "logs")] == [b"v", b"from a callback"]
    assert len(refused) == 2


def test_close_delivers_what_lingers_and_may_be_called_again(broker: Broker) -> None:
    producer = Producer(broker.address, linger_ms=100_000)
    future = producer.send("logs", b"v")
    producer.close()
    assert future.result(0).offset == 0
    producer.close()
    with pytest.raises(IllegalStateError, match="closed"):
        producer.send("logs", b"v")
    with pytest.raises(IllegalStateError, match="closed"):
        producer.send("other", b"v")


def test_close_with_a_time_limit_breaks_the_promises_that_are_left(fake_server: Start) -> None:
    asked, may_end = threading.Event(), threading.Event()

    def answer(request: FakeRequest) -> bytes:
        if request.command == "INFO":
            return b"+OK partitions=1\r\n"
        asked.set()
        may_end.wait(WAIT_S)
        raise HangUp

    server = fake_server(answer)
    producer = Producer(server.address)
    first = producer.send("logs", b"v")
    assert asked.wait(WAIT_S)
    second = producer.send("logs", b"v")
    producer.close(timeout_s=0)
    may_end.set()
    assert isinstance(first.exception(0), NetworkError | IllegalStateError)
    assert isinstance(second.exception(0), IllegalStateError)


def test_threads_may_share_a_producer(broker: Broker) -> None:
    with Admin(broker.address) as admin:
        admin.create_topic("logs", partitions=3)
    with Producer(broker.address, batch_size_bytes=2000, buffer_memory_bytes=20_000) as producer:

        def send(name: int) -> None:
            for number in range(500):
                producer.send("logs", b"%d:%d" % (name, number), key=b"%d" % name)

        threads = [threading.Thread(target=send, args=(name,)) for name in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    values = [record.value for record in read_all(broker, "logs")]
    for name in range(6):
        own = [value for value in values if value.startswith(b"%d:" % name)]
        assert own == [b"%d:%d" % (name, number) for number in range(500)]
