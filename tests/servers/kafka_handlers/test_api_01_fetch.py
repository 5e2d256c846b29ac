"""Fetch: batches as they lie in the log, at least one, waited for, within the sizes that were asked for."""

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from broker_helpers import publish
from kafka_wire import KafkaWire

from quekka.broker.caller import Caller
from quekka.embedded import Broker
from quekka.errors import CorruptMessageError, KafkaStorageError
from quekka.formats.record_batch import iter_batches, iter_records
from quekka.protocols.kafka.api_01_fetch import FetchPartition, FetchRequest, FetchTopic, PartitionData
from quekka.servers.kafka_handlers import api_01_fetch
from quekka.servers.kafka_session import KafkaSession
from quekka.storage.log_slice import LogSlice
from quekka.storage.log_view import LogView

FETCH = 1
VERSIONS = [*range(4, 13)]
LONG_MS = 30_000
"""Only a hang takes this long."""


def request_of(
    *partitions: FetchPartition, topic: str = "orders", min_bytes: int = 1, max_wait_ms: int = 0, **more: Any
) -> FetchRequest:
    return FetchRequest(
        min_bytes=min_bytes, max_wait_ms=max_wait_ms, topics=[FetchTopic(topic, partitions)], **more
    )


def at(
    offset: int, partition: int = 0, max_bytes: int = 1 << 20, epoch: int = -1, last_epoch: int = -1
) -> FetchPartition:
    return FetchPartition(
        partition, epoch, offset, partition_max_bytes=max_bytes, last_fetched_epoch=last_epoch
    )


def partitions_of(response: Any) -> Sequence[PartitionData]:
    (topic,) = response.responses
    return topic.partitions


def values(data: PartitionData, offset: int = 0) -> list[bytes | None]:
    records = bytes(data.records or b"")
    return [
        record.value
        for position, _ in iter_batches(records)
        for record in iter_records(records, position, from_offset=offset)
    ]


@pytest.fixture
def orders(broker: Broker) -> Broker:
    """The broker with a topic of two partitions: three batches of two records in 0, one of one in 1."""
    broker.core.topics.create("orders", 2)
    for number in range(0, 6, 2):
        publish(broker.core, "orders", b"%d" % number, b"%d" % (number + 1))
    publish(broker.core, "orders", b"other", partition=1)
    return broker


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_gets_the_records_from_the_batch_that_holds_the_offset(
    orders: Broker, wire: KafkaWire, version: int
) -> None:
    response = wire.ask(FETCH, version, request_of(at(3), at(0, 1)))
    first, second = partitions_of(response)
    assert (response.error_code, response.session_id) == (0, 0)
    assert (first.partition_index, first.error_code, first.high_watermark) == (0, 0, 6)
    assert first.last_stable_offset == 6
    assert first.log_start_offset == (0 if version >= 5 else -1)
    assert values(first) == [b"2", b"3", b"4", b"5"]
    assert values(second) == [b"other"]


def test_every_partition_asked_for_is_answered_even_without_records(orders: Broker, wire: KafkaWire) -> None:
    first, second = partitions_of(wire.ask(FETCH, 11, request_of(at(6), at(0, 1))))
    assert (first.error_code, values(first), first.high_watermark) == (0, [], 6)
    assert values(second) == [b"other"]


@pytest.mark.parametrize(
    ("isolation_level", "aborted"), [(0, None), (1, ())], ids=["read_uncommitted", "read_committed"]
)
def test_aborted_transactions_are_null_or_empty(
    orders: Broker, wire: KafkaWire, isolation_level: int, aborted: tuple[()] | None
) -> None:
    (data,) = partitions_of(wire.ask(FETCH, 11, request_of(at(0), isolation_level=isolation_level)))
    assert data.aborted_transactions == aborted


@pytest.mark.parametrize(
    ("asked", "error_code", "aborted"), [(at(0, 2), 3, ()), (at(7), 1, None)], ids=["unknown", "out_of_range"]
)
def test_of_an_unknown_partition_no_transactions_were_aborted(
    orders: Broker, wire: KafkaWire, asked: FetchPartition, error_code: int, aborted: tuple[()] | None
) -> None:
    (data,) = partitions_of(wire.ask(FETCH, 11, request_of(asked)))
    assert (data.error_code, data.aborted_transactions) == (error_code, aborted)


ERRORS = {
    "after_the_end": (at(7), 1),
    "before_the_start": (at(-1), 1),
    "no_such_partition": (at(0, 2), 3),
    "newer_epoch": (at(0, epoch=1), 75),
    "older_epoch": (at(0, epoch=-2), 74),
    "present_epoch": (at(0, epoch=0), 0),
    "last_of_a_newer_epoch": (at(0, last_epoch=1), 1),
    "last_of_the_present_epoch": (at(0, last_epoch=0), 0),
}


@pytest.mark.parametrize(("asked", "error_code"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_told_at_once(
    orders: Broker, wire: KafkaWire, asked: FetchPartition, error_code: int
) -> None:
    request = request_of(asked, at(1, 1), min_bytes=1 << 20 if error_code else 1, max_wait_ms=LONG_MS)
    first, second = partitions_of(wire.ask(FETCH, 12, request))
    assert (first.error_code, second.error_code) == (error_code, 0)
    assert first.high_watermark == (-1 if error_code else 6)


def test_an_unknown_topic_is_told_at_once(orders: Broker, wire: KafkaWire) -> None:
    request = request_of(at(0), topic="nowhere", max_wait_ms=LONG_MS)
    (data,) = partitions_of(wire.ask(FETCH, 12, request))
    assert data.error_code == 3


def test_the_first_batch_is_whole_however_little_was_asked_for(orders: Broker, wire: KafkaWire) -> None:
    request = request_of(at(0, max_bytes=1), at(0, 1, max_bytes=1), max_bytes=1)
    first, second = partitions_of(wire.ask(FETCH, 11, request))
    assert values(first) == [b"0", b"1"]
    assert values(second) == []


def test_the_first_partition_with_records_has_the_first_batch(orders: Broker, wire: KafkaWire) -> None:
    request = request_of(at(6, max_bytes=1), at(0, 1, max_bytes=1), max_bytes=1)
    first, second = partitions_of(wire.ask(FETCH, 11, request))
    assert (values(first), values(second)) == ([], [b"other"])


def test_a_partition_gives_no_more_than_its_own_limit(orders: Broker, wire: KafkaWire) -> None:
    size = len(values_bytes(wire, 0))
    (data,) = partitions_of(wire.ask(FETCH, 11, request_of(at(0, max_bytes=size - 1))))
    assert values(data) == [b"0", b"1", b"2", b"3"]


def test_max_bytes_bounds_all_partitions_together(orders: Broker, wire: KafkaWire) -> None:
    size = len(values_bytes(wire, 0))
    first, second = partitions_of(wire.ask(FETCH, 11, request_of(at(0), at(0, 1), max_bytes=size + 10)))
    assert len(bytes(first.records)) == size
    assert values(second) == []


def values_bytes(wire: KafkaWire, partition: int) -> bytes:
    (data,) = partitions_of(wire.ask(FETCH, 11, request_of(at(0, partition))))
    return bytes(data.records)


def test_an_append_ends_the_wait(orders: Broker, wire: KafkaWire) -> None:
    wire.send(FETCH, 11, request_of(at(6), at(1, 1), max_wait_ms=LONG_MS))
    publish(orders.core, "orders", b"late", partition=1)
    first, second = partitions_of(wire.receive())
    assert (values(first), values(second)) == ([], [b"late"])


def test_the_wait_goes_on_until_min_bytes_are_there(orders: Broker, wire: KafkaWire) -> None:
    wire.send(FETCH, 11, request_of(at(6), min_bytes=1000, max_wait_ms=LONG_MS))
    publish(orders.core, "orders", b"small")
    publish(orders.core, "orders", b"large" * 200)
    (data,) = partitions_of(wire.receive())
    assert values(data) == [b"small", b"large" * 200]


@pytest.mark.parametrize(("min_bytes", "max_wait_ms"), [(1, 1), (1, 0), (0, LONG_MS)])
def test_an_empty_response_comes_when_the_wait_is_over(
    orders: Broker, wire: KafkaWire, min_bytes: int, max_wait_ms: int
) -> None:
    request = request_of(at(6), min_bytes=min_bytes, max_wait_ms=max_wait_ms)
    (data,) = partitions_of(wire.ask(FETCH, 11, request))
    assert (data.error_code, values(data)) == (0, [])


def test_no_wait_is_longer_than_the_limit(
    orders: Broker, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_s: list[float | None] = []

    def note(*arguments: Any, caller: Caller) -> bool:
        waits_s.append(arguments[-1].remaining_s())
        return False

    monkeypatch.setattr(api_01_fetch, "sleep_until_data", note)
    wire.ask(FETCH, 11, request_of(at(6), max_wait_ms=2**31 - 1))
    (wait_s,) = waits_s
    assert wait_s is not None
    assert wait_s <= api_01_fetch.WAIT_MS_MAX / 1000


def test_a_log_that_cannot_be_read_while_waiting_is_the_error_of_its_partition(
    orders: Broker, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged, read = orders.core.topics.get("orders").partition(0), LogView.read

    def read_some(view: LogView, offset: int, max_bytes: int) -> LogSlice:
        if view is damaged.view():
            raise KafkaStorageError("no such file")
        return read(view, offset, max_bytes)

    monkeypatch.setattr(LogView, "read", read_some)
    response = wire.ask(FETCH, 11, request_of(at(0), at(0, 1), min_bytes=1_000_000, max_wait_ms=LONG_MS))
    assert response.error_code == 0
    first, second = partitions_of(response)
    assert (first.error_code, second.error_code) == (KafkaStorageError.number, 0)
    assert values(second) == [b"other"]


def test_a_request_for_nothing_is_answered_at_once(orders: Broker, wire: KafkaWire) -> None:
    response = wire.ask(FETCH, 11, FetchRequest(min_bytes=1, max_wait_ms=LONG_MS))
    assert (response.error_code, response.responses) == (0, ())


def test_deleting_the_topic_ends_the_wait(orders: Broker, wire: KafkaWire) -> None:
    wire.send(FETCH, 11, request_of(at(6), max_wait_ms=LONG_MS))
    orders.core.topics.delete("orders")
    (data,) = partitions_of(wire.receive())
    assert data.error_code == 3


def test_stopping_the_broker_ends_the_wait(orders: Broker, wire: KafkaWire) -> None:
    wire.send(FETCH, 11, request_of(at(6), max_wait_ms=LONG_MS))
    while not orders.core.topics.get("orders").partition(0).log_end._waiters:
        threading.Event().wait(0.001)
    stop = threading.Thread(target=orders.stop)
    stop.start()
    (data,) = partitions_of(wire.receive())
    stop.join()
    assert (data.error_code, values(data)) == (0, [])


def test_a_large_response_is_whole(orders: Broker, wire: KafkaWire) -> None:
    sent = [bytes([number]) * 700_000 for number in range(8)]
    for value in sent:
        publish(orders.core, "orders", value, partition=1)
    offset, got = 1, []
    while len(got) < len(sent):
        _, data = partitions_of(
            wire.ask(FETCH, 12, request_of(at(6), at(offset, 1, 1 << 26), max_bytes=1 << 26))
        )
        got += values(data)
        offset = 1 + len(got)
    assert got == sent


def test_log_start_offset_follows_deleted_records(
    orders: Broker, wire: KafkaWire, open_wire: Callable[..., KafkaWire]
) -> None:
    orders.core.topics.get("orders").partition(0).delete_records(4)
    gone, there = (partitions_of(wire.ask(FETCH, 11, request_of(at(offset))))[0] for offset in (3, 4))
    assert (gone.error_code, there.error_code, there.log_start_offset) == (1, 0, 4)
    assert values(there) == [b"4", b"5"]


def test_a_client_that_hangs_up_is_not_waited_for_but_still_answered(orders: Broker, wire: KafkaWire) -> None:
    for partition in (0, 1):
        wire.send(FETCH, 11, request_of(at(6 - 5 * partition, partition), max_wait_ms=10 * LONG_MS))
    wire.send(FETCH, 11, request_of(at(4), max_wait_ms=10 * LONG_MS))
    wire.socket.shutdown(socket.SHUT_WR)
    assert [values(partitions_of(wire.receive())[0]) for _ in range(3)] == [[], [], [b"4", b"5"]]
    assert wire.is_closed()


def test_requests_that_wait_behind_a_fetch_do_not_end_its_wait(orders: Broker, wire: KafkaWire) -> None:
    wire.send(FETCH, 11, request_of(at(6), max_wait_ms=LONG_MS))
    wire.send(FETCH, 11, request_of(at(4)))
    publish(orders.core, "orders", b"late")
    assert [values(partitions_of(wire.receive())[0])[-1] for _ in range(2)] == [b"late", b"late"]


@pytest.mark.parametrize("size_bytes", [1, 2 * api_01_fetch.SMALL_BYTES], ids=["small", "large"])
def test_memory_for_large_responses_is_given_back_before_a_wait_that_follows_no_large_one(
    orders: Broker, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    released: list[int] = []
    release = KafkaSession.release

    def note(session: KafkaSession) -> None:
        released.append(session.last_fetch_bytes)
        release(session)

    monkeypatch.setattr(KafkaSession, "release", note)
    publish(orders.core, "orders", b"x" * size_bytes, partition=1)
    wire.ask(FETCH, 11, request_of(at(1, 1)))
    wire.ask(FETCH, 11, request_of(at(2, 1), max_wait_ms=1))
    wire.ask(FETCH, 11, request_of(at(2, 1), max_wait_ms=1))
    assert len(released) == (2 if size_bytes == 1 else 1)


def test_records_are_counted_from_the_offset_asked_for(orders: Broker, wire: KafkaWire) -> None:
    def count(*partitions: FetchPartition) -> int:
        before = orders.core.metrics.snapshot()["records_out"]
        wire.ask(FETCH, 11, request_of(*partitions))
        return orders.core.metrics.snapshot()["records_out"] - before

    assert count(at(0)) == 6
    assert count(at(3), at(0, 1)) == 4
    assert count(at(0, max_bytes=1)) == 2
    assert count(at(6)) == 0


def test_damage_that_hides_a_batch_is_told_to_the_client_and_with_its_place_to_the_operator(
    orders: Broker, wire: KafkaWire, caplog: pytest.LogCaptureFixture
) -> None:
    partition = orders.core.topics.get("orders").partition(0)
    partition.log.writer.roll()
    partition.log.writer.publish()
    path = partition.view().sealed[0].path
    data = bytearray(path.read_bytes())
    position = [position for position, _ in iter_batches(data)][1]
    data[position + 16] = 9
    path.write_bytes(data)
    (hidden,) = partitions_of(wire.ask(FETCH, 11, request_of(at(2))))
    assert (hidden.error_code, bytes(hidden.records or b"")) == (CorruptMessageError.number, b"")
    where = f"topic orders partition 0 offset 2: {path}: no record batch at byte {position}"
    assert f"damage: {where}" in caplog.text
