"""Every peer that starts fast does what a load asks of it; Kafka's and RabbitMQ's take too long for here."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.comparison.clients import store
from perf.errors import BrokerFailedError, WrongReplyError
from perf.peers import PEERS
from perf.peers.server import Server

FAST = ["quekka-text", "quekka-kafka", "redis", "nats", "beanstalkd"]
BATCHING = ["quekka-text", "quekka-kafka"]
RECORD_BYTES = 100


def started(name: str, directory: Path) -> Server:
    if why := PEERS[name].why_not():
        pytest.skip(why)
    return PEERS[name](directory / name).start()


@pytest.fixture(params=FAST)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server = started(request.param, tmp_path)
    yield server
    server.stop()


def test_what_is_stored_record_by_record_is_received(server: Server) -> None:
    payloads = [b"%0100d" % number for number in range(5)]
    with server.connect("logs", RECORD_BYTES) as producer, server.connect("logs", RECORD_BYTES) as receiver:
        producer.create()
        producer.open_producer()
        receiver.subscribe()
        for payload in payloads:
            producer.socket.sendall(producer.request([payload]))
            producer.await_replies(1)
        received = b""
        while payloads[-1] not in received:
            received += receiver.receive()
        assert [payload in received for payload in payloads] == [True] * len(payloads)
        producer.delete()


@pytest.mark.parametrize("server", [name for name in FAST if name not in BATCHING], indirect=True)
def test_a_stored_log_is_read_from_its_start_again_and_again(server: Server) -> None:
    with server.connect("logs", RECORD_BYTES) as producer:
        producer.create()
        producer.open_producer()
        assert store(producer, 2500, batched=False) == 2500
        for _ in range(2):
            with server.connect("logs", RECORD_BYTES) as reader:
                reader.open_reader()
                assert reader.read(2500) > 2500 * RECORD_BYTES
        producer.delete()


@pytest.mark.parametrize("server", BATCHING, indirect=True)
def test_a_log_stored_in_batches_is_read_from_its_start(server: Server) -> None:
    with server.connect("logs", RECORD_BYTES) as producer, server.connect("logs", RECORD_BYTES) as reader:
        producer.create(fsync=True)
        producer.open_producer()
        _, records = producer.batch()
        stored = store(producer, 5 * records - 1, batched=True)
        assert stored == 5 * records
        assert reader.read(stored) > stored * RECORD_BYTES


@pytest.mark.parametrize("server", ["quekka-text"], indirect=True)
def test_a_log_is_polled_from_its_start(server: Server) -> None:
    with server.connect("logs", RECORD_BYTES) as producer:
        producer.create()
        store(producer, 2500, batched=False)
        for _ in range(2):
            with server.connect("logs", RECORD_BYTES) as reader:
                reader.poll(2500)


@pytest.mark.parametrize("server", ["quekka-kafka"], indirect=True)
def test_a_refusal_is_raised(server: Server) -> None:
    with server.connect("logs", RECORD_BYTES) as producer:
        producer.create()
        with pytest.raises(WrongReplyError, match="not created: error 36"):
            producer.create()
        damaged = bytearray(producer.request([producer.payload]))
        damaged[-1] ^= 1
        producer.socket.sendall(damaged)
        with pytest.raises(WrongReplyError, match="refused"):
            producer.await_replies(1)


@pytest.mark.parametrize("server", ["quekka-text", "redis"], indirect=True)
def test_a_server_that_is_set_aside_goes_on_afterwards(server: Server) -> None:
    server.set_aside()
    _, status = os.waitpid(server.processes()[0].pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    with server.resumed(), server.connect() as connection:
        connection.ping()


def test_nothing_of_a_server_is_left_even_when_it_was_set_aside(server: Server) -> None:
    processes = server.processes()
    server.set_aside()
    server.stop()
    assert not any(process.is_running() for process in processes)
    with pytest.raises(BrokerFailedError):
        server.processes()


def test_a_server_that_does_not_start_is_raised_with_its_log(tmp_path: Path) -> None:
    server = PEERS["quekka-text"](tmp_path / "broken")
    server.directory.mkdir()
    (server.directory / "data").write_text("in the way")
    with pytest.raises(BrokerFailedError, match="ended while it started"):
        server.start()
