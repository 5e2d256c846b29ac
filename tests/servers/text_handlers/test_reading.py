"""FETCH, READ and LISTOFFSETS."""

import threading
from collections.abc import Callable

import pytest
from wire_client import WireClient

from quekka.clock import ManualClock
from quekka.embedded import Broker
from quekka.formats.record_batch import iter_batches, iter_records

StartBroker = Callable[..., Broker]
ClientOf = Callable[[Broker], WireClient]

NOT_THERE = {
    "fetch_topic": ("FETCH other 0 0", "UNKNOWN_TOPIC_OR_PARTITION"),
    "fetch_partition": ("FETCH logs 7 0", "UNKNOWN_TOPIC_OR_PARTITION"),
    "fetch_beyond": ("FETCH logs 0 4", "OFFSET_OUT_OF_RANGE"),
    "read_topic": ("READ other 0 0", "UNKNOWN_TOPIC_OR_PARTITION"),
    "read_partition": ("READ logs 7 0", "UNKNOWN_TOPIC_OR_PARTITION"),
    "read_beyond": ("READ logs 0 4", "OFFSET_OUT_OF_RANGE"),
    "list_offsets_topic": ("LISTOFFSETS other 0 latest", "UNKNOWN_TOPIC_OR_PARTITION"),
    "list_offsets_beyond": ("LISTOFFSETS logs 0 4", "OFFSET_OUT_OF_RANGE"),
}


@pytest.fixture
def three(text_client: WireClient) -> WireClient:
    """A client of a broker with three messages, a second apart."""
    for number in range(3):
        text_client.publish("logs", b"%d" % number, f"timestamp={1_700_000_000_000 + number * 1000}")
    return text_client


def read_batches(client: WireClient, line: str) -> tuple[list[bytes | None], tuple[int, int]]:
    """Values, and the log's start and end, of a +BATCHES reply."""
    word, length, start, end = client.ask(line).split(" ")
    assert word == "+BATCHES"
    data = client.read_exactly(int(length))
    values = [record.value for position, _ in iter_batches(data) for record in iter_records(data, position)]
    return values, (int(start), int(end))


@pytest.mark.parametrize(("line", "word"), NOT_THERE.values(), ids=NOT_THERE)
def test_what_is_not_there_is_refused_with_its_word(three: WireClient, line: str, word: str) -> None:
    assert three.ask(line).startswith(f"-ERR {word} ")


@pytest.mark.parametrize("line", ["FETCH logs 0 3", "READ logs 0 3"])
def test_the_end_of_the_log_is_empty_at_once(three: WireClient, line: str) -> None:
    assert three.ask(line) == "+EMPTY"


def test_fetch_begins_at_the_offset_and_ends_with_max(three: WireClient) -> None:
    fetched = three.ask_messages("FETCH logs 0 1")
    assert [(message.offset, message.value) for message in fetched] == [(1, b"1"), (2, b"2")]
    assert [message.value for message in three.ask_messages("FETCH logs 0 0 2")] == [b"0", b"1"]


def test_fetch_begins_in_the_middle_of_a_batch(text_client: WireClient) -> None:
    text_client.send_bytes(b"PUBLISH logs 1\r\nx\r\n" * 100)
    for _ in range(100):
        text_client.read_line()
    assert [message.offset for message in text_client.ask_messages("FETCH logs 0 57 3")] == [57, 58, 59]


def test_fetch_gives_at_least_one_message_however_small_max_bytes(three: WireClient) -> None:
    assert [message.value for message in three.ask_messages("FETCH logs 0 0 max_bytes=1")] == [b"0"]


def test_read_gives_the_batches_as_they_are_on_disk(three: WireClient) -> None:
    assert read_batches(three, "READ logs 0 0") == ([b"0", b"1", b"2"], (0, 3))
    assert read_batches(three, "READ logs 0 2") == ([b"2"], (0, 3))
    assert three.ask("PING") == "+OK PONG"


def test_read_gives_at_least_one_batch_however_small_max_bytes(three: WireClient) -> None:
    assert read_batches(three, "READ logs 0 0 max_bytes=1") == ([b"0"], (0, 3))


def test_reads_can_be_pipelined(three: WireClient) -> None:
    three.send("READ logs 0 0", "PING", "READ logs 0 2", "FETCH logs 0 2")
    length = int(three.read_line().split(" ")[1])
    three.read_exactly(length)
    assert three.read_line() == "+OK PONG"
    length = int(three.read_line().split(" ")[1])
    three.read_exactly(length)
    assert [message.value for message in three.read_messages()] == [b"2"]


@pytest.mark.parametrize("line", ["FETCH logs 0 0 10 300000", "READ logs 0 0 300000"])
def test_a_read_that_waits_gets_what_comes(start_broker: StartBroker, client_of: ClientOf, line: str) -> None:
    broker = start_broker()
    reader, publisher = client_of(broker), client_of(broker)
    publisher.ask("CREATE logs")
    reader.send("PING", line)
    assert reader.read_line() == "+OK PONG"
    publisher.publish("logs", b"late")
    head = reader.read_line()
    assert head.startswith(("+MESSAGES 1", "+BATCHES "))


@pytest.mark.parametrize("line", ["FETCH logs 0 0 10 5000", "READ logs 0 0 5000", "POLL logs group 10 5000"])
def test_a_read_that_waits_ends_with_its_timeout(
    start_broker: StartBroker, client_of: ClientOf, manual_clock: ManualClock, line: str
) -> None:
    broker = start_broker(clock=manual_clock)
    client = client_of(broker)
    client.ask("CREATE logs")
    client.send("PING", line)
    assert client.read_line() == "+OK PONG"
    answered = threading.Event()
    pusher = threading.Thread(target=_advance_until, args=(manual_clock, answered))
    pusher.start()
    assert client.read_line() == "+EMPTY"
    answered.set()
    pusher.join()


def _advance_until(clock: ManualClock, answered: threading.Event) -> None:
    """Move time on until the waiting request, which may not wait yet, has noticed."""
    while not answered.wait(0.01):
        clock.advance(ms=1000)


@pytest.mark.parametrize("line", ["FETCH logs 0 0 10 300000", "READ logs 0 0 300000"])
def test_a_read_that_waits_hears_that_its_topic_is_deleted(
    start_broker: StartBroker, client_of: ClientOf, line: str
) -> None:
    broker = start_broker()
    reader, other = client_of(broker), client_of(broker)
    other.ask("CREATE logs")
    reader.send("PING", line)
    assert reader.read_line() == "+OK PONG"
    other.ask("DELETE logs")
    assert reader.read_line().startswith("-ERR UNKNOWN_TOPIC_OR_PARTITION")


@pytest.mark.parametrize(
    ("where", "offset"),
    [
        ("earliest", 0),
        ("latest", 3),
        ("2", 2),
        ("3", 3),
        ("timestamp:0", 0),
        ("timestamp:1700000000001", 1),
        ("timestamp:1700000002000", 2),
        ("timestamp:1700000002001", 3),
    ],
)
def test_list_offsets_finds_the_place(three: WireClient, where: str, offset: int) -> None:
    assert three.ask(f"LISTOFFSETS logs 0 {where}") == f"+OK {offset}"
