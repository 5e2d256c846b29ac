import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import WAIT_S
from wire_client import WireClient

from quekka import Admin, Broker, Consumer, Producer
from quekka.client import ConsumerRecord, TopicPartition
from quekka.clock import ManualClock
from quekka.errors import (
    IllegalStateError,
    InvalidConfigError,
    InvalidGroupIdError,
    InvalidTopicError,
    NetworkError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)

LOG = TopicPartition("logs", 0)
Make = Callable[..., Consumer]


@pytest.fixture
def make(broker: Broker) -> Iterator[Make]:
    """Consumers from the earliest offset on, unless said otherwise; closed at the end."""
    made: list[Consumer] = []

    def make_consumer(*topics: str, **options: Any) -> Consumer:
        defaults: dict[str, Any] = {"servers": broker.address, "auto_offset_reset": "earliest"}
        made.append(Consumer(*topics, **(defaults | options)))
        return made[-1]

    yield make_consumer
    for consumer in made:
        consumer.close()


@pytest.fixture
def admin(broker: Broker) -> Iterator[Admin]:
    with Admin(broker.address) as connected:
        yield connected


def fill(
    broker: Broker, count: int = 10, *, first: int = 0, partition: int | None = 0, topic: str = "logs"
) -> None:
    """Records `b"<number>"` at 1000 + number ms, a few in each batch."""
    with Producer(broker.address, batch_size_bytes=150) as producer:
        for number in range(first, first + count):
            producer.send(topic, b"%d" % number, partition=partition, timestamp_ms=1000 + number)


def numbers(records: list[ConsumerRecord]) -> list[int]:
    return [int(record.value) for record in records]


def take(consumer: Consumer, count: int) -> list[ConsumerRecord]:
    """Poll until `count` records are there; more would be too many."""
    found: list[ConsumerRecord] = []
    while len(found) < count:
        for records in consumer.poll(timeout_ms=WAIT_S * 1000).values():
            found += records
    assert len(found) == count
    return found


def test_the_example_of_the_documentation_works(broker: Broker) -> None:
    with Producer(broker.address) as producer:
        producer.send("logs", b"hello", key=b"user-42", headers=[("trace", b"1")], timestamp_ms=1000)
    with Consumer(
        "logs", servers=broker.address, group_id="readers", auto_offset_reset="earliest"
    ) as consumer:
        record = next(iter(consumer))
    assert record == ConsumerRecord("logs", 0, 0, 1000, b"user-42", b"hello", (("trace", b"1"),))


@pytest.mark.parametrize("group_id", [None, "g"], ids=["alone", "in-a-group"])
def test_all_records_of_all_partitions_are_read_in_order(
    broker: Broker, admin: Admin, make: Make, group_id: str | None
) -> None:
    admin.create_topic("logs", partitions=3)
    fill(broker, 300, partition=None)
    records = take(make("logs", group_id=group_id), 300)
    assert sorted(numbers(records)) == list(range(300))
    for partition in range(3):
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == list(range(len(offsets)))


def test_records_are_delivered_as_they_are_published(broker: Broker, make: Make) -> None:
    fill(broker, 1)
    consumer = make("logs")
    take(consumer, 1)
    with Producer(broker.address, linger_ms=0) as producer:
        for number in range(5):
            producer.send("logs", b"%d" % number)
            assert numbers(take(consumer, 1)) == [number]


def test_poll_gives_at_most_what_was_asked_for(broker: Broker, make: Make) -> None:
    fill(broker, 20)
    consumer = make("logs", max_poll_records=7)
    assert len(consumer.poll(None)[LOG]) == 7
    assert numbers(consumer.poll(None, max_records=2)[LOG]) == [7, 8]
    assert consumer.position(LOG) == 9


def test_poll_without_time_answers_with_nothing_when_there_is_nothing(broker: Broker, make: Make) -> None:
    fill(broker, 1)
    consumer = make("logs", auto_offset_reset="latest")
    assert consumer.poll() == {}
    assert consumer.poll(timeout_ms=1) == {}


def test_latest_is_the_default_and_reads_only_what_comes_later(broker: Broker) -> None:
    fill(broker, 5)
    with Consumer("logs", servers=broker.address) as consumer:
        consumer.poll()
        fill(broker, 1, first=5)
        assert numbers(take(consumer, 1)) == [5]


def test_an_iteration_ends_after_consumer_timeout_ms_and_goes_on_later(broker: Broker, make: Make) -> None:
    fill(broker, 5)
    consumer = make("logs", consumer_timeout_ms=200)
    assert numbers(list(consumer)) == [0, 1, 2, 3, 4]
    fill(broker, 2, first=5)
    assert numbers(list(consumer)) == [5, 6]


def test_iteration_and_poll_may_be_mixed_without_losing_a_record(broker: Broker, make: Make) -> None:
    fill(broker, 10)
    consumer = make("logs")
    found = [next(consumer), next(consumer)]
    found += consumer.poll(None, max_records=3)[LOG]
    for record in consumer:
        found.append(record)
        if len(found) == 7:
            break
    found += take(consumer, 3)
    assert numbers(found) == list(range(10))


def test_a_position_is_that_of_the_next_record_also_inside_an_iteration(broker: Broker, make: Make) -> None:
    fill(broker, 10)
    consumer = make("logs", group_id="g", enable_auto_commit=False)
    for record in consumer:
        assert consumer.position(LOG) == record.offset + 1
        if record.offset == 4:
            consumer.commit()
            break
    assert consumer.committed(LOG) == 5


def test_a_seek_inside_an_iteration_takes_effect_at_once(broker: Broker, make: Make) -> None:
    fill(broker, 10)
    consumer = make("logs")
    found = []
    for record in consumer:
        found.append(record)
        if len(found) == 3:
            consumer.seek(LOG, 8)
        if record.offset == 9:
            break
    assert numbers(found) == [0, 1, 2, 8, 9]


def test_what_was_handed_out_is_committed_by_close(broker: Broker, make: Make) -> None:
    fill(broker, 10)
    first = make("logs", group_id="g")
    assert numbers(first.poll(None, max_records=4)[LOG]) == [0, 1, 2, 3]
    first.close()
    second = make("logs", group_id="g")
    assert numbers(take(second, 6)) == list(range(4, 10))


def test_without_auto_commit_a_group_goes_on_where_the_program_committed(broker: Broker, make: Make) -> None:
    fill(broker, 10)
    first = make("logs", group_id="g", enable_auto_commit=False)
    first.poll(None, max_records=4)
    first.commit()
    first.poll(None, max_records=2)
    first.commit({LOG: 5})
    assert first.committed(LOG) == 5
    first.poll(None, max_records=2)
    first.close()
    assert numbers(make("logs", group_id="g").poll(None)[LOG])[0] == 5


def test_positions_are_committed_from_time_to_time(
    broker: Broker, admin: Admin, make: Make, manual_clock: ManualClock
) -> None:
    fill(broker, 10)
    consumer = make("logs", group_id="g", auto_commit_interval_ms=5000, clock=manual_clock)
    consumer.poll(None, max_records=4)
    consumer.poll(None, max_records=2)
    assert admin.describe_group("g").partitions[0].committed == 0
    manual_clock.advance(5)
    consumer.poll(None, max_records=2)
    assert admin.describe_group("g").partitions[0].committed == 6, "not what this poll handed out"


def test_positions_are_committed_between_the_records_of_an_iteration(
    broker: Broker, admin: Admin, make: Make, manual_clock: ManualClock
) -> None:
    fill(broker, 10)
    consumer = make("logs", group_id="g", auto_commit_interval_ms=5000, clock=manual_clock)
    for _ in range(3):
        next(consumer)
    manual_clock.advance(5)
    next(consumer)
    assert admin.describe_group("g").partitions[0].committed == 3


def test_members_share_the_partitions_and_take_over_from_each_other(
    broker: Broker, admin: Admin, make: Make, manual_clock: ManualClock
) -> None:
    admin.create_topic("logs", partitions=4)
    events: list[tuple[str, int]] = []
    one = make(
        "logs",
        group_id="g",
        clock=manual_clock,
        on_assigned=lambda partitions: events.append(("assigned", len(partitions))),
        on_revoked=lambda partitions: events.append(("revoked", len(partitions))),
    )
    one.poll()
    assert len(one.assignment()) == 4
    other = make("logs", group_id="g", clock=manual_clock)
    other.poll()
    manual_clock.advance(1)
    one.poll()
    assert len(one.assignment()) == len(other.assignment()) == 2
    assert not one.assignment() & other.assignment()
    for partition in range(4):
        fill(broker, 5, partition=partition)
    assert len(take(one, 10)) + len(take(other, 10)) == 20
    other.close()
    manual_clock.advance(1)
    one.poll()
    assert len(one.assignment()) == 4
    for partition in range(4):
        fill(broker, 1, partition=partition, first=5)
    assert numbers(take(one, 4)) == [5, 5, 5, 5], "what the other had committed is not read again"
    assert events == [("assigned", 4), ("revoked", 2), ("assigned", 2)]


def test_a_member_that_dies_loses_nothing(
    broker: Broker, make: Make, text_client: WireClient, manual_clock: ManualClock
) -> None:
    fill(broker, 10)
    text_client.ask("SUBSCRIBE logs g")
    assert len(text_client.ask_messages("POLL logs g 4")) == 4
    consumer = make("logs", group_id="g", clock=manual_clock)
    consumer.poll()
    assert consumer.assignment() == set()
    text_client.ask("QUIT")
    found: list[ConsumerRecord] = []
    while len(found) < 10:
        manual_clock.advance(1)  # more than once, because the broker may still be closing the connection
        found += [record for records in consumer.poll().values() for record in records]
    assert numbers(found) == list(range(10))


def test_a_topic_that_comes_later_is_waited_for(
    broker: Broker, make: Make, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = make("logs", group_id="g", clock=manual_clock)
    with caplog.at_level(logging.WARNING):
        assert consumer.poll() == {}
    assert "topic logs does not exist; waiting" in caplog.text
    fill(broker, 3)
    manual_clock.advance(1)
    assert numbers(take(consumer, 3)) == [0, 1, 2]


def test_partitions_that_are_added_are_read(
    broker: Broker, admin: Admin, make: Make, manual_clock: ManualClock
) -> None:
    admin.create_topic("logs")
    alone, member = make("logs", clock=manual_clock), make("logs", group_id="g", clock=manual_clock)
    for consumer in (alone, member):
        consumer.poll()
    admin.create_partitions("logs", 2)
    fill(broker, 3, partition=1)
    manual_clock.advance(1)
    for consumer in (alone, member):
        assert numbers(take(consumer, 3)) == [0, 1, 2]


def test_assigned_partitions_are_read_from_what_the_group_committed(
    broker: Broker, admin: Admin, make: Make
) -> None:
    admin.create_topic("logs", partitions=2)
    fill(broker, 10)
    admin.alter_group_offsets("g", {LOG: 7})
    consumer = make(group_id="g")
    consumer.assign([LOG])
    assert consumer.assignment() == {LOG}
    assert numbers(take(consumer, 3)) == [7, 8, 9]
    consumer.commit()
    consumer.assign([TopicPartition("logs", 1), LOG])
    assert consumer.position(LOG) == 10
    consumer.assign([TopicPartition("logs", 1)])
    assert consumer.assignment() == {TopicPartition("logs", 1)}
    assert admin.describe_group("g", "logs").partitions[0].committed == 10


def test_seeks_go_to_offsets_ends_and_times(broker: Broker, admin: Admin, make: Make) -> None:
    fill(broker, 10)
    admin.delete_records("logs", 0, 2)
    consumer = make()
    consumer.assign([LOG])
    for seek, first in [
        (lambda: consumer.seek(LOG, 6), 6),
        (consumer.seek_to_beginning, 2),
        (lambda: consumer.seek_to_timestamp(1004, LOG), 4),
        (lambda: consumer.seek_to_beginning(LOG), 2),
        (lambda: consumer.seek_to_timestamp(0), 2),
    ]:
        seek()
        assert consumer.position(LOG) == first
        assert numbers(consumer.poll(None, max_records=1)[LOG]) == [first]
    consumer.seek_to_end()
    assert consumer.position(LOG) == 10
    fill(broker, 1, first=10)
    assert numbers(take(consumer, 1)) == [10]


def test_offsets_of_any_partition_can_be_asked_for(broker: Broker, admin: Admin, make: Make) -> None:
    fill(broker, 10)
    admin.delete_records("logs", 0, 2)
    consumer = make()
    assert consumer.beginning_offsets([LOG]) == {LOG: 2}
    assert consumer.end_offsets([LOG]) == {LOG: 10}
    assert consumer.offsets_for_times({LOG: 1005}) == {LOG: 5}
    assert consumer.offsets_for_times({LOG: 9999}) == {LOG: 10}
    with pytest.raises(UnknownTopicOrPartitionError):
        consumer.end_offsets([TopicPartition("nothing", 0)])


def test_a_paused_partition_gives_nothing_until_it_is_resumed(
    broker: Broker, admin: Admin, make: Make
) -> None:
    admin.create_topic("logs", partitions=2)
    other = TopicPartition("logs", 1)
    consumer = make("logs")
    consumer.poll()
    consumer.pause(LOG)
    assert consumer.paused() == {LOG}
    fill(broker, 5, partition=0)
    fill(broker, 5, partition=1)
    assert {record.partition for record in take(consumer, 5)} == {1}
    consumer.pause(other)
    consumer.resume(LOG)
    assert consumer.paused() == {other}
    assert {record.partition for record in take(consumer, 5)} == {0}


def test_what_was_fetched_before_a_pause_is_not_lost(broker: Broker, make: Make) -> None:
    fill(broker, 10)
    consumer = make("logs")
    assert numbers(consumer.poll(None, max_records=3)[LOG]) == [0, 1, 2]
    consumer.pause(LOG)
    assert consumer.poll(timeout_ms=1) == {}
    consumer.resume(LOG)
    assert numbers(take(consumer, 7)) == list(range(3, 10))


def test_a_pause_inside_an_iteration_takes_effect_at_once(broker: Broker, make: Make) -> None:
    fill(broker, 10)
    consumer = make("logs", consumer_timeout_ms=50)
    found = []
    for record in consumer:
        found.append(record)
        if len(found) == 3:
            consumer.pause(LOG)
    assert numbers(found) == [0, 1, 2]
    consumer.resume(LOG)
    assert numbers(list(consumer)) == list(range(3, 10))


@pytest.mark.parametrize(("reset", "expected"), [("earliest", 4), ("latest", 10)])
def test_a_position_that_retention_has_deleted_is_reset(
    broker: Broker, admin: Admin, make: Make, reset: str, expected: int
) -> None:
    fill(broker, 10)
    consumer = make(auto_offset_reset=reset)
    consumer.assign([LOG])
    consumer.seek(LOG, 1)
    admin.delete_records("logs", 0, 4)
    while consumer.position(LOG) == 1:
        consumer.poll(timeout_ms=10, max_records=1)
    assert consumer.position(LOG) in (expected, expected + 1)


@pytest.mark.parametrize("word", ["none", "error"])
def test_without_a_reset_a_lost_position_is_an_error(
    broker: Broker, admin: Admin, make: Make, word: str
) -> None:
    fill(broker, 10)
    admin.alter_group_offsets("g", {LOG: 1})
    admin.delete_records("logs", 0, 4)
    consumer = make("logs", group_id="g", auto_offset_reset=word)
    with pytest.raises(OffsetOutOfRangeError, match="logs/0"):
        consumer.poll(None)
    consumer.seek(LOG, 8)
    assert numbers(take(consumer, 2)) == [8, 9]


def test_without_a_reset_a_group_without_a_commit_is_an_error(broker: Broker, make: Make) -> None:
    fill(broker, 1)
    consumer = make(group_id="g", auto_offset_reset="none")
    with pytest.raises(OffsetOutOfRangeError, match="nothing is committed for logs/0"):
        consumer.assign([LOG])


def test_deserializers_are_applied(broker: Broker, make: Make) -> None:
    fill(broker, 3)
    consumer = make(
        "logs", key_deserializer=lambda key: "no key" if key is None else key, value_deserializer=int
    )
    assert [(record.key, record.value) for record in take(consumer, 3)] == [
        ("no key", 0),
        ("no key", 1),
        ("no key", 2),
    ]


def test_a_record_that_a_deserializer_refuses_can_be_passed(broker: Broker, make: Make) -> None:
    fill(broker, 5)

    def refuse_two(value: bytes | None) -> int:
        if value == b"2":
            raise ValueError("not two")
        return int(value or b"")

    consumer = make("logs", value_deserializer=refuse_two)
    found = [next(consumer).value, next(consumer).value]
    with pytest.raises(ValueError, match="not two"):
        next(consumer)
    assert consumer.position(LOG) == 2
    consumer.seek(LOG, 3)
    found += [record.value for record in take(consumer, 2)]
    assert found == [0, 1, 3, 4]


def test_a_restarted_broker_is_found_again_without_a_loss_or_a_repeat(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "group_id": "g",
        "auto_offset_reset": "earliest",
        "retry_backoff_ms": 1,
        "heartbeat_interval_ms": 10,
    }
    with Broker(tmp_path / "data") as first:
        listen = first.address
        fill(first, 5)
        consumer = Consumer("logs", servers=listen, **options)
        assert numbers(take(consumer, 5)) == [0, 1, 2, 3, 4]
    assert consumer.poll(timeout_ms=20) == {}
    with Broker(tmp_path / "data", listen) as second:
        fill(second, 5, first=5)
        assert numbers(take(consumer, 5)) == [5, 6, 7, 8, 9]
        consumer.close()


def test_close_while_the_broker_is_away_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Broker(tmp_path / "data") as broker:
        fill(broker, 5)
        consumer = Consumer("logs", servers=broker.address, group_id="g", auto_offset_reset="earliest")
        take(consumer, 5)
    with caplog.at_level(logging.WARNING):
        consumer.close()
    assert "leaving without a commit" in caplog.text


def test_a_broker_that_was_never_reached_is_an_error(closed_address: str) -> None:
    with (
        Consumer("logs", servers=closed_address) as consumer,
        pytest.raises(NetworkError, match=closed_address),
    ):
        consumer.poll(None)


@pytest.mark.parametrize("wait", [lambda consumer: consumer.poll(None), list], ids=["poll", "iteration"])
def test_close_wakes_a_thread_that_waits(broker: Broker, wait: Callable[[Consumer], object]) -> None:
    fill(broker, 1)
    in_use = threading.Event()
    consumer = Consumer("logs", servers=broker.address, on_assigned=lambda partitions: in_use.set())
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(wait(consumer)))
    thread.start()
    assert in_use.wait(WAIT_S)
    consumer.close()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert found in ([{}], [[]])


def test_a_second_thread_is_refused(broker: Broker) -> None:
    fill(broker, 1)
    in_use = threading.Event()
    consumer = Consumer("logs", servers=broker.address, on_assigned=lambda partitions: in_use.set())
    thread = threading.Thread(target=consumer.poll, args=(None,))
    thread.start()
    assert in_use.wait(WAIT_S)
    with pytest.raises(IllegalStateError, match="another thread"):
        consumer.poll()
    consumer.close()
    thread.join(WAIT_S)


def test_callbacks_may_seek(broker: Broker) -> None:
    fill(broker, 10)
    consumer = Consumer(servers=broker.address, auto_offset_reset="earliest")
    consumer.subscribe("logs", on_assigned=lambda partitions: consumer.seek(LOG, 8))
    assert numbers(take(consumer, 2)) == [8, 9]
    consumer.close()


def test_subscriptions_can_be_changed_and_ended(broker: Broker, admin: Admin, make: Make) -> None:
    for topic in ("logs", "events"):
        fill(broker, 3, topic=topic)
    consumer = make("logs", group_id="g")
    assert consumer.subscription() == {"logs"}
    take(consumer, 3)
    consumer.subscribe(["events"])
    assert {record.topic for record in take(consumer, 3)} == {"events"}
    assert consumer.assignment() == {TopicPartition("events", 0)}
    consumer.unsubscribe()
    assert (consumer.subscription(), consumer.assignment()) == (set(), set())
    assert admin.describe_group("g").members == ()
    consumer.assign([LOG])
    assert consumer.position(LOG) == 3, "what was handed out is committed by unsubscribe too"


def test_misuse_is_told(broker: Broker, make: Make) -> None:
    fill(broker, 1)
    consumer = make()
    with pytest.raises(IllegalStateError, match="nothing is subscribed"):
        consumer.poll()
    with pytest.raises(IllegalStateError, match="nothing is subscribed"):
        next(consumer)
    with pytest.raises(IllegalStateError, match="logs/0 is not assigned"):
        consumer.position(LOG)
    with pytest.raises(InvalidGroupIdError):
        consumer.committed(LOG)
    with pytest.raises(InvalidTopicError):
        consumer.subscribe(["a b"])
    consumer.subscribe(["logs"])
    with pytest.raises(IllegalStateError, match="unsubscribe first"):
        consumer.assign([LOG])
    consumer.unsubscribe()
    consumer.assign([LOG])
    with pytest.raises(IllegalStateError, match="unsubscribe first"):
        consumer.subscribe(["logs"])
    with pytest.raises(InvalidConfigError, match="offset=-1"):
        consumer.seek(LOG, -1)
    with pytest.raises(InvalidGroupIdError):
        consumer.commit({LOG: 1})
    consumer.close()
    consumer.close()
    with pytest.raises(IllegalStateError, match="closed"):
        consumer.poll()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"auto_offset_reset": "first"}, "auto_offset_reset=first"),
        ({"max_poll_records": 0}, "max_poll_records=0"),
        ({"servers": "nowhere"}, "servers=nowhere"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidConfigError, match=named):
        Consumer(**arguments)


def test_many_partitions_share_few_connections(broker: Broker, admin: Admin, make: Make) -> None:
    admin.create_topic("logs", partitions=12)
    consumer = make("logs", fetch_connections_max=3)
    consumer.poll()
    fill(broker, 240, partition=None)
    assert sorted(numbers(take(consumer, 240))) == list(range(240))


def test_large_records_come_whole(broker: Broker, make: Make) -> None:
    with Producer(broker.address) as producer:
        for size in (1, 900_000, 1, 900_000):
            producer.send("logs", b"x" * size)
    consumer = make("logs", fetch_max_bytes=1000)
    assert [len(record.value) for record in take(consumer, 4)] == [1, 900_000, 1, 900_000]


def test_a_consumer_is_woken_when_its_manual_clock_moves(
    broker: Broker, make: Make, manual_clock: ManualClock
) -> None:
    fill(broker, 1)
    consumer = make("logs", auto_offset_reset="latest", clock=manual_clock)
    consumer.poll()
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(consumer.poll(timeout_ms=10_000)))
    thread.start()
    while thread.is_alive():
        manual_clock.advance(10)  # more than once, because it may not have begun to wait
    assert found == [{}]
