"""Kafka Connect, distributed: two workers share a source and a sink; what they remember is in topics.

It is skipped unless Kafka's jars are there: test_kafka_java.py says how to put them there.
"""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from kafka_programs import why_no_java
from kafka_tools import JAVA_OPTIONS, jars_directory
from wire_client import WireClient

from quekka.embedded import Broker

WHY_NOT = why_no_java("connect-runtime-*.jar", "connect-file-*.jar")
pytestmark = [pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT), pytest.mark.timeout(300)]

WAIT_S = 100.0
"""A worker takes its time to start on a machine with other things to do; only a hang takes this long."""
PAUSE_S = 0.2
CONVERTER = "org.apache.kafka.connect.storage.StringConverter"
MEMORY = ("config", "offset", "status")


class Worker:
    """One Connect process, and its REST interface."""

    def __init__(self, broker: Broker, directory: Path, number: int) -> None:
        self._port = _free_port()
        settings = {
            "bootstrap.servers": broker.address,
            "group.id": "connect",
            "listeners": f"http://127.0.0.1:{self._port}",
            "plugin.discovery": "service_load",
            "offset.flush.interval.ms": "500",
            **{f"{memory}.storage.topic": f"connect-{memory}" for memory in MEMORY},
            **{f"{memory}.storage.replication.factor": "1" for memory in MEMORY},
            "key.converter": CONVERTER,
            "value.converter": CONVERTER,
        }
        path = directory / f"worker-{number}.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        self._log = (directory / f"worker-{number}.log").open("w+")
        program = "org.apache.kafka.connect.cli.ConnectDistributed"
        command = ["java", *JAVA_OPTIONS, "-cp", f"{jars_directory()}/*", program, str(path)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer; None while the worker is not ready to give one."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"http://127.0.0.1:{self._port}{path}", data, headers, method=method)
        try:
            with urlopen(request, timeout=WAIT_S) as response:
                return json.loads(response.read() or b"{}")
        except (URLError, HTTPException, OSError):
            assert self._process.poll() is None, self.log()
            return None

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> None:
        """End it in order, once."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(WAIT_S)
        self._log.close()


@pytest.fixture
def start(broker: Broker, tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    with ExitStack() as stack:
        numbers = iter(range(9))

        def start_worker() -> Worker:
            worker = Worker(broker, tmp_path, next(numbers))
            stack.callback(worker.stop)
            return worker

        yield start_worker


def until(condition: Callable[[], Any]) -> Any:
    """What it gives as soon as that is true."""
    give_up_at_s = monotonic() + WAIT_S
    pause = Event()
    while not (found := condition()):
        assert monotonic() < give_up_at_s
        pause.wait(PAUSE_S)  # files and another process's state: there is nothing to wake on
    return found


def test_files_go_in_and_out_and_another_worker_goes_on(
    broker: Broker, start: Callable[[], Worker], text_client: WireClient, tmp_path: Path
) -> None:
    source, sink = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("one\ntwo\n")
    first = start()
    connectors = {
        "source": {"connector.class": "FileStreamSource", "file": str(source), "topic": "lines"},
        "sink": {"connector.class": "FileStreamSink", "file": str(sink), "topics": "lines"},
    }
    until(lambda: first.ask("GET", "/connectors") == [])
    for name, config in connectors.items():
        until(lambda name=name, config=config: first.ask("PUT", f"/connectors/{name}/config", config))
    until(lambda: sink.exists() and sink.read_text() == "one\ntwo\n")
    for memory in MEMORY:
        assert broker.core.topics.get(f"connect-{memory}").own_settings["cleanup.policy"] == "compact"
    second = start()
    until(lambda: len(workers_of(second, connectors)) == 2)
    first.stop()
    until(lambda: len(workers_of(second, connectors)) == 1)
    with source.open("a") as more:
        more.write("three\n")
    until(lambda: sink.read_text() == "one\ntwo\nthree\n")


def workers_of(worker: Worker, connectors: dict[str, dict[str, str]]) -> set[str]:
    """Which workers run the connectors and their tasks; nobody while one of them is not running."""
    found: set[str] = set()
    for name in connectors:
        status = worker.ask("GET", f"/connectors/{name}/status")
        parts = [] if status is None else [status["connector"], *status["tasks"]]
        if len(parts) < 2 or {part["state"] for part in parts} != {"RUNNING"}:
            return set()
        found |= {part["worker_id"] for part in parts}
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
