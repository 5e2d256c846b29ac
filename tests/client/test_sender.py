import logging
import threading
from collections.abc import Callable

import pytest
from fake_server import WAIT_S, Answer, FakeRequest, FakeServer, HangUp, script

from quekka.client.accumulator import Accumulator
from quekka.client.addresses import parse_addresses
from quekka.client.backoff import Backoff
from quekka.client.connection import Connection
from quekka.client.delivery_future import DeliveryFuture
from quekka.client.partition_queue import TopicQueues
from quekka.client.sender import Sender
from quekka.clock import SYSTEM_CLOCK
from quekka.errors import (
    CorruptMessageError,
    IllegalStateError,
    KafkaStorageError,
    MessageTooLargeError,
    NetworkError,
    RequestTimedOutError,
    UnknownServerError,
    UnknownTopicOrPartitionError,
)
from quekka.formats.record_batch import iter_batches, iter_records

Start = Callable[[Answer], FakeServer]
STORED = b"+OK 0 0\r\n"


class Rig:
    """An accumulator, a sender and its connection; `run` sends what was appended and ends."""

    def __init__(
        self,
        address: str,
        *,
        acks: str = "all",
        retries: int = 1000,
        delivery_timeout_ms: float = 60_000,
        partitions: int = 1,
    ) -> None:
        self.accumulator = Accumulator(
            batch_size_bytes=1 << 20,
            linger_ms=0,
            memory_bytes=1 << 30,
            max_block_ms=0,
            delivery_timeout_ms=delivery_timeout_ms,
            clock=SYSTEM_CLOCK,
        )
        self.topic: TopicQueues = self.accumulator.topic_queues("logs", partitions, refresh_at_ms=0, sticky=0)
        self.forgotten: list[str] = []
        backoff = Backoff(SYSTEM_CLOCK, initial_ms=1, maximum_ms=1)
        self.sender = Sender(
            self.accumulator,
            Connection(parse_addresses(address), backoff=backoff),
            acks=acks,
            codec=0,
            retries=retries,
            retry_backoff_ms=1,
            on_unknown_topic=self.forgotten.append,
            clock=SYSTEM_CLOCK,
        )

    def append(self, value: bytes, partition: int = 0) -> DeliveryFuture:
        return self.accumulator.append(self.topic, partition, None, value, (), 1000)

    def run(self) -> None:
        self.accumulator.close()
        self.sender.run()


def values(request: FakeRequest) -> list[bytes | None]:
    payload = request.payload
    return [
        record.value for position, _ in iter_batches(payload) for record in iter_records(payload, position)
    ]


def test_a_batch_is_sent_with_append_and_its_offsets_come_back(fake_server: Start) -> None:
    server = fake_server(script(b"+OK 17 0\r\n"))
    rig = Rig(server.address)
    futures = [rig.append(b"a"), rig.append(b"b")]
    rig.run()
    assert [future.result().offset for future in futures] == [17, 18]
    (request,) = server.requests
    assert request.words == ["APPEND", "logs", "0", str(len(request.payload)), "acks=all"]
    assert values(request) == [b"a", b"b"]


def test_batches_of_partitions_are_pipelined(fake_server: Start) -> None:
    def answer(request: FakeRequest) -> bytes:
        return b"" if request.words[2] != "2" else b"+OK 10 0\r\n+OK 11 1\r\n+OK 12 2\r\n"

    rig = Rig(fake_server(answer).address, partitions=3)
    futures = [rig.append(b"a", partition) for partition in range(3)]
    rig.run()
    assert [future.result().offset for future in futures] == [10, 11, 12]


def test_acks_0_waits_for_no_reply(fake_server: Start) -> None:
    server = fake_server(lambda request: b"")
    rig = Rig(server.address, acks="0")
    future = rig.append(b"a")
    rig.run()
    assert future.result().offset == -1
    server.wait_for(lambda: len(server.requests) == 1)
    assert server.requests[0].words[-1] == "acks=0"


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(HangUp(), id="dropped"),
        pytest.param(HangUp(b"+OK 1"), id="half-a-reply"),
        pytest.param(b"-ERR KAFKA_STORAGE_ERROR no space\r\n", id="no-space"),
        pytest.param(b"-ERR SHUTTING_DOWN bye\r\n", id="shutting-down"),
        pytest.param(b"-ERR THROTTLING_QUOTA_EXCEEDED queue full\r\n", id="throttled"),
    ],
)
def test_what_may_pass_is_tried_again_with_the_same_bytes(
    fake_server: Start, trouble: bytes | Exception
) -> None:
    server = fake_server(script(trouble, trouble, b"+OK 5 0\r\n"))
    rig = Rig(server.address)
    future = rig.append(b"a")
    rig.run()
    assert future.result().offset == 5
    assert len({request.payload for request in server.requests}) == 1
    assert len(server.requests) == 3


def test_a_retry_keeps_the_order_of_its_partition(fake_server: Start) -> None:
    stored: list[bytes | None] = []
    calls = iter(range(100))

    def answer(request: FakeRequest) -> bytes:
        if next(calls) % 2 == 0:
            raise HangUp
        stored.extend(values(request))
        return STORED

    rig = Rig(fake_server(answer).address)
    sending = threading.Thread(target=rig.sender.run)
    sending.start()
    futures = [rig.append(b"%d" % number) for number in range(300)]
    rig.accumulator.close()
    sending.join(WAIT_S)
    assert all(future.done() for future in futures)
    assert stored == [b"%d" % number for number in range(300)]


def test_only_the_batches_without_a_reply_are_sent_again(fake_server: Start) -> None:
    def answer(request: FakeRequest) -> bytes:
        if request.connection == 1 and request.words[2] == "1":
            raise HangUp
        return STORED

    server = fake_server(answer)
    rig = Rig(server.address, partitions=3)
    for partition in range(3):
        rig.append(b"a", partition)
    rig.run()
    sent = [(request.connection, request.words[2]) for request in server.requests]
    assert [partition for connection, partition in sent if connection == 2] == ["1", "2"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(b"-ERR CORRUPT_MESSAGE bad CRC\r\n", CorruptMessageError, id="corrupt"),
        pytest.param(b"-ERR MESSAGE_TOO_LARGE 9 bytes\r\n", MessageTooLargeError, id="too-large"),
        pytest.param(b"+WHAT\r\n", UnknownServerError, id="no-reply-at-all"),
        pytest.param(b"+OK soon\r\n", UnknownServerError, id="no-offset"),
    ],
)
def test_what_will_not_pass_fails_the_batch_and_not_the_next(
    fake_server: Start, reply: bytes, error: type[Exception]
) -> None:
    server = fake_server(script(reply, STORED))
    rig = Rig(server.address)
    first = rig.append(b"a")
    sending = threading.Thread(target=rig.sender.run)
    sending.start()
    with pytest.raises(error):
        first.result(WAIT_S)
    second = rig.append(b"b")
    rig.accumulator.close()
    sending.join(WAIT_S)
    assert second.result(0).offset == 0


def test_a_batch_that_is_too_large_is_split_until_it_fits(fake_server: Start) -> None:
    stored: list[bytes | None] = []

    def answer(request: FakeRequest) -> bytes:
        if len(values(request)) > 2:
            return b"-ERR MESSAGE_TOO_LARGE more than 2\r\n"
        stored.extend(values(request))
        return b"+OK %d 0\r\n" % (len(stored) - len(values(request)))

    rig = Rig(fake_server(answer).address)
    futures = [rig.append(b"%d" % number) for number in range(7)]
    rig.run()
    assert stored == [b"%d" % number for number in range(7)]
    assert [future.result().offset for future in futures] == list(range(7))


def test_the_one_record_that_is_too_large_fails_alone(fake_server: Start) -> None:
    def answer(request: FakeRequest) -> bytes:
        return b"-ERR RECORD_LIST_TOO_LARGE big\r\n" if b"big" in values(request) else STORED

    rig = Rig(fake_server(answer).address)
    futures = [rig.append(value) for value in (b"a", b"b", b"big", b"c")]
    rig.run()
    assert [future.exception() is None for future in futures] == [True, True, False, True]


def test_retries_have_an_end(fake_server: Start) -> None:
    server = fake_server(lambda request: b"-ERR KAFKA_STORAGE_ERROR no space\r\n")
    rig = Rig(server.address, retries=2)
    future = rig.append(b"a")
    rig.run()
    with pytest.raises(KafkaStorageError, match="no space"):
        future.result()
    assert len(server.requests) == 3


def test_after_the_delivery_time_the_last_reason_is_told(closed_address: str) -> None:
    rig = Rig(closed_address, delivery_timeout_ms=1)
    future = rig.append(b"a")
    rig.run()
    with pytest.raises(
        RequestTimedOutError, match=r"logs/0: 1 records were not delivered in time, in \d+ attempt"
    ):
        future.result()


def test_without_retries_trouble_is_told_at_once(closed_address: str) -> None:
    rig = Rig(closed_address, retries=0)
    future = rig.append(b"a")
    rig.run()
    with pytest.raises(NetworkError, match=closed_address):
        future.result()


def test_an_unknown_partition_makes_the_producer_ask_again(fake_server: Start) -> None:
    rig = Rig(fake_server(script(b"-ERR UNKNOWN_TOPIC_OR_PARTITION logs/0\r\n")).address, retries=0)
    future = rig.append(b"a")
    rig.run()
    assert rig.forgotten == ["logs"]
    with pytest.raises(UnknownTopicOrPartitionError):
        future.result()


def test_giving_up_breaks_all_promises_and_ends(fake_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    reached = threading.Event()
    ended = threading.Event()

    def answer(request: FakeRequest) -> bytes:
        reached.set()
        ended.wait(WAIT_S)
        return STORED

    rig = Rig(fake_server(answer).address, partitions=2)
    on_its_way = rig.append(b"a")
    with caplog.at_level(logging.CRITICAL):
        sending = threading.Thread(target=rig.sender.run)
        sending.start()
        assert reached.wait(WAIT_S)
        waiting = rig.append(b"b")
        rig.sender.give_up()
        sending.join(WAIT_S)
        ended.set()
    assert isinstance(on_its_way.exception(0), NetworkError | IllegalStateError)
    assert isinstance(waiting.exception(0), IllegalStateError)


def test_a_fault_in_the_sender_leaves_no_promise_open(
    fake_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(fake_server(script()).address)
    future = rig.append(b"a")
    monkeypatch.setattr(rig.sender, "_exchange", lambda batches: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rig.run()
    with pytest.raises(IllegalStateError):
        future.result(0)
