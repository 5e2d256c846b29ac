"""Fetch sessions (KIP-227) over a connection: what requests and responses may leave out."""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from broker_helpers import publish
from kafka_wire import KafkaWire

from quekka.embedded import Broker
from quekka.formats.record_batch import iter_batches, iter_records
from quekka.protocols.kafka.api_01_fetch import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ForgottenTopic,
    PartitionData,
)
from quekka.servers.kafka_handlers import api_01_fetch

FETCH = 1
LONG_MS = 30_000
"""Only a hang takes this long."""
NOT_FOUND = 70
INVALID_EPOCH = 71

OpenWire = Callable[..., KafkaWire]
StartBroker = Callable[..., Broker]


def at(offset: int, partition: int = 0, max_bytes: int = 1 << 20, epoch: int = -1) -> FetchPartition:
    return FetchPartition(partition, epoch, offset, partition_max_bytes=max_bytes)


def values(data: PartitionData) -> list[bytes | None]:
    records = bytes(data.records or b"")
    return [
        record.value for position, _ in iter_batches(records) for record in iter_records(records, position)
    ]


class Consumer:
    """A client with one session: `begin`, then `fetch` with the next epoch each time."""

    def __init__(self, wire: KafkaWire, version: int = 12) -> None:
        self.wire = wire
        self.version = version
        self.session_id = 0
        self.epoch = 0

    def request(
        self,
        *partitions: FetchPartition,
        topic: str = "orders",
        forgotten: Sequence[int] = (),
        max_wait_ms: int = 0,
        **more: Any,
    ) -> FetchRequest:
        return FetchRequest(
            min_bytes=more.pop("min_bytes", 1),
            max_wait_ms=max_wait_ms,
            session_id=self.session_id,
            session_epoch=self.epoch,
            topics=[FetchTopic(topic, partitions)] if partitions else (),
            forgotten_topics_data=[ForgottenTopic(topic, forgotten)] if forgotten else (),
            **more,
        )

    def begin(self, *partitions: FetchPartition, **more: Any) -> Any:
        response = self.ask(self.request(*partitions, **more))
        self.session_id = response.session_id
        return response

    def fetch(self, *partitions: FetchPartition, **more: Any) -> Any:
        return self.ask(self.request(*partitions, **more))

    def send(self, *partitions: FetchPartition, **more: Any) -> None:
        self.wire.send(FETCH, self.version, self.request(*partitions, **more))
        self.epoch += 1

    def ask(self, request: FetchRequest) -> Any:
        response = self.wire.ask(FETCH, self.version, request)
        self.epoch += 1
        return response


def told(response: Any) -> dict[tuple[str, int], PartitionData]:
    """The partitions of a response, in its order."""
    assert response.error_code == 0
    topics = response.responses
    return {(each.topic, data.partition_index): data for each in topics for data in each.partitions}


def indexes(response: Any) -> list[int]:
    return [index for _, index in told(response)]


@pytest.fixture
def orders(broker: Broker) -> Broker:
    """The broker with a topic of three partitions: two records in 0, one in 1, none in 2."""
    broker.core.topics.create("orders", 3)
    publish(broker.core, "orders", b"0")
    publish(broker.core, "orders", b"1")
    publish(broker.core, "orders", b"other", partition=1)
    return broker


@pytest.fixture
def consumer(orders: Broker, wire: KafkaWire) -> Consumer:
    """One that has been told of all three partitions and is at the end of each."""
    consumer = Consumer(wire)
    assert indexes(consumer.begin(at(2), at(1, 1), at(0, 2))) == [0, 1, 2]
    return consumer


@pytest.mark.parametrize("version", range(7, 13))
def test_a_session_lets_requests_and_responses_leave_out_what_is_known(
    orders: Broker, wire: KafkaWire, version: int
) -> None:
    consumer = Consumer(wire, version)
    first = consumer.begin(at(0), at(1, 1), at(0, 2))
    assert first.session_id > 0
    assert [values(data) for data in told(first).values()] == [[b"0", b"1"], [], []]
    nothing = consumer.fetch(at(2))
    assert (told(nothing), nothing.session_id) == ({}, first.session_id)
    publish(orders.core, "orders", b"2", partition=2)
    assert {place: values(data) for place, data in told(consumer.fetch()).items()} == {("orders", 2): [b"2"]}


@pytest.mark.parametrize("version", range(4, 7))
def test_older_versions_have_no_sessions(orders: Broker, wire: KafkaWire, version: int) -> None:
    wire.ask(FETCH, version, FetchRequest(topics=[FetchTopic("orders", [at(0)])]))
    assert len(orders.core.fetch_sessions) == 0


@pytest.mark.parametrize("epoch", [0, -1])
def test_a_full_request_closes_the_session_it_names(orders: Broker, consumer: Consumer, epoch: int) -> None:
    old_id, consumer.epoch = consumer.session_id, epoch
    response = consumer.begin(at(2))
    assert indexes(response) == [0]
    assert (response.session_id != 0) == (epoch == 0)
    assert len(orders.core.fetch_sessions) == (1 if epoch == 0 else 0)
    consumer.session_id, consumer.epoch = old_id, 1
    assert consumer.fetch().error_code == NOT_FOUND


@pytest.mark.parametrize("epoch", [0, -1])
def test_a_full_request_may_name_a_session_that_is_not_there(
    orders: Broker, wire: KafkaWire, epoch: int
) -> None:
    consumer = Consumer(wire)
    consumer.session_id, consumer.epoch = 77, epoch
    assert indexes(consumer.begin(at(2))) == [0]


@pytest.mark.parametrize("epoch", [0, 2, -2, 2**31 - 1])
def test_only_the_epoch_that_comes_next_is_served(consumer: Consumer, epoch: int) -> None:
    consumer.epoch = epoch
    if epoch == 0:
        consumer.session_id = 0
        assert consumer.begin(at(2)).session_id
        return
    refused = consumer.fetch(at(0))
    assert (refused.error_code, refused.responses) == (INVALID_EPOCH, ())
    consumer.epoch = 1
    assert told(consumer.fetch()) == {}


@pytest.mark.parametrize("session_id", [0, 77, -1])
def test_a_session_that_is_not_there_is_not_found(orders: Broker, wire: KafkaWire, session_id: int) -> None:
    consumer = Consumer(wire)
    consumer.session_id, consumer.epoch = session_id, 1
    refused = consumer.fetch(at(0))
    assert (refused.error_code, refused.session_id, refused.responses) == (NOT_FOUND, 0, ())


def test_an_append_ends_the_wait_for_any_partition_of_the_session(orders: Broker, consumer: Consumer) -> None:
    for partition in (2, 0, 1):
        consumer.send(max_wait_ms=LONG_MS)
        publish(orders.core, "orders", b"late", partition=partition)
        response = consumer.wire.receive()
        (place,) = told(response)
        assert place == ("orders", partition)
        next_offset = told(response)[place].high_watermark
        assert told(consumer.fetch(at(next_offset, partition))) == {}


def test_the_wait_goes_on_until_min_bytes_are_there(orders: Broker, consumer: Consumer) -> None:
    consumer.send(max_wait_ms=LONG_MS, min_bytes=1000)
    publish(orders.core, "orders", b"small")
    publish(orders.core, "orders", b"other", partition=1)
    publish(orders.core, "orders", b"large" * 200)
    first, second = told(consumer.wire.receive()).values()
    assert (values(first), values(second)) == ([b"small", b"large" * 200], [b"other"])


def test_a_wait_that_ends_with_nothing_tells_of_nothing(consumer: Consumer) -> None:
    assert told(consumer.fetch(max_wait_ms=1)) == {}


def test_partitions_are_added_and_forgotten(orders: Broker, wire: KafkaWire) -> None:
    consumer = Consumer(wire)
    consumer.begin(at(2))
    assert indexes(consumer.fetch(at(0, 1), at(0, 2))) == [1, 2]
    assert indexes(consumer.fetch(forgotten=[1])) == []
    publish(orders.core, "orders", b"more", partition=1)
    assert indexes(consumer.fetch()) == []
    publish(orders.core, "orders", b"more", partition=2)
    assert indexes(consumer.fetch(at(1, 1))) == [2, 1]


def test_a_session_whose_last_partition_is_forgotten_is_closed(orders: Broker, consumer: Consumer) -> None:
    response = consumer.fetch(forgotten=[0, 1, 2])
    assert (told(response), response.session_id) == ({}, 0)
    assert len(orders.core.fetch_sessions) == 0
    assert consumer.fetch().error_code == NOT_FOUND


def test_records_are_told_again_until_the_client_asks_for_others(orders: Broker, consumer: Consumer) -> None:
    publish(orders.core, "orders", b"2")
    assert [values(data) for data in told(consumer.fetch()).values()] == [[b"2"]]
    assert [values(data) for data in told(consumer.fetch()).values()] == [[b"2"]]
    assert told(consumer.fetch(at(3))) == {}


def test_a_partition_that_gave_records_goes_behind_the_others(orders: Broker, wire: KafkaWire) -> None:
    for partition in (0, 1, 2):
        publish(orders.core, "orders", b"x" * 100, partition=partition)
    consumer = Consumer(wire)
    consumer.begin(at(0), at(0, 1), at(0, 2), max_bytes=1)
    served = []
    for _ in range(5):
        response = told(consumer.fetch(max_bytes=1))
        served += [place[1] for place, data in response.items() if values(data)]
    assert served == [0, 1, 2, 0, 1]


def test_a_new_high_watermark_without_records_is_told_once(orders: Broker, wire: KafkaWire) -> None:
    consumer = Consumer(wire)
    consumer.begin(at(0), at(0, 1), max_bytes=1)
    publish(orders.core, "orders", b"more", partition=1)
    (_, first), (place, second) = told(consumer.fetch(max_bytes=1)).items()
    assert (values(first), place, values(second), second.high_watermark) == ([b"0"], ("orders", 1), [], 2)
    assert indexes(consumer.fetch(at(2), at(2, 1))) == []


def test_a_new_log_start_offset_is_told_once(orders: Broker, consumer: Consumer) -> None:
    orders.core.topics.get("orders").partition(0).delete_records(2)
    (data,) = told(consumer.fetch()).values()
    assert (data.log_start_offset, values(data)) == (2, [])
    assert told(consumer.fetch()) == {}


def test_an_error_is_told_each_time_and_what_comes_after_it_too(orders: Broker, consumer: Consumer) -> None:
    assert [data.error_code for data in told(consumer.fetch(at(9))).values()] == [1]
    assert [data.error_code for data in told(consumer.fetch()).values()] == [1]
    (data,) = told(consumer.fetch(at(2))).values()
    assert (data.error_code, data.high_watermark, values(data)) == (0, 2, [])
    assert told(consumer.fetch()) == {}


@pytest.mark.parametrize(("epoch", "error_code"), [(1, 75), (-2, 74)], ids=["newer", "older"])
def test_a_leader_epoch_that_changes_is_checked_anew(
    consumer: Consumer, epoch: int, error_code: int
) -> None:
    (data,) = told(consumer.fetch(at(2, epoch=epoch))).values()
    assert data.error_code == error_code
    assert [data.error_code for data in told(consumer.fetch(at(2, epoch=0))).values()] == [0]


def test_a_topic_that_is_deleted_and_made_again_is_told_of_both(orders: Broker, consumer: Consumer) -> None:
    consumer.send(max_wait_ms=LONG_MS)
    orders.core.topics.delete("orders")
    assert {data.error_code for data in told(consumer.wire.receive()).values()} == {3}
    assert [data.error_code for data in told(consumer.fetch()).values()] == [3, 3, 3]
    orders.core.topics.create("orders", 3)
    there = told(consumer.fetch(at(0), at(0, 1)))
    assert [(data.error_code, data.high_watermark) for data in there.values()] == [(0, 0)] * 3
    consumer.send(max_wait_ms=LONG_MS)
    publish(orders.core, "orders", b"new")
    (data,) = told(consumer.wire.receive()).values()
    assert values(data) == [b"new"]


def test_the_session_of_another_connection_is_served(
    orders: Broker, consumer: Consumer, open_wire: OpenWire
) -> None:
    consumer.wire = open_wire(orders)
    publish(orders.core, "orders", b"2")
    assert indexes(consumer.fetch()) == [0]


def test_a_request_that_waits_is_outdated_by_the_next_of_its_session(
    orders: Broker, consumer: Consumer, open_wire: OpenWire
) -> None:
    consumer.send(max_wait_ms=LONG_MS)
    waiting, consumer.wire = consumer.wire, open_wire(orders)
    wait_until_used(orders, consumer)
    assert told(consumer.fetch()) == {}
    assert waiting.receive().error_code == INVALID_EPOCH


def test_a_request_that_waits_ends_with_its_session(
    orders: Broker, consumer: Consumer, open_wire: OpenWire
) -> None:
    consumer.send(max_wait_ms=LONG_MS)
    wait_until_used(orders, consumer)
    orders.core.fetch_sessions.remove(consumer.session_id)
    assert consumer.wire.receive().error_code == NOT_FOUND


def wait_until_used(broker: Broker, consumer: Consumer) -> None:
    """Return when the broker has begun with the request that was sent last."""
    session = broker.core.fetch_sessions.get(consumer.session_id)
    assert session is not None
    while session.epoch != consumer.epoch or not session.changed._waiters:
        threading.Event().wait(0.001)


def test_no_append_is_missed_by_a_consumer_that_waits(broker: Broker, wire: KafkaWire, seed: int) -> None:
    """It would wait for its whole time, and nothing would be sent meanwhile."""
    broker.core.topics.create("orders", 8)
    appends = [random.Random(seed).randrange(8) for _ in range(300)]

    def append_all() -> None:
        for index in appends:
            publish(broker.core, "orders", b"x", partition=index)

    consumer = Consumer(wire)
    consumer.begin(*(at(0, index) for index in range(8)))
    writer = threading.Thread(target=append_all)
    writer.start()
    ends = dict.fromkeys(range(8), 0)
    changed: list[FetchPartition] = []
    while sum(ends.values()) < len(appends):
        response = told(consumer.fetch(*changed, max_wait_ms=2 * LONG_MS))
        assert response
        news = {index: data.high_watermark for (_, index), data in response.items()}
        assert all(ends[index] + len(values(data)) == news[index] for (_, index), data in response.items())
        ends |= news
        changed = [at(end, index) for index, end in news.items()]
    writer.join()
    assert ends == {index: appends.count(index) for index in range(8)}


def test_a_full_cache_serves_a_further_consumer_without_a_session(
    start_broker: StartBroker, open_wire: OpenWire
) -> None:
    broker = start_broker({"max.incremental.fetch.session.cache.slots": "1"})
    publish(broker.core, "orders", b"0")
    served, further = Consumer(open_wire(broker)), Consumer(open_wire(broker))
    assert served.begin(at(0)).session_id
    for _ in range(2):
        assert further.begin(at(0)).session_id == 0
        further.epoch = 0
    assert told(served.fetch(at(1))) == {}


def test_no_session_is_made_where_there_are_no_slots(start_broker: StartBroker, open_wire: OpenWire) -> None:
    broker = start_broker({"max.incremental.fetch.session.cache.slots": "0"})
    publish(broker.core, "orders", b"0")
    response = Consumer(open_wire(broker)).begin(at(0))
    assert (response.session_id, [values(data) for data in told(response).values()]) == (0, [[b"0"]])


@pytest.mark.parametrize("epoch", [0, -1])
def test_of_a_partition_that_is_named_twice_the_last_naming_counts_in_the_place_of_the_first(
    orders: Broker, wire: KafkaWire, epoch: int
) -> None:
    consumer = Consumer(wire)
    consumer.epoch = epoch
    first, second = told(consumer.begin(at(0), at(0, 1), *[at(1)] * 1000)).values()
    assert (values(first), values(second)) == ([b"1"], [b"other"])
    assert orders.core.fetch_sessions.partitions_count == (2 if epoch == 0 else 0)


def test_what_a_request_named_twice_is_not_kept_while_it_waits(
    orders: Broker, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[FetchRequest] = []
    find = api_01_fetch._fetch_all

    def note(session: Any, request: FetchRequest, asked: Any) -> Any:
        kept.append(request)
        return find(session, request, asked)

    monkeypatch.setattr(api_01_fetch, "_fetch_all", note)
    wire.ask(FETCH, 12, FetchRequest(session_epoch=-1, topics=[FetchTopic("orders", [at(0)] * 9)]))
    assert [request.topics for request in kept] == [()]


def test_a_session_counts_what_it_sends_and_which_errors_it_tells(orders: Broker, consumer: Consumer) -> None:
    before = orders.core.metrics.snapshot()
    publish(orders.core, "orders", b"2", b"3")
    consumer.fetch(at(9, 1))
    after = orders.core.metrics.snapshot()
    assert after["records_out"] - before["records_out"] == 2
    assert after["errors"] - before["errors"] == 1


def summary(data: PartitionData) -> tuple[int, int, int]:
    return data.error_code, data.high_watermark, data.log_start_offset


class Model:
    """A client that follows one session, and asks for all partitions anew to see whether it knows all."""

    def __init__(self, broker: Broker, consumer: Consumer, full: KafkaWire, random_: random.Random) -> None:
        self.broker = broker
        self.consumer = consumer
        self.full = full
        self.random = random_
        self.offsets: dict[int, int] = {}
        self.known: dict[int, tuple[int, int, int]] = {}

    def change(self) -> None:
        """Something happens to the topic."""
        topic = self.broker.core.topics.get("orders")
        index = self.random.randrange(len(topic.partitions))
        match self.random.randrange(12):
            case 0:
                self.broker.core.topics.delete("orders")
                self.broker.core.topics.create("orders", len(topic.partitions))
            case 1 | 2:
                end = topic.partition(index).view().log_end_offset
                topic.partition(index).delete_records(self.random.randint(0, end))
            case _:
                publish(self.broker.core, "orders", b"x" * self.random.randint(1, 300), partition=index)

    def fetch(self, *wanted: FetchPartition, forgotten: Sequence[int] = ()) -> None:
        max_bytes = self.random.choice([1, 500, 1 << 20])
        fetch = self.consumer.fetch if self.consumer.session_id else self.consumer.begin
        response = told(fetch(*wanted, forgotten=forgotten, max_bytes=max_bytes))
        self.known |= {index: summary(data) for (_, index), data in response.items()}
        for (_, index), data in response.items():
            if values(data):
                self.random.choice([self.follow, self.stay])(index, data)

    def follow(self, index: int, data: PartitionData) -> None:
        """Go on behind the records, with the next request."""
        (*_, last) = (header.next_offset for _, header in iter_batches(bytes(data.records or b"")))
        self.offsets[index] = last
        self.fetch(at(last, index))

    def stay(self, _index: int, _data: PartitionData) -> None:
        """Have the records told again."""

    def check(self) -> None:
        """The client knows what a full request is told, and no records were kept from it."""
        places = [at(offset, index) for index, offset in self.offsets.items()]
        request = FetchRequest(max_bytes=1 << 20, session_epoch=-1, topics=[FetchTopic("orders", places)])
        truth = {index: data for (_, index), data in told(self.full.ask(FETCH, 12, request)).items()}
        assert self.known == {index: summary(data) for index, data in truth.items()}
        for data in truth.values():
            assert values(data) == [] or data.partition_index in self.has_records()

    def has_records(self) -> set[int]:
        response = told(self.consumer.fetch(max_bytes=1 << 20))
        return {index for (_, index), data in response.items() if values(data)}


def test_a_client_of_a_session_knows_what_it_would_be_told_without(
    broker: Broker, open_wire: OpenWire, seed: int
) -> None:
    broker.core.topics.create("orders", 6)
    model = Model(broker, Consumer(open_wire(broker)), open_wire(broker), random.Random(seed))
    model.offsets = dict.fromkeys(range(4), 0)
    model.fetch(*(at(0, index) for index in model.offsets))
    for _ in range(150):
        for _ in range(model.random.randrange(4)):
            model.change()
        index, offset = model.random.randrange(6), model.random.randrange(4)
        match model.random.randrange(4):
            case 0 if index in model.offsets and len(model.offsets) > 1:
                del model.offsets[index]
                model.known.pop(index, None)
                model.fetch(forgotten=[index])
            case 1:
                model.offsets[index] = offset
                model.fetch(at(offset, index))
            case _:
                model.fetch()
        model.check()
