"""PING, STATS, HELP."""

import pytest
from wire_client import WireClient

import quekka.formats.crc32c as checksum
from quekka.broker.append_future import AppendFuture
from quekka.embedded import Broker
from quekka.errors import KafkaStorageError
from quekka.protocols.text.grammar import COMMANDS
from quekka.version import __version__

NAMES_1 = "version uptime_s pid rss_bytes cpu_s threads fds connections topics partitions groups"
NAMES_2 = "records_in records_out bytes_in bytes_out append_groups fsyncs errors crc32c"
STATS = {*NAMES_1.split(" "), *NAMES_2.split(" ")}


def values(reply: str) -> dict[str, str]:
    """The name=value pairs of a reply."""
    assert reply.startswith("+OK "), reply
    return dict(word.split("=", 1) for word in reply.split(" ")[1:])


def test_ping_is_answered(text_client: WireClient) -> None:
    assert text_client.ask("ping") == "+OK PONG"


def test_stats_has_every_name_once(text_client: WireClient) -> None:
    reply = text_client.ask("STATS")
    assert set(values(reply)) >= STATS
    assert len(values(reply)) == len(reply.split(" ")) - 1


def test_stats_counts_what_was_done(text_client: WireClient) -> None:
    text_client.publish("logs", b"hello")
    text_client.publish("logs", b"world")
    text_client.ask_messages("FETCH logs 0 0 1")
    text_client.ask("NOPE")
    stats = values(text_client.ask("STATS"))
    counted = {
        name: int(stats[name]) for name in ("records_in", "records_out", "errors", "connections", "topics")
    }
    assert counted == {"records_in": 2, "records_out": 1, "errors": 1, "connections": 1, "topics": 1}
    assert int(stats["bytes_in"]) > len("helloworld")
    assert stats["version"] == __version__
    assert stats["crc32c"] == checksum.IMPLEMENTATION


def test_help_lists_every_command(text_client: WireClient) -> None:
    reply = text_client.ask("HELP")
    assert reply.startswith("+OK ")
    assert set(COMMANDS) <= set(reply.split(" "))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_how_a_command_is_written(text_client: WireClient, name: str) -> None:
    assert text_client.ask(f"HELP {name.lower()}") == f"+OK {COMMANDS[name].usage} - {COMMANDS[name].summary}"


def test_help_for_no_command_is_an_error(text_client: WireClient) -> None:
    assert text_client.ask("HELP me").startswith("-ERR UNKNOWN_COMMAND 'ME'")


def test_help_for_a_name_with_odd_bytes_is_an_error_in_one_line(text_client: WireClient) -> None:
    assert text_client.ask("HELP %0D%0A%C3%A9").startswith("-ERR UNKNOWN_COMMAND ")
    assert text_client.ask("PING") == "+OK PONG"


def test_records_are_counted_when_they_are_stored_and_when_they_are_sent(
    text_client: WireClient, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: AppendFuture) -> int:
        raise KafkaStorageError("no space")

    def counted() -> tuple[int, int]:
        sums = broker.core.metrics.snapshot()
        return sums["records_in"], sums["records_out"]

    text_client.publish("logs", b"first")
    head = text_client.ask("READ logs 0 0")
    batch = text_client.read_exactly(int(head.split(" ")[1]))
    text_client.publish("logs", b"second")
    assert counted() == (2, 1)
    assert text_client.ask(f"APPEND logs 0 {len(batch)}", batch).startswith("+OK")
    assert counted() == (3, 1)
    monkeypatch.setattr(AppendFuture, "wait", no_space)
    assert text_client.ask("PUBLISH logs 5", b"third").startswith("-ERR KAFKA_STORAGE_ERROR")
    assert text_client.ask(f"APPEND logs 0 {len(batch)}", batch).startswith("-ERR KAFKA_STORAGE_ERROR")
    assert counted() == (3, 1)
