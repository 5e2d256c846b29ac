"""A listener: who is let in, who is turned away, and how it ends."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from wire_client import WireClient

from quekka.broker.broker import BrokerCore
from quekka.broker.config import BrokerConfig
from quekka.deadline import Deadline
from quekka.embedded import Broker
from quekka.servers.connection_slots import ConnectionSlots
from quekka.servers.tcp_server import ListenAddress, ListenError, TcpServer

StartBroker = Callable[..., Broker]
ClientOf = Callable[[Broker], WireClient]


@pytest.fixture
def core(tmp_path: Path) -> BrokerCore:
    return BrokerCore(tmp_path / "data", BrokerConfig())


def threads(prefix: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(prefix)]


def test_port_0_is_a_free_port_and_the_real_one_is_told(broker: Broker, text_client: WireClient) -> None:
    assert broker.port > 0
    assert text_client.ask("PING") == "+OK PONG"


def test_an_address_in_use_is_named_with_the_reason(core: BrokerCore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = TcpServer(core, ListenAddress("127.0.0.1", port))
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}: .*in use"):
            server.start()
        server.stop_accepting()


def test_a_host_that_is_none_is_named(core: BrokerCore) -> None:
    with pytest.raises(ListenError, match=r"cannot listen on 256\.0\.0\.1:1"):
        TcpServer(core, ListenAddress("256.0.0.1", 1)).start()


def test_a_connection_has_a_thread_with_its_number(text_client: WireClient) -> None:
    text_client.ask("PING")
    (thread,) = threads("quekka-conn-")
    assert thread.name == "quekka-conn-1"
    text_client.close()
    thread.join(30)


def test_200_idle_connections_are_served_and_end_with_the_broker(
    start_broker: StartBroker, client_of: ClientOf
) -> None:
    broker = start_broker()
    clients = [client_of(broker) for _ in range(200)]
    assert {client.ask("PING") for client in clients} == {"+OK PONG"}
    assert "connections=200" in clients[0].ask("STATS").split(" ")
    broker.stop()
    assert {client.read_line() for client in clients} == {""}


def test_a_connection_too_many_is_told_so_and_room_made_is_used(
    start_broker: StartBroker, client_of: ClientOf
) -> None:
    broker = start_broker({"max.connections": "2"})
    first, second = client_of(broker), client_of(broker)
    assert [first.ask("PING"), second.ask("PING")] == ["+OK PONG"] * 2
    refused = client_of(broker)
    assert refused.ask("PING") == "-ERR TOO_MANY_CONNECTIONS max.connections=2 are open"
    assert refused.read_line() == ""
    assert "connections_refused=1" in first.ask("STATS").split(" ")
    second.ask("QUIT")
    assert second.read_line() == ""
    (left,) = [thread for thread in threads("quekka-conn-") if thread.name == "quekka-conn-2"] or [None]
    if left is not None:
        left.join(30)
    assert client_of(broker).ask("PING") == "+OK PONG"


def test_a_silent_connection_too_many_is_taken_for_text(
    start_broker: StartBroker, client_of: ClientOf
) -> None:
    broker = start_broker({"max.connections": "1"})
    assert client_of(broker).ask("PING") == "+OK PONG"
    assert client_of(broker).read_line().startswith("-ERR TOO_MANY_CONNECTIONS")


def test_connections_over_all_listeners_count(core: BrokerCore) -> None:
    slots = ConnectionSlots()
    servers = [TcpServer(core, ListenAddress("127.0.0.1", 0), slots) for _ in range(2)]
    for server in servers:
        server.start()
    clients = [WireClient(*server.address) for server in servers]
    assert [client.ask("PING") for client in clients] == ["+OK PONG"] * 2
    assert slots.in_use == 2
    for server in servers:
        server.stop_accepting()
        server.close_connections(Deadline(30))
    assert slots.in_use == 0
    for client in clients:
        client.close()


def test_a_protocol_that_is_not_meant_for_the_listener_is_refused(start_broker: StartBroker) -> None:
    broker = start_broker(listen="127.0.0.1:0,protocols=kafka")
    with WireClient(broker.host, broker.port) as client:
        assert client.ask("PING").startswith("-ERR BAD_REQUEST this listener does not speak")
        assert client.read_line() == ""


def test_after_stop_accepting_nobody_new_comes_in_and_the_others_are_served(core: BrokerCore) -> None:
    server = TcpServer(core, ListenAddress("127.0.0.1", 0))
    server.start()
    with WireClient(*server.address) as client:
        client.ask("PING")
        server.stop_accepting()
        server.stop_accepting()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(server.address, timeout=30)
        assert client.ask("PING") == "+OK PONG"
        server.close_connections(Deadline(30))
        assert client.read_line() == ""


def test_stop_answers_a_poll_that_waits(start_broker: StartBroker, client_of: ClientOf) -> None:
    broker = start_broker()
    client = client_of(broker)
    client.ask("CREATE logs")
    client.send("PING", "POLL logs group 10 300000")
    assert client.read_line() == "+OK PONG"
    broker.stop()
    assert client.read_to_end() == b"+EMPTY\r\n"


def test_a_peer_that_never_reads_is_cut_off_at_the_deadline(
    core: BrokerCore, caplog: pytest.LogCaptureFixture
) -> None:
    core.start()
    server = TcpServer(core, ListenAddress("127.0.0.1", 0))
    server.start()
    with WireClient(*server.address) as client:
        client.ask("CREATE logs")
        for _ in range(8):
            client.publish("logs", b"x" * 1_000_000)
        client.send(*["READ logs 0 0"] * 100)
        assert client.read_line().startswith("+BATCHES")
        server.stop_accepting()
        server.close_connections(Deadline(0.05))
    assert "cut off at the end of the stop: 127.0.0.1:" in caplog.text
    core.begin_stop()
    core.stop()
    assert not threads("quekka-conn-")


def test_stopping_one_that_never_started_is_nothing(core: BrokerCore) -> None:
    server = TcpServer(core, ListenAddress("127.0.0.1", 0))
    server.stop_accepting()
    server.close_connections(Deadline(0))
