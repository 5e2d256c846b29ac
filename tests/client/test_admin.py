import threading

import pytest
from wire_client import WireClient

from quekka import Admin, Broker, Consumer, Producer
from quekka.client import TopicPartition
from quekka.clock import ManualClock
from quekka.errors import (
    GroupIdNotFoundError,
    InvalidConfigError,
    InvalidPartitionsError,
    InvalidTopicError,
    NetworkError,
    NonEmptyGroupError,
    OffsetOutOfRangeError,
    QuekkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)
from quekka.offset_spec import EARLIEST, LATEST, OffsetSpec


@pytest.fixture
def admin(broker: Broker):  # type: ignore[no-untyped-def]
    with Admin(broker.address) as connected:
        yield connected


def fill(broker: Broker, count: int = 10, topic: str = "logs") -> None:
    """Records at 1000, 1001, ... ms."""
    with Producer(broker.address, batch_size_bytes=100) as producer:
        for number in range(count):
            producer.send(topic, b"%d" % number, timestamp_ms=1000 + number)


def test_topics_are_created_listed_described_and_deleted(admin: Admin) -> None:
    admin.create_topic("logs", partitions=3, configs={"retention.ms": "60000"})
    admin.create_topic("events")
    assert admin.list_topics() == ["events", "logs"]
    topic = admin.describe_topic("logs")
    assert (topic.name, topic.is_internal, topic.size_bytes) == ("logs", False, 0)
    assert [each.partition for each in topic.partitions] == [0, 1, 2]
    assert admin.topic_configs("logs")["retention.ms"] == "60000"
    admin.delete_topic("events")
    assert admin.list_topics() == ["logs"]


def test_a_description_shows_offsets_and_sizes(admin: Admin, broker: Broker) -> None:
    fill(broker)
    topic = admin.describe_topic("logs")
    (partition,) = topic.partitions
    assert (partition.log_start_offset, partition.log_end_offset, partition.segments) == (0, 10, 1)
    assert topic.size_bytes == partition.size_bytes > 0


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(lambda admin: admin.create_topic("logs"), TopicAlreadyExistsError, id="exists"),
        pytest.param(lambda admin: admin.create_topic("a b"), InvalidTopicError, id="name"),
        pytest.param(
            lambda admin: admin.create_topic("x", partitions=0), InvalidPartitionsError, id="partitions"
        ),
        pytest.param(
            lambda admin: admin.create_topic("x", configs={"no.such": "1"}), InvalidConfigError, id="config"
        ),
        pytest.param(lambda admin: admin.delete_topic("none"), UnknownTopicOrPartitionError, id="delete"),
        pytest.param(lambda admin: admin.describe_topic("none"), UnknownTopicOrPartitionError, id="describe"),
        pytest.param(lambda admin: admin.create_partitions("logs", 1), InvalidPartitionsError, id="fewer"),
        pytest.param(lambda admin: admin.delete_records("logs", 0, 99), OffsetOutOfRangeError, id="records"),
        pytest.param(lambda admin: admin.delete_group("none"), GroupIdNotFoundError, id="group"),
    ],
)
def test_refusals_are_errors_with_a_name(admin: Admin, call, error: type[QuekkaError]) -> None:  # type: ignore[no-untyped-def]
    admin.create_topic("logs")
    with pytest.raises(error):
        call(admin)
    admin.ping()


def test_configs_are_changed_one_by_one(admin: Admin) -> None:
    admin.create_topic("logs", configs={"retention.ms": "60000"})
    after = admin.alter_topic_configs("logs", {"max.message.bytes": "5000"})
    assert (after["retention.ms"], after["max.message.bytes"]) == ("60000", "5000")
    assert admin.topic_configs("logs") == after


def test_partitions_are_added(admin: Admin) -> None:
    admin.create_topic("logs")
    admin.create_partitions("logs", 4)
    assert len(admin.describe_topic("logs").partitions) == 4


def test_records_are_deleted_up_to_an_offset(admin: Admin, broker: Broker) -> None:
    fill(broker)
    assert admin.delete_records("logs", 0, 4) == 4
    assert admin.describe_topic("logs").partitions[0].log_start_offset == 4


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("earliest", 2),
        ("latest", 10),
        (EARLIEST, 2),
        (LATEST, 10),
        (OffsetSpec("timestamp", 1005), 5),
        ("timestamp:1", 2),
        ("timestamp:5000", 10),
        (7, 7),
    ],
)
def test_offsets_are_found_by_word_time_and_number(
    admin: Admin, broker: Broker, where: OffsetSpec | str | int, expected: int
) -> None:
    fill(broker)
    admin.delete_records("logs", 0, 2)
    assert admin.list_offsets("logs", 0, where) == expected


def test_groups_are_listed_described_and_deleted(admin: Admin, broker: Broker) -> None:
    fill(broker)
    with Consumer("logs", servers=broker.address, group_id="a b", auto_offset_reset="earliest") as consumer:
        while not consumer.poll(None, max_records=4):
            continue
        consumer.commit()
        group = admin.describe_group("a b", "logs")
        assert (group.group, group.state, len(group.members)) == ("a b", "Stable", 1)
        (lag,) = group.partitions
        assert (lag.topic, lag.partition, lag.committed, lag.end_offset, lag.lag) == ("logs", 0, 4, 10, 6)
        with pytest.raises(NonEmptyGroupError):
            admin.delete_group("a b")
    assert admin.list_groups() == ["a b"]
    assert admin.describe_group("a b").state == "Empty"
    admin.delete_group("a b")
    assert admin.describe_group("a b").state == "Dead"


def test_group_offsets_are_altered_while_nobody_reads(admin: Admin, broker: Broker) -> None:
    admin.create_topic("logs", partitions=2)
    with Producer(broker.address) as producer:
        for partition in (0, 1):
            for number in range(5):
                producer.send("logs", b"", partition=partition, timestamp_ms=1000 + number)
    first, second = TopicPartition("logs", 0), TopicPartition("logs", 1)
    admin.alter_group_offsets("g", {first: 3, second: "timestamp:1002"})
    committed = [each.committed for each in admin.describe_group("g", "logs").partitions]
    assert committed == [3, 2]
    admin.alter_group_offsets("g", {second: LATEST})
    committed = [each.committed for each in admin.describe_group("g", "logs").partitions]
    assert committed == [3, 5]


def test_group_offsets_are_not_altered_under_its_members(
    admin: Admin, broker: Broker, text_client: WireClient
) -> None:
    fill(broker)
    text_client.ask("SUBSCRIBE logs g")
    with pytest.raises(NonEmptyGroupError, match="group g has 1 members, the first is "):
        admin.alter_group_offsets("g", {TopicPartition("logs", 0): 3})
    assert admin.describe_group("g", "logs").partitions[0].committed == 0


def test_stats_are_numbers_where_they_can_be(admin: Admin) -> None:
    stats = admin.stats()
    assert isinstance(stats["pid"], int)
    assert isinstance(stats["uptime_s"], int | float)
    assert isinstance(stats["version"], str)


def test_threads_may_share_an_admin(admin: Admin) -> None:
    def create(name: int) -> None:
        for number in range(5):
            admin.create_topic(f"t-{name}-{number}")

    threads = [threading.Thread(target=create, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admin.list_topics()) == 20


def test_a_broker_that_is_not_there_is_an_error_with_its_address(closed_address: str) -> None:
    with (
        Admin(closed_address, clock=ManualClock()) as admin,
        pytest.raises(NetworkError, match=closed_address),
    ):
        admin.ping()
