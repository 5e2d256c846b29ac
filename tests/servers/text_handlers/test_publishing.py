"""PUBLISH: partitions, keys, options, and errors in their place."""

from collections.abc import Callable

import pytest
from wire_client import WireClient

from quekka.embedded import Broker
from quekka.formats.murmur2 import partition_for_key

StartBroker = Callable[..., Broker]
ClientOf = Callable[[Broker], WireClient]


def test_a_message_gets_the_next_offset_of_its_partition(text_client: WireClient) -> None:
    assert [text_client.publish("logs", b"x") for _ in range(3)] == [(0, 0), (1, 0), (2, 0)]


def test_messages_without_a_key_go_to_the_partitions_in_turn(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=3")
    assert [text_client.publish("logs", b"x")[1] for _ in range(6)] == [0, 1, 2, 0, 1, 2]


def test_pipelined_messages_go_to_the_partitions_in_turn_too(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=3")
    text_client.send_bytes(b"PUBLISH logs 1\r\nx\r\n" * 7)
    replies = [text_client.read_line() for _ in range(7)]
    assert replies == ["+OK 0 0", "+OK 0 1", "+OK 0 2", "+OK 1 0", "+OK 1 1", "+OK 1 2", "+OK 2 0"]


@pytest.mark.parametrize("key", ["a", "user%2042", "", "caf%C3%A9", "%00%ff"])
def test_a_key_picks_the_partition_as_kafkas_client_does(text_client: WireClient, key: str) -> None:
    text_client.ask("CREATE logs partitions=7")
    plain = bytes.fromhex(
        "".join(
            part[:2] + part[2:].encode().hex() if at else part.encode().hex()
            for at, part in enumerate(key.split("%"))
        )
    )
    assert text_client.publish("logs", b"x", f"key={key}")[1] == partition_for_key(plain, 7)


def test_a_partition_that_is_named_wins_over_the_key(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=3")
    assert {text_client.publish("logs", b"x", f"partition=2 key=k{number}")[1] for number in range(9)} == {2}


def test_all_options_come_back(text_client: WireClient) -> None:
    text_client.publish(
        "logs", b"v", "key=user%2042 header.a=1 header.b%20c=%0A timestamp=1700000000000 acks=all"
    )
    (message,) = text_client.ask_messages("FETCH logs 0 0")
    assert message.value == b"v"
    assert message.timestamp_ms == 1_700_000_000_000
    assert message.options == {"key": "user%2042", "header.a": "1", "header.b%20c": "%0A"}


def test_a_payload_may_hold_any_bytes(text_client: WireClient) -> None:
    body = bytes(range(256)) * 300
    text_client.publish("logs", body)
    assert text_client.ask_messages("FETCH logs 0 0")[0].value == body


def test_a_message_of_nearly_max_message_bytes_is_taken(text_client: WireClient) -> None:
    body = b"x" * 1_048_400
    assert text_client.publish("logs", body) == (0, 0)
    assert text_client.ask_messages("FETCH logs 0 0")[0].value == body


def test_a_topic_is_made_by_the_first_message(text_client: WireClient) -> None:
    text_client.publish("fresh", b"x")
    assert text_client.ask("TOPICS") == "+OK fresh"


def test_a_topic_is_not_made_where_that_is_forbidden(start_broker: StartBroker, client_of: ClientOf) -> None:
    client = client_of(start_broker({"auto.create.topics.enable": "false"}))
    assert client.ask("PUBLISH fresh 1", b"x").startswith("-ERR UNKNOWN_TOPIC_OR_PARTITION")
    assert client.ask("TOPICS") == "+OK"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("PUBLISH __own 1", "TOPIC_AUTHORIZATION_FAILED"),
        ("PUBLISH logs 1 partition=3", "UNKNOWN_TOPIC_OR_PARTITION"),
        ("PUBLISH logs 1 partition=2147483647 key=a", "UNKNOWN_TOPIC_OR_PARTITION"),
        ("PUBLISH logs 1 acks=2", "INVALID_REQUIRED_ACKS"),
        ("PUBLISH logs 1 timestamp=9999999999999999", "INVALID_TIMESTAMP"),
    ],
)
def test_what_cannot_be_published_is_refused_with_its_word(
    text_client: WireClient, line: str, word: str
) -> None:
    text_client.ask("CREATE logs partitions=3")
    assert text_client.ask(line, b"x").startswith(f"-ERR {word} ")
    assert text_client.ask("PING") == "+OK PONG"


def test_errors_within_a_run_are_answered_in_their_place(text_client: WireClient) -> None:
    text_client.ask("CREATE logs partitions=2 max.message.bytes=1000")
    text_client.send_bytes(
        b"PUBLISH logs 1 partition=0\r\na"
        b"PUBLISH logs 2000 partition=0\r\n" + b"x" * 2000 + b"PUBLISH logs 1 partition=5\r\nb"
        b"PUBLISH logs 1 partition=1\r\nc"
        b"PUBLISH logs 1 partition=0 timestamp=9999999999999999\r\nd"
        b"PUBLISH logs 1 partition=0\r\ne"
    )
    replies = [text_client.read_line().split(" ")[:3] for _ in range(6)]
    assert [words[1] for words in replies] == [
        "0",
        "MESSAGE_TOO_LARGE",
        "UNKNOWN_TOPIC_OR_PARTITION",
        "0",
        "INVALID_TIMESTAMP",
        "1",
    ]
    assert [message.value for message in text_client.ask_messages("FETCH logs 0 0")] == [b"a", b"e"]


def test_a_compacted_topic_wants_keys(text_client: WireClient) -> None:
    text_client.ask("CREATE logs cleanup.policy=compact")
    text_client.send_bytes(b"PUBLISH logs 1 key=a\r\n1PUBLISH logs 1\r\n2PUBLISH logs 1 key=b\r\n3")
    replies = [text_client.read_line() for _ in range(3)]
    assert replies[0] == "+OK 0 0"
    assert replies[1].startswith("-ERR INVALID_RECORD")
    assert replies[2] == "+OK 1 0"


def test_log_append_time_is_the_brokers(
    start_broker: StartBroker, client_of: ClientOf, manual_clock: object
) -> None:
    client = client_of(start_broker(clock=manual_clock))
    client.ask("CREATE logs message.timestamp.type=LogAppendTime")
    client.publish("logs", b"x", "timestamp=5")
    assert client.ask_messages("FETCH logs 0 0")[0].timestamp_ms == 1_700_000_000_000
