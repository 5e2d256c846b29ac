"""POLL: positions move with what was answered, whoever asks and however many at once."""

import threading
from collections.abc import Callable

import pytest
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.servers.text_handlers import polling

StartBroker = Callable[..., Broker]
ClientOf = Callable[[Broker], WireClient]


@pytest.fixture
def ten(text_client: WireClient) -> WireClient:
    """A client of a broker with ten messages."""
    for number in range(10):
        text_client.publish("logs", b"%d" % number)
    return text_client


def polled(client: WireClient, line: str = "POLL logs group") -> list[bytes]:
    return [message.value for message in client.ask_messages(line)]


def test_each_poll_goes_on_where_the_last_one_ended(ten: WireClient) -> None:
    assert polled(ten, "POLL logs group 4") == [b"0", b"1", b"2", b"3"]
    assert polled(ten, "POLL logs group 4") == [b"4", b"5", b"6", b"7"]
    assert polled(ten, "POLL logs group 4") == [b"8", b"9"]
    assert ten.ask("POLL logs group 4") == "+EMPTY"


def test_a_group_that_never_subscribed_starts_at_the_beginning(ten: WireClient) -> None:
    assert polled(ten, "POLL logs one 1") == polled(ten, "POLL logs two 1") == [b"0"]


def test_positions_belong_to_the_group_and_not_to_the_connection(
    start_broker: StartBroker, client_of: ClientOf
) -> None:
    broker = start_broker()
    first, second = client_of(broker), client_of(broker)
    for number in range(3):
        first.publish("logs", b"%d" % number)
    assert polled(first, "POLL logs group 1") == [b"0"]
    assert polled(second, "POLL logs group 1") == [b"1"]
    second.ask("SUBSCRIBE logs group")
    assert polled(second) == [b"0", b"1", b"2"]


def test_a_message_larger_than_max_bytes_is_given_alone(text_client: WireClient) -> None:
    text_client.publish("logs", b"x" * 100_000)
    text_client.publish("logs", b"y")
    assert polled(text_client, "POLL logs group max_bytes=1000") == [b"x" * 100_000]
    assert polled(text_client, "POLL logs group max_bytes=1000") == [b"y"]


def test_the_default_is_100_messages(text_client: WireClient) -> None:
    text_client.send_bytes(b"PUBLISH logs 1\r\nx\r\n" * 150)
    for _ in range(150):
        text_client.read_line()
    assert [len(polled(text_client)) for _ in range(3)] == [100, 50, 0]


def test_all_partitions_are_read(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=3")
    expected = []
    for partition, count in ((0, 1), (1, 3), (2, 2)):
        for number in range(count):
            expected.append(b"%d.%d" % (partition, number))
            text_client.publish("logs", expected[-1], f"partition={partition}")
    assert polled(text_client) == expected
    text_client.ask("SEEK logs group earliest")
    assert (
        sorted(polled(text_client, "POLL logs group 4") + polled(text_client, "POLL logs group 4"))
        == expected
    )


@pytest.mark.parametrize("step", [1, 2, 3, 100, 1000])
@pytest.mark.parametrize("count", [2, 3, 7, 50])
def test_every_partition_has_its_turn_whatever_the_steps(count: int, step: int) -> None:
    firsts = [
        polling._in_turn([(0, turn * step), *((n, 0) for n in range(1, count))])[0][0]
        for turn in range(20 * count)
    ]
    assert set(firsts) == set(range(count))


def test_a_partition_that_always_has_enough_does_not_starve_the_others(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=2")
    for _ in range(3):
        text_client.publish("logs", b"rare", "partition=1")
    seen: list[bytes] = []
    for _ in range(20):
        for _ in range(2):
            text_client.publish("logs", b"often", "partition=0")
        seen += polled(text_client, "POLL logs group 2")
    assert seen.count(b"rare") == 3


def test_two_who_poll_at_once_get_every_message_once(start_broker: StartBroker, client_of: ClientOf) -> None:
    broker = start_broker()
    publisher = client_of(broker)
    publisher.ask("CREATE logs partitions=2")
    expected = [b"%d" % number for number in range(3000)]
    publisher.send_bytes(b"".join(b"PUBLISH logs %d\r\n%b" % (len(body), body) for body in expected))
    for _ in expected:
        publisher.read_line()
    found: list[bytes] = []

    def poll_all(client: WireClient) -> None:
        while messages := polled(client, "POLL logs group 7"):
            found.extend(messages)

    threads = [threading.Thread(target=poll_all, args=(client_of(broker),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(expected)


def test_a_poll_that_lost_the_race_reads_again(
    ten: WireClient, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = polling._advance
    lost: list[object] = []

    def advance(*arguments: object) -> bool:
        if not lost:
            lost.append(arguments)
            broker.core.groups.seek(broker.core.topics.get("logs"), "group", "other", polling_offset(5), None)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(polling, "_advance", advance)
    assert polled(ten) == [b"5", b"6", b"7", b"8", b"9"]
    assert len(lost) == 1


def polling_offset(offset: int) -> object:
    from quekka.offset_spec import OffsetSpec

    return OffsetSpec("offset", offset)


def test_a_poll_that_waits_gets_what_comes(start_broker: StartBroker, client_of: ClientOf) -> None:
    broker = start_broker()
    poller, publisher = client_of(broker), client_of(broker)
    publisher.ask("CREATE logs partitions=3")
    poller.send("PING", "POLL logs group 10 300000")
    assert poller.read_line() == "+OK PONG"
    publisher.publish("logs", b"late", "partition=2")
    assert [message.value for message in poller.read_messages()] == [b"late"]


def test_a_poll_that_waits_gets_the_partitions_it_takes_over(
    start_broker: StartBroker, client_of: ClientOf
) -> None:
    broker = start_broker()
    owner, heir = client_of(broker), client_of(broker)
    owner.publish("logs", b"left behind")
    owner.ask("SUBSCRIBE logs group")
    assert heir.ask("SUBSCRIBE logs group") == "+OK"
    heir.send("PING", "POLL logs group 10 300000")
    assert heir.read_line() == "+OK PONG"
    owner.ask("UNSUBSCRIBE logs group")
    assert [message.value for message in heir.read_messages()] == [b"left behind"]


def test_a_member_that_hangs_up_while_it_polls_leaves_its_share_to_the_others(
    start_broker: StartBroker, client_of: ClientOf
) -> None:
    broker = start_broker()
    dying, heir = client_of(broker), client_of(broker)
    dying.ask("CREATE logs")
    dying.ask("SUBSCRIBE logs group")
    heir.ask("SUBSCRIBE logs group")
    dying.send("PING", "POLL logs group 10 300000")
    assert dying.read_line() == "+OK PONG"
    dying.close()
    heir.send("PING", "POLL logs group 10 300000")
    assert heir.read_line() == "+OK PONG"
    with client_of(broker) as publisher:
        publisher.publish("logs", b"for the heir")
    assert [message.value for message in heir.read_messages()] == [b"for the heir"]


def test_who_shuts_down_the_sending_side_and_is_no_member_is_waited_for(
    start_broker: StartBroker, client_of: ClientOf
) -> None:
    broker = start_broker()
    poller, publisher = client_of(broker), client_of(broker)
    publisher.ask("CREATE logs")
    poller.send("PING", "POLL logs group 10 300000")
    poller.end_of_requests()
    assert poller.read_line() == "+OK PONG"
    publisher.publish("logs", b"late")
    assert [message.value for message in poller.read_messages()] == [b"late"]


def test_a_poll_that_waits_hears_that_its_topic_is_deleted(
    start_broker: StartBroker, client_of: ClientOf
) -> None:
    broker = start_broker()
    poller, other = client_of(broker), client_of(broker)
    other.ask("CREATE logs")
    poller.send("PING", "POLL logs group 10 300000")
    assert poller.read_line() == "+OK PONG"
    other.ask("DELETE logs")
    assert poller.read_line().startswith("-ERR UNKNOWN_TOPIC_OR_PARTITION")


def test_records_that_were_deleted_are_passed_over(ten: WireClient) -> None:
    ten.ask("DELETERECORDS logs 0 7")
    assert polled(ten) == [b"7", b"8", b"9"]


def test_damage_in_one_partition_does_not_hide_the_others(text_client: WireClient, broker: Broker) -> None:
    text_client.ask("CREATE logs partitions=2")
    for partition in (0, 1):
        text_client.publish("logs", b"in %d" % partition, f"partition={partition}")
    piece = broker.core.topics.get("logs").partition(0).view().read(0, 1)
    (path,) = broker.core.data_dir.topic_directory("logs").glob("0/*.log")
    data = bytearray(path.read_bytes())
    assert len(data) == piece.size_bytes
    data[-2] ^= 1
    path.write_bytes(data)
    assert polled(text_client) == [b"in 1"]
    assert text_client.ask("POLL logs group").startswith(
        "-ERR CORRUPT_MESSAGE topic logs partition 0 offset 0: "
    )
    assert text_client.ask("PING") == "+OK PONG"
