"""quekka.Broker: a whole broker as an object, started and stopped in this process."""

import gc
import os
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from wire_client import WireClient

from quekka import Broker
from quekka.errors import InvalidConfigError, QuekkaError
from quekka.servers.tcp_server import ListenError


@pytest.fixture
def temporary_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary directories are made during the test."""
    root = tmp_path / "temporary"
    root.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    return root


def test_a_broker_serves_between_start_and_stop(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    assert broker.address == f"{broker.host}:{broker.port}"
    assert broker.addresses == (broker.address,)
    with WireClient(broker.host, broker.port) as client:
        assert client.ask("PING") == "+OK PONG"
    host, port = broker.host, broker.port
    broker.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port), timeout=5)


def test_start_and_stop_may_be_called_twice(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.stop()
    broker.start()
    port = broker.port
    broker.start()
    assert broker.port == port
    broker.stop()
    broker.stop()


@pytest.mark.parametrize("attribute", ["core", "host", "port", "address", "addresses"])
def test_a_broker_that_does_not_run_says_so(tmp_path: Path, attribute: str) -> None:
    broker = Broker(tmp_path)
    with pytest.raises(RuntimeError, match="not running"):
        getattr(broker, attribute)
    broker.start()
    broker.stop()
    with pytest.raises(RuntimeError, match="not running"):
        getattr(broker, attribute)


def test_records_and_commits_outlive_a_restart_of_the_same_object(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    with broker, WireClient(broker.host, broker.port) as client:
        assert client.publish("logs", b"first") == (0, 0)
        assert client.publish("logs", b"second") == (1, 0)
        assert client.ask("SUBSCRIBE logs group1") == "+OK 0"
        assert client.ask("COMMIT logs group1 1 partition=0") == "+OK 1"
    with broker, WireClient(broker.host, broker.port) as client:
        assert [message.value for message in client.ask_messages("POLL logs group1")] == [b"second"]


def test_a_data_directory_can_be_handed_to_another_broker(tmp_path: Path) -> None:
    with Broker(tmp_path) as first, WireClient(first.host, first.port) as client:
        client.publish("logs", b"kept")
    with Broker(tmp_path) as second, WireClient(second.host, second.port) as client:
        assert [message.value for message in client.ask_messages("FETCH logs 0 0")] == [b"kept"]


def test_a_temporary_directory_is_removed_at_stop(temporary_root: Path) -> None:
    broker = Broker()
    for _ in range(2):
        with broker, WireClient(broker.host, broker.port) as client:
            assert client.publish("logs", b"gone soon") == (0, 0)
            assert len(list(temporary_root.iterdir())) == 1
        assert list(temporary_root.iterdir()) == []


def test_many_brokers_run_at_once_and_share_nothing(tmp_path: Path) -> None:
    brokers = [Broker(tmp_path / str(number)) for number in range(3)]
    for broker in brokers:
        broker.start()
    assert len({broker.port for broker in brokers}) == 3
    for number, broker in enumerate(brokers):
        with WireClient(broker.host, broker.port) as client:
            client.publish(f"topic-{number}", b"mine")
            assert client.ask("TOPICS") == f"+OK topic-{number}"
    for broker in brokers:
        broker.stop()


def test_several_listeners_serve_the_same_topics(tmp_path: Path) -> None:
    with Broker(tmp_path, listen=["127.0.0.1:0", "127.0.0.1:0,protocols=text"]) as broker:
        assert len(set(broker.addresses)) == 2
        for number, address in enumerate(broker.addresses):
            host, port = address.rsplit(":", 1)
            with WireClient(host, int(port)) as client:
                assert client.publish("logs", b"from both") == (number, 0)


@pytest.mark.parametrize(
    ("settings", "expected"), [({}, 0), ({"busy.poll.us": "7"}, 7)], ids=["own", "given"]
)
def test_connections_sleep_at_once_where_the_program_needs_the_gil(
    tmp_path: Path, settings: dict[str, str], expected: int
) -> None:
    with Broker(tmp_path, settings=settings) as broker:
        assert broker.core.config.busy_poll_us == expected


def test_settings_reach_the_broker(tmp_path: Path) -> None:
    settings = {"auto.create.topics.enable": "false"}
    with Broker(tmp_path, settings=settings) as broker, WireClient(broker.host, broker.port) as client:
        assert client.ask("PUBLISH logs 1", b"x").startswith("-ERR UNKNOWN_TOPIC_OR_PARTITION ")


@pytest.mark.parametrize(
    "settings", [{"num.partition": "1"}, {"num.partitions": "x"}, {"listeners": "127.0.0.1:0"}], ids=str
)
def test_a_wrong_setting_is_refused_before_anything_starts(tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(InvalidConfigError):
        Broker(tmp_path / "data", settings=settings)
    assert not (tmp_path / "data").exists()


def test_a_wrong_address_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(QuekkaError, match="nowhere"):
        Broker(tmp_path / "data", listen="nowhere")


@pytest.mark.parametrize("listen", ["", []], ids=["text", "list"])
def test_at_least_one_address_is_wanted(tmp_path: Path, listen: str | list[str]) -> None:
    with pytest.raises(QuekkaError, match="at least one address"):
        Broker(tmp_path / "data", listen=listen)


def test_no_name_is_not_the_current_directory() -> None:
    with pytest.raises(InvalidConfigError, match="data_dir is empty"):
        Broker("")


def test_a_start_that_cannot_listen_leaves_nothing_behind(temporary_root: Path) -> None:
    threads = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        broker = Broker(listen=["127.0.0.1:0", address])
        with pytest.raises(ListenError, match=address):
            broker.start()
    assert set(threading.enumerate()) == threads
    assert list(temporary_root.iterdir()) == []
    with pytest.raises(RuntimeError, match="not running"):
        _ = broker.address


def test_a_start_that_failed_can_be_tried_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        broker = Broker(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ListenError):
            broker.start()
    with broker, WireClient(broker.host, broker.port) as client:
        assert client.ask("PING") == "+OK PONG"


def test_a_data_directory_belongs_to_one_broker_at_a_time(tmp_path: Path) -> None:
    with Broker(tmp_path):
        second = Broker(tmp_path)
        with pytest.raises(QuekkaError) as refused:
            second.start()
    assert refused.value.code == "DATA_DIR_IN_USE"
    assert str(tmp_path) in refused.value.message


def test_stop_answers_who_waits_for_data(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    with broker, WireClient(broker.host, broker.port) as client:
        client.ask("CREATE logs")
        client.send("PING", "FETCH logs 0 0 1 300000")
        assert client.read_line() == "+OK PONG"
        broker.stop()
        assert client.read_line() in ("+EMPTY", "")
        assert client.read_to_end() == b""


def test_an_embedded_broker_leaves_its_process_as_it_was(tmp_path: Path) -> None:
    def process_state() -> tuple[object, ...]:
        handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
        return handlers, sys.getswitchinterval(), gc.get_threshold(), gc.get_freeze_count(), os.getcwd()

    before = process_state()
    with Broker(tmp_path):
        assert process_state() == before
    assert process_state() == before


def test_a_broker_starts_and_stops_outside_the_main_thread(tmp_path: Path) -> None:
    replies: list[str] = []

    def run() -> None:
        with Broker(tmp_path) as broker, WireClient(broker.host, broker.port) as client:
            replies.append(client.ask("PING"))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert replies == ["+OK PONG"]
