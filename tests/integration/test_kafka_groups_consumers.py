"""Consumer groups of many Kafka clients, against a broker in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec

import pytest
from broker_helpers import batch_of
from kafka_clients import CONSUMERS, ConfluentConsumer, GroupConsumer, poll_until, why_not
from wire_client import WireClient

from quekka.embedded import Broker

# kafka-python reads its message definitions with them, in the version for which it was written.
pytestmark = pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning")

PARTITIONS = 4
TOPIC = "logs"

Join = Callable[..., GroupConsumer]


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    """What was opened is closed, last first."""
    with ExitStack() as stack:
        yield stack


def joining(client: str, address: str, clients: ExitStack) -> Join:
    """`join(group="g", instance=None)` for consumers of one client; skips where it is not installed."""
    if why_not(client):
        pytest.skip(why_not(client))

    def join(group: str = "g", instance: str | None = None) -> GroupConsumer:
        return clients.enter_context(CONSUMERS[client](address, group, TOPIC, instance))

    return join


@pytest.fixture(params=CONSUMERS)
def join(request: pytest.FixtureRequest, broker: Broker, clients: ExitStack) -> Join:
    return joining(request.param, broker.address, clients)


def fill(broker: Broker, *values: bytes, timestamp_ms: int | None = None) -> None:
    """Append the values to every partition."""
    now_ms = broker.core.clock.wall_ms() if timestamp_ms is None else timestamp_ms
    for partition in broker.core.topics.get(TOPIC).partitions:
        partition.append([batch_of([*values], now_ms)], len(values)).wait()


@pytest.fixture(autouse=True)
def topic(broker: Broker) -> None:
    broker.core.topics.create(TOPIC, PARTITIONS)


ALL = set(range(PARTITIONS))


def shares_are_fair(*consumers: GroupConsumer) -> Callable[[], bool]:
    """Every partition is read by one of them, and each reads as many."""

    def are_fair() -> bool:
        shares = [consumer.assignment() for consumer in consumers]
        return (
            set().union(*shares) == ALL
            and sum(map(len, shares)) == PARTITIONS
            and len(set(map(len, shares))) == 1
        )

    return are_fair


def test_one_consumer_reads_everything(broker: Broker, join: Join) -> None:
    fill(broker, b"a", b"b")
    consumer = join()
    poll_until([consumer], lambda: len(consumer.got) == 2 * PARTITIONS)
    assert sorted(consumer.got) == [(p, o, v) for p in range(PARTITIONS) for o, v in ((0, b"a"), (1, b"b"))]
    assert consumer.assignment() == ALL


def test_two_share_and_who_stays_takes_over_what_the_other_left(broker: Broker, join: Join) -> None:
    first, second = join(), join()
    poll_until([first, second], shares_are_fair(first, second))
    fill(broker, b"x")
    poll_until([first, second], lambda: len(first.got) + len(second.got) == PARTITIONS)
    assert {p for p, _, _ in first.got} == first.assignment()
    assert {p for p, _, _ in second.got} == second.assignment()
    first.commit(dict.fromkeys(first.assignment(), 1))
    second.commit(dict.fromkeys(second.assignment(), 1))
    second.close()
    poll_until([first], lambda: first.assignment() == ALL)
    fill(broker, b"y")
    poll_until([first], lambda: first.values().count(b"y") == PARTITIONS)
    assert first.values().count(b"x") == PARTITIONS // 2


def test_what_was_not_committed_is_read_again(broker: Broker, join: Join) -> None:
    fill(broker, b"a", b"b", b"c")
    with join() as consumer:
        poll_until([consumer], lambda: len(consumer.got) == 3 * PARTITIONS)
        consumer.commit({0: 1, 1: 3})
        consumer.close()
    again = join()
    poll_until([again], lambda: len(again.got) == 2 + 0 + 3 + 3)
    assert min(offset for partition, offset, _ in again.got if partition == 0) == 1


def test_the_text_protocol_sees_commits(broker: Broker, join: Join, text_client: WireClient) -> None:
    fill(broker, b"a", b"b")
    consumer = join()
    poll_until([consumer], lambda: consumer.assignment() == ALL)
    consumer.commit({2: 1}, "a note")
    text_client.send(f"GROUP g {TOPIC}")
    shown = text_client.read_line().split()
    assert {"state=Stable", "members=1", f"{TOPIC}/2.committed=1", f"{TOPIC}/2.lag=1"} <= set(shown)
    committed = broker.core.groups.offsets.committed("g", TOPIC, 2)
    assert committed is not None
    assert committed.metadata.rstrip("\0") == "a note"  # confluent-kafka counts the end of a C string in


@pytest.mark.parametrize("other", CONSUMERS)
def test_other_clients_see_commits(broker: Broker, join: Join, other: str, clients: ExitStack) -> None:
    fill(broker, b"a", b"b", b"c")
    with join() as consumer:
        poll_until([consumer], lambda: consumer.assignment() == ALL)
        consumer.commit(dict.fromkeys(ALL, 2))
    successor = joining(other, broker.address, clients)()
    poll_until([successor], lambda: len(successor.got) == PARTITIONS)
    assert {(p, 2, b"c") for p in ALL} == set(successor.got)
    assert [successor.committed(p) for p in ALL] == [2] * PARTITIONS


def test_a_text_group_goes_on_with_a_kafka_client(
    broker: Broker, join: Join, text_client: WireClient
) -> None:
    fill(broker, b"a", b"b")
    text_client.send(
        f"SUBSCRIBE {TOPIC} g", *(f"COMMIT {TOPIC} g 1 partition={p}" for p in ALL), f"UNSUBSCRIBE {TOPIC} g"
    )
    assert [text_client.read_line()[:3] for _ in range(PARTITIONS + 2)] == ["+OK"] * (PARTITIONS + 2)
    consumer = join()
    poll_until([consumer], lambda: len(consumer.got) == PARTITIONS)
    assert set(consumer.values()) == {b"b"}
    text_client.send(f"SUBSCRIBE {TOPIC} g")
    assert text_client.read_line().startswith("-ERR INCONSISTENT_GROUP_PROTOCOL")


def test_a_group_goes_on_after_a_restart_of_the_broker(
    broker: Broker, join: Join, clients: ExitStack
) -> None:
    fill(broker, b"a", b"b")
    with join() as consumer:
        poll_until([consumer], lambda: len(consumer.got) == 2 * PARTITIONS)
        consumer.commit(dict.fromkeys(ALL, 1))
    kind = type(consumer)
    broker.stop()
    broker.start()
    again = clients.enter_context(kind(broker.address, "g", TOPIC))
    poll_until([again], lambda: len(again.got) == PARTITIONS)
    assert set(again.values()) == {b"b"}


def test_a_consumer_outlives_a_restart_of_the_broker(broker: Broker, join: Join, clients: ExitStack) -> None:
    fill(broker, b"a")
    consumer = join()
    poll_until([consumer], lambda: len(consumer.got) == PARTITIONS)
    consumer.commit(dict.fromkeys(ALL, 1))
    address, data_dir = broker.address, broker.core.data_dir.path
    broker.stop()
    successor = clients.enter_context(Broker(data_dir, address))
    fill(successor, b"b")
    poll_until([consumer], lambda: {p for p, _, value in consumer.got if value == b"b"} == ALL)
    poll_until([consumer], lambda: successor.core.groups.describe("g").state == "Stable")
    assert consumer.values().count(b"a") == PARTITIONS
    consumer.close()


def test_a_static_member_comes_back_to_its_partitions_without_a_rebalance(broker: Broker, join: Join) -> None:
    first, second = join(instance="one"), join(instance="two")
    if not first.CAN_BE_STATIC:
        pytest.skip("this client has no static members")
    poll_until([first, second], shares_are_fair(first, second))
    share = second.assignment()
    group = broker.core.groups.classic.find("g")
    assert group is not None
    generation = group.generation
    old_id = group.static_members["two"]
    second.close()
    assert group.static_members["two"] == old_id
    again = join(instance="two")
    poll_until([first, again], lambda: again.assignment() != set())
    assert again.assignment() == share
    assert group.static_members["two"] != old_id
    assert group.generation == generation


def test_a_consumer_can_go_to_a_time(broker: Broker, join: Join) -> None:
    now_ms = broker.core.clock.wall_ms()
    for age_ms, value in ((3000, b"old"), (2000, b"middle"), (1000, b"new")):
        fill(broker, value, timestamp_ms=now_ms - age_ms)
    consumer = join()
    poll_until([consumer], lambda: len(consumer.got) == 3 * PARTITIONS)
    consumer.got.clear()
    assert consumer.seek_to_time(now_ms - 2500) == dict.fromkeys(ALL, 1)
    poll_until([consumer], lambda: len(consumer.got) == 2 * PARTITIONS)
    assert set(consumer.values()) == {b"middle", b"new"}
    assert consumer.seek_to_time(now_ms) == dict.fromkeys(ALL)


@pytest.mark.skipif(find_spec("confluent_kafka") is None, reason="confluent_kafka is not installed")
def test_cooperative_members_keep_what_they_need_not_give_away(broker: Broker, clients: ExitStack) -> None:
    def join() -> ConfluentConsumer:
        options = {"partition.assignment.strategy": "cooperative-sticky"}
        return clients.enter_context(ConfluentConsumer(broker.address, "g", TOPIC, **options))

    first = join()
    poll_until([first], lambda: first.assignment() == ALL)
    fill(broker, b"a")
    poll_until([first], lambda: len(first.got) == PARTITIONS)
    second = join()
    poll_until([first, second], shares_are_fair(first, second))
    kept = first.assignment()
    fill(broker, b"b")
    poll_until([first, second], lambda: len({got for got in first.got + second.got if got[2] == b"b"}) == 4)
    assert {partition for partition, _, value in second.got if value == b"a"} == ALL - kept
    assert first.values().count(b"a") == PARTITIONS
    group = broker.core.groups.classic.find("g")
    assert group is not None
    assert group.protocol_name == "cooperative-sticky"
